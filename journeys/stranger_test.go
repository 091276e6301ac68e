package journeys

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/store"
)

// marker is in everything that the victim's workspace holds.
const marker = "zanzibar"

// victim is a workspace with one of everything in it.
type victim struct {
	workspace, administrator, operator, team, customer, conversation, message, reply, note, arrival holdfast.ID
	channel, webhook, token, imported                                                               holdfast.ID
	passkey, device                                                                                 holdfast.ID
	delivery, session                                                                               string
	attachment                                                                                      holdfast.Attachment
	plan, run, action                                                                               holdfast.ID
	broadcast                                                                                       holdfast.ID
	canned, macro, view, field, incident, banner, sheet                                             holdfast.ID
}

// params are the victim's ids for the parameters of a path, by the path's beginning;
// the longest one counts. A new kind of thing in a path must be added here.
func (v *victim) params() map[string]map[string]string {
	id := func(i holdfast.ID) map[string]string { return map[string]string{"id": i.String()} }
	conversation := id(v.conversation)
	conversation["tag"], conversation["macro"] = marker, v.macro.String()
	message := id(v.message)
	message["attachment"] = v.attachment.ID.String()
	run := id(v.run)
	run["action"] = v.action.String()
	return map[string]map[string]string{
		"/conversations/": conversation, "/messages/": message, "/customers/": id(v.customer), "/outbox/": id(v.reply), "/arrivals/": id(v.arrival),
		"/channels/": id(v.channel), "/operators/": id(v.operator), "/teams/": id(v.team), "/tokens/": id(v.token), "/webhooks/": id(v.webhook),
		"/webhook-deliveries/": {"id": v.delivery}, "/me/sessions/": {"id": v.session}, "/me/passkeys/": id(v.passkey), "/me/push-devices/": id(v.device), "/imports/": id(v.imported),
		"/continuity/": id(v.webhook), "/call-lists/": {"id": v.webhook.String(), "customer": v.customer.String()},
		"/chains/": {"sort": "reply"},
		"/plans/":  id(v.plan), "/plans/runs/": run,
		"/broadcasts/":     id(v.broadcast),
		"/canned-replies/": id(v.canned), "/macros/": id(v.macro), "/views/": id(v.view), "/fields/": id(v.field), "/incidents/": {"id": v.incident.String(), "update": v.incident.String()}, "/banners/": id(v.banner), "/paper/sheets/": {"id": v.sheet.String(), "form": "csv"}, "/paper/rows/": {"code": "00000-00000"}, "/tags/": {"tag": marker},
	}
}

// fields are the victim's ids for the fields of bodies and queries that point at something.
func (v *victim) fields() map[string]any {
	return map[string]any{
		"channel": v.channel.String(), "operator": v.operator.String(), "team": v.team.String(), "customer": v.customer.String(), "conversation": v.conversation.String(),
		"operators": []string{v.operator.String(), v.administrator.String()}, "mentions": []string{v.operator.String()}, "attachments": []holdfast.Attachment{v.attachment},
		"to": map[string]string{"scheme": "mailto", "value": "victim@customer.example"}, "like": v.imported.String(),
		"macro": v.macro.String(), "ids": []string{v.conversation.String()}, "with": v.conversation.String(), "messages": []string{v.message.String()}, "teams": []string{v.team.String()},
		"scope": []string{v.channel.String()}, "hidden": []string{v.channel.String()}, "audiences": []string{"console"}, "keys": []string{}, "passphrase": "a stranger’s words",
	}
}

// own are the victim's ids for the "id" of a create, by the path of the route.
func (v *victim) own() map[string]holdfast.ID {
	return map[string]holdfast.ID{
		"/conversations": v.conversation, "/conversations/{id}/replies": v.reply, "/conversations/{id}/notes": v.note, "/customers": v.customer,
		"/channels": v.channel, "/operators": v.operator, "/teams": v.team, "/workspaces": v.workspace, "/tokens": v.token, "/webhooks": v.webhook, "/imports": v.imported,
		"/conversations/{id}/macros/{macro}": v.reply, "/conversations/bulk": v.reply, "/conversations/{id}/split": v.conversation, "/messages/{id}/forward": v.reply,
		"/plans/{id}/start": v.run,
	}
}

func (h *house) populate() *victim {
	h.t.Helper()
	v := &victim{workspace: h.workspace}
	v.administrator = h.newOperator(h.workspace, holdfast.Administrator, "admin@"+marker+".example")
	v.operator = h.newOperator(h.workspace, holdfast.Operator, "joe@"+marker+".example")
	create := func(path string, body map[string]any) holdfast.ID {
		id := holdfast.NewID()
		body["id"] = id
		h.must("POST", path, body, nil)
		return id
	}
	v.team = create("/teams", map[string]any{"name": "Team " + marker})
	h.must("PUT", "/teams/"+v.team.String()+"/members", map[string]any{"operators": []string{v.operator.String()}}, nil)
	v.token = create("/tokens", map[string]any{"name": "Token " + marker, "role": "operator"})
	v.imported = create("/imports", map[string]any{"source": "csv", "file": marker + ".csv"})
	put := func(path string, body map[string]any) holdfast.ID {
		id := holdfast.NewID()
		h.must("PUT", path+id.String(), body, nil)
		return id
	}
	v.canned = put("/canned-replies/", map[string]any{"title": "Canned " + marker, "texts": map[string]string{"any": "Hello from " + marker}})
	v.macro = put("/macros/", map[string]any{"name": "Macro " + marker, "actions": []map[string]string{{"do": "tag", "tag": marker}}})
	v.view = put("/views/", map[string]any{"name": "View " + marker, "filter": map[string]any{"match": "all", "conditions": []any{}}})
	v.field = put("/fields/", map[string]any{"of": "customer", "key": marker, "labels": map[string]string{"en": "Field " + marker}, "type": "text"})
	v.plan = put("/plans/", map[string]any{"name": "Plan " + marker, "trigger": map[string]string{"on": "hand"}, "steps": []map[string]any{{"key": "wait", "name": "Wait " + marker, "do": "wait", "seconds": 1}}})
	v.run = create("/plans/"+v.plan.String()+"/start", map[string]any{})
	v.action = put("/plans/runs/"+v.run.String()+"/actions/", map[string]any{"text": "Buy a " + marker})
	h.until("the plan is carried out", func() bool {
		return h.count("SELECT COUNT(*) FROM plan_turn WHERE turn = 'ended' AND run = $1", v.run) == 1
	})
	v.broadcast = put("/broadcasts/", map[string]any{"name": "Broadcast " + marker, "segment": map[string]any{}, "ways": []any{}, "texts": map[string]string{"en": marker}})
	v.incident = put("/incidents/", map[string]any{"titles": map[string]string{"en": "Incident of " + marker}, "first": map[string]any{"state": "watching", "texts": map[string]string{"en": "Word of " + marker}}})
	v.banner = put("/banners/", map[string]any{"audiences": []string{"console"}, "severity": "info", "texts": map[string]string{"en": "Banner of " + marker}})
	hook := newReceiver(h.t)
	v.webhook = create("/webhooks", map[string]any{"url": hook.url + "/" + marker})
	v.channel = h.mailbox("help@"+marker+".example", "")
	v.passkey = holdfast.NewID()
	if err := h.DB.Write(context.Background(), func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO passkey (id, operator, credential, name, record, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
			v.passkey, v.operator, v.passkey[:], "Key of "+marker, []byte("{}"), tx.Now)
	}); err != nil {
		h.t.Fatal(err)
	}
	v.device = holdfast.NewID()
	if err := h.DB.Write(context.Background(), func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO push_subscription (id, operator, address, sealed, agent, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
			v.device, v.operator, v.device[:], []byte("sealed"), "Browser of "+marker, tx.Now)
	}); err != nil {
		h.t.Fatal(err)
	}
	line := dial(h.t, h.smtp)
	line.send("help@"+marker+".example", []byte("From: Zed "+marker+" <victim@customer.example>\r\nSubject: "+marker+"\r\nMessage-ID: <1@"+marker+">\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"+
		"--b\r\nContent-Type: text/html\r\n\r\n<p>Hello "+marker+"</p>\r\n--b\r\nContent-Type: text/plain; name="+marker+".txt\r\nContent-Disposition: attachment; filename="+marker+".txt\r\n\r\nfile "+marker+"\r\n--b--\r\n"))
	line.send("help@"+marker+".example", []byte("From: robot@"+marker+"\r\nAuto-Submitted: auto-replied\r\nSubject: away "+marker+"\r\n\r\nI am away, "+marker+"\r\n"))
	c := all[struct {
		ID       holdfast.ID
		Customer struct{ ID holdfast.ID }
	}](h, "/conversations?view=all")[0]
	v.conversation, v.customer = c.ID, c.Customer.ID
	v.message = h.messages(v.conversation)[0].ID
	v.attachment = h.messages(v.conversation)[0].Attachments[0]
	v.arrival = all[seen](h, "/arrivals?")[0].ID
	path := "/conversations/" + v.conversation.String()
	v.reply = create(path+"/replies", map[string]any{"text": "Answer " + marker, "not_before": "2126-01-01T00:00:00Z"})
	v.note = create(path+"/notes", map[string]any{"text": "Note " + marker})
	h.must("PUT", path+"/tags/"+marker, nil, nil)
	h.until("a webhook delivery", func() bool {
		for _, d := range all[struct{ ID string }](h, "/webhooks/"+v.webhook.String()+"/deliveries?") {
			v.delivery = d.ID
		}
		return v.delivery != ""
	})
	v.sheet = holdfast.NewID()
	if err := h.DB.Write(context.Background(), func(tx *store.Tx) error {
		if err := tx.Exec("INSERT INTO paper_sheet (workspace, id, made_at, night, customers, row_count) VALUES ($1, $2, $3, '', 1, 1)", h.workspace, v.sheet, tx.Now); err != nil {
			return err
		}
		return tx.Exec("INSERT INTO paper_row (workspace, code, sheet, conversation, made_at) VALUES ($1, '0000000000', $2, $3, $4)", h.workspace, v.sheet, v.conversation, tx.Now)
	}); err != nil {
		h.t.Fatal(err)
	}
	s, err := h.Guard.OpenSession(context.Background(), v.administrator, "127.0.0.1", "victim's browser")
	if err != nil {
		h.t.Fatal(err)
	}
	who, err := h.Guard.Authenticate(context.Background(), s.Secret, h.workspace, "127.0.0.1", "victim's browser")
	if err != nil {
		h.t.Fatal(err)
	}
	v.session = who.Session
	return v
}

func (h *house) messages(conversation holdfast.ID) []seen {
	h.t.Helper()
	var p list[seen]
	h.must("GET", "/conversations/"+conversation.String()+"/messages?limit=200", nil, &p)
	return p.Items
}

// settle waits until what follows the journal has followed it.
func (h *house) settle() {
	h.t.Helper()
	h.until("the webhook deliveries are made", func() bool {
		return h.count("SELECT COUNT(*) FROM webhook_delivery WHERE state = 'due'") == 0 &&
			h.count("SELECT MAX(lsn) FROM webhook_delivery") == h.count("SELECT MAX(lsn) FROM journal WHERE workspace = $1", h.workspace)
	})
}

func (h *house) count(query string, args ...any) (n int64) {
	h.t.Helper()
	if err := h.DB.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

// holdings is every row of a workspace, whole, by table. Left out is only what
// another's visit may touch: when a token was last used.
func (h *house) holdings(workspace holdfast.ID) map[string]string {
	h.t.Helper()
	h.settle()
	ctx := context.Background()
	where := map[string]string{ // what has no column of that name
		"workspace": "id = $1", "operator": "id IN (SELECT operator FROM member WHERE workspace = $1)", "team_member": "team IN (SELECT id FROM team WHERE workspace = $1)",
		"passkey": "operator IN (SELECT operator FROM member WHERE workspace = $1)", "push_subscription": "operator IN (SELECT operator FROM member WHERE workspace = $1)",
		"session": "operator IN (SELECT operator FROM member WHERE workspace = $1)", "sign_in_link": "operator IN (SELECT operator FROM member WHERE workspace = $1)",
		"channel_state": "account IN (SELECT id FROM channel_account WHERE workspace = $1)",
	}
	catalogue := "SELECT m.name, GROUP_CONCAT(c.name) FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'goose%' GROUP BY m.name"
	if h.DB.Dialect() == "postgres" {
		catalogue = "SELECT table_name::text, string_agg(column_name, ',') FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'goose%' GROUP BY table_name"
	}
	rows, err := h.DB.Unprepared(ctx, catalogue)
	type table struct{ name, columns string }
	tables, err := store.Collect(rows, err, func(r *store.Rows, t *table) error { return r.Scan(&t.name, &t.columns) })
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]string{}
	for _, t := range tables {
		columns := strings.Split(t.columns, ",")
		if _, ok := where[t.name]; !ok {
			if !slices.Contains(columns, "workspace") {
				continue
			}
			where[t.name] = "workspace = $1"
		}
		if t.name == "token" || t.name == "session" {
			columns = slices.DeleteFunc(columns, func(c string) bool { return c == "used_at" || c == "seen_at" || c == "expires_at" })
		}
		rows, err := h.DB.Unprepared(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+t.name+" WHERE "+where[t.name], workspace)
		lines, err := store.Collect(rows, err, func(r *store.Rows, s *string) error {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			err := r.Scan(into...)
			*s = fmt.Sprint(values...)
			return err
		})
		if err != nil {
			h.t.Fatalf("%s: %v", t.name, err)
		}
		slices.Sort(lines)
		out[t.name] = strings.Join(lines, "\n")
	}
	if len(out) < 20 || !strings.Contains(out["message"], marker) {
		h.t.Fatalf("the holdings are not read: %v", slices.Sorted(maps.Keys(out)))
	}
	return out
}

func (h *house) same(what string, before, after map[string]string) {
	h.t.Helper()
	for table := range before {
		if before[table] != after[table] {
			h.t.Errorf("%s changed the table %s:\nbefore %s\nafter  %s", what, table, before[table], after[table])
		}
	}
}

// doors lists every route there is, and fails when the document and the table of
// contents do not agree on them.
func (h *house) doors() []door {
	h.t.Helper()
	c := h.contract()
	documented := map[string]operation{}
	for path, methods := range c.Paths {
		for method, o := range methods {
			documented[strings.ToUpper(method)+" "+path] = o
		}
	}
	var list []door
	for _, r := range h.API.Routes() {
		o, ok := documented[r.Method+" "+r.Path]
		if !ok {
			h.t.Errorf("%s %s is not in the document", r.Method, r.Path)
		}
		if (len(o.Security) == 0) != (r.Permission == "") {
			h.t.Errorf("%s %s: the document says %v, the table of contents %q", r.Method, r.Path, o.Security, r.Permission)
		}
		delete(documented, r.Method+" "+r.Path)
		list = append(list, door{r.Method, r.Path, r.Permission, o, c})
	}
	for extra := range documented {
		h.t.Errorf("%s is in the document alone", extra)
	}
	if len(list) < 80 {
		h.t.Fatalf("only %d routes", len(list))
	}
	return list
}

type door struct {
	method, path string
	permission   holdfast.Permission
	operation
	contract *contract
}

func (d door) name() string  { return d.method + " " + strings.TrimPrefix(d.path, "/api/v1") }
func (d door) short() string { return strings.TrimPrefix(d.path, "/api/v1") }

// knock calls the route with the victim's ids wherever an id goes. With own, things
// to be created get the id of the victim's thing of that kind.
func (d door) knock(h *house, who caller, v *victim, own bool) answer {
	h.t.Helper()
	path := d.path
	if strings.Contains(path, "{") {
		var params map[string]string
		best := ""
		for prefix, p := range v.params() {
			if strings.HasPrefix(d.short(), prefix) && len(prefix) > len(best) {
				best, params = prefix, p
			}
		}
		for name, value := range params {
			path = strings.ReplaceAll(path, "{"+name+"}", value)
		}
		if strings.Contains(path, "{") {
			h.t.Errorf("%s: there is no id of the victim's for it; add one to params", d.name())
			return answer{}
		}
	}
	fields := v.fields()
	if !own {
		fields["attachments"] = []holdfast.Attachment{}
	}
	fill := func(field string, s schema) (any, bool) {
		if x, ok := fields[field]; ok && (s.Type == "string" || field == "to" || s.Items != nil || s.Type == nil && s.Ref == "") {
			return x, true
		}
		switch field {
		case "id", "message_id":
			if own {
				id, ok := v.own()[d.short()]
				if field == "message_id" {
					id, ok = v.reply, true
				}
				if !ok {
					h.t.Errorf("%s creates something: add the victim's to own", d.name())
				}
				return id, true
			}
			return holdfast.NewID(), true
		case "email":
			return "new" + holdfast.NewID().String() + "@stranger.example", true
		case "cc", "bcc":
			return []string{"copy@stranger.example"}, true
		case "role":
			return "operator", true
		case "scopes":
			return []string{"customers.read"}, true
		case "then":
			return "open", true
		case "language":
			return "en", true
		case "time_zone":
			return "UTC", true
		case "url":
			return "https://stranger.example/", true
		case "owner":
			return map[string]string{}, s.Type != "string"
		case "texts", "labels":
			return map[string]string{"en": "Text"}, s.Items == nil && s.Ref == "" && s.Properties == nil
		case "filter":
			return map[string]any{"match": "all", "conditions": []any{}}, true
		case "actions":
			return []map[string]string{{"do": "tag", "tag": "stranger"}}, true
		case "values":
			return map[string]string{}, true
		case "channels":
			return []string{}, true
		case "days":
			return []holdfast.Day{}, true
		case "segment":
			return map[string]any{}, true
		case "quiet":
			return map[string]string{"from": "21:00", "to": "09:00"}, true
		case "week":
			return [][]holdfast.Span{{}, {}, {}, {}, {}, {}, {}}, true
		case "question":
			return "csat", true
		case "csat":
			return "stars", true
		case "issuer":
			return "https://login.stranger.example", true
		case "kinds":
			return []string{"message.received"}, true
		case "password", "new":
			return "correct horse battery 2", true
		case "upto":
			return "", true
		case "settings", "preferences":
			return map[string]any{}, s.Ref == "" && s.Properties == nil
		case "kind":
			return "email", true
		case "source":
			return "csv", true
		case "q":
			return marker, true
		case "view":
			return "all", true
		}
		return nil, false
	}
	body := d.contract.body(d.operation, fill)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	if strings.HasPrefix(d.short(), "/live") { // it does not end by itself
		cancel()
		ctx, cancel = context.WithTimeout(context.Background(), 300*time.Millisecond)
	}
	defer cancel()
	return h.ask(ctx, who, d.method, path+d.contract.query(d.operation, fill), body)
}

func (h *house) session(operator holdfast.ID) string {
	h.t.Helper()
	s, err := h.Guard.OpenSession(context.Background(), operator, "127.0.0.1", "a test")
	if err != nil {
		h.t.Fatal(err)
	}
	return s.Secret
}

func TestNobodyPassesADoorUnknown(t *testing.T) { each(t, nobodyPassesADoorUnknown) }

func nobodyPassesADoorUnknown(t *testing.T, h *house) {
	v := h.populate()
	before := h.holdings(v.workspace)
	forged := caller{token: "hf_" + strings.Repeat("a", 43)}
	for _, d := range h.doors() {
		for _, who := range []caller{{}, forged} {
			a := d.knock(h, who, v, false)
			if strings.Contains(string(a.body), marker) {
				t.Errorf("%s tells a stranger %.300s", d.name(), a.body)
			}
			switch {
			case d.permission != "":
				if a.status != http.StatusUnauthorized {
					t.Errorf("%s: %d %s", d.name(), a.status, a.body)
				}
			case d.name() == "GET /start", d.name() == "DELETE /session", d.name() == "POST /session/passkey/options",
				d.name() == "GET /session/providers", d.name() == "GET /session/provider/callback": // the last shows the page that says why not
				if a.status >= 300 {
					t.Errorf("%s: %d %s", d.name(), a.status, a.body)
				}
			default: // they let somebody in, who must show that they may
				if a.status != http.StatusUnauthorized && a.status != http.StatusConflict {
					t.Errorf("%s: %d %s", d.name(), a.status, a.body)
				}
			}
		}
	}
	h.same("a stranger", before, h.holdings(v.workspace))
}

func TestNobodyReachesIntoAnothersWorkspace(t *testing.T) {
	each(t, nobodyReachesIntoAnothersWorkspace)
}

func nobodyReachesIntoAnothersWorkspace(t *testing.T, h *house) {
	v := h.populate()
	theirs := h.newWorkspace("Theirs")
	operator := h.newOperator(theirs, holdfast.Administrator, "admin@stranger.example")
	token := h.newToken(theirs, holdfast.Administrator)
	before := h.holdings(v.workspace)
	secrets := v.ids()
	for _, d := range h.doors() {
		if d.permission == "" {
			continue // nobody is anybody there yet; the other test knocks at these
		}
		for _, own := range []bool{false, true} {
			for name, who := range map[string]caller{"token": {token: token}, "session": {session: h.session(operator)}} {
				a := d.knock(h, who, v, own)
				what := fmt.Sprintf("%s by %s (own ids %v)", d.name(), name, own)
				if strings.Contains(d.path, "{") && a.status != http.StatusNotFound && a.status != http.StatusForbidden && !refusedEarlier(a) {
					t.Errorf("%s: %d %.300s", what, a.status, a.body)
				}
				if a.status >= 500 {
					t.Errorf("%s: %d %.300s", what, a.status, a.body)
				}
				if a.status < 300 {
					said := string(a.body)
					if own { // they named it themselves
						said = strings.ReplaceAll(said, v.own()[d.short()].String(), "")
					}
					for kind, id := range secrets {
						if strings.Contains(said, id) {
							t.Errorf("%s tells the %s: %.400s", what, kind, a.body)
						}
					}
					if strings.Contains(said, marker) && d.short() != "/search" {
						t.Errorf("%s tells %.400s", what, a.body)
					}
				}
				// and with the victim's workspace named outright
				who.workspace = v.workspace.String()
				if a := d.knock(h, who, v, own); a.status != http.StatusNotFound && a.status != http.StatusForbidden {
					t.Errorf("%s in the victim's workspace: %d %.300s", what, a.status, a.body)
				}
			}
		}
		after := h.holdings(v.workspace)
		h.same(d.name(), before, after)
		before = after
	}
}

// refusedEarlier reports that a request did not come as far as the victim's thing:
// a file in it was not uploaded by the asker, or it asks for what tokens do not
// have. The same route is tried without that, too: by a session, and with no files.
func refusedEarlier(a answer) bool {
	var p struct{ Code string }
	return a.status == http.StatusBadRequest && json.Unmarshal(a.body, &p) == nil &&
		slices.Contains([]string{"attachment.unknown", "read.no_operator", "draft.no_operator"}, p.Code)
}

// ids are what a stranger must not be told.
func (v *victim) ids() map[string]string {
	return map[string]string{
		"workspace": v.workspace.String(), "administrator": v.administrator.String(), "operator": v.operator.String(), "team": v.team.String(), "customer": v.customer.String(),
		"conversation": v.conversation.String(), "message": v.message.String(), "reply": v.reply.String(), "note": v.note.String(), "arrival": v.arrival.String(),
		"channel": v.channel.String(), "webhook": v.webhook.String(), "token": v.token.String(), "import": v.imported.String(), "passkey": v.passkey.String(), "device": v.device.String(), "delivery": v.delivery, "session": v.session,
		"canned": v.canned.String(), "macro": v.macro.String(), "view": v.view.String(), "field": v.field.String(), "plan": v.plan.String(), "run": v.run.String(), "action": v.action.String(),
	}
}

// observersMay are the writes that concern nobody but the observer who makes them.
var observersMay = []string{
	"PATCH /me", "POST /me/password", "POST /me/totp", "POST /me/totp/confirm", "POST /me/totp/disable", "DELETE /me/sessions/{id}",
	"PUT /me/away", "PUT /me/notices", "POST /me/notices/test", "POST /me/push-devices", "DELETE /me/push-devices/{id}", "POST /me/recovery-codes", "POST /me/passkeys/options", "POST /me/passkeys", "PATCH /me/passkeys/{id}", "DELETE /me/passkeys/{id}",
	"PUT /conversations/{id}/read", "DELETE /conversations/{id}/read", "POST /plans/runs/{id}/heard",
}

func TestAnObserverOnlyReads(t *testing.T) { each(t, anObserverOnlyReads) }

func anObserverOnlyReads(t *testing.T, h *house) {
	v := h.populate()
	session := h.session(h.newOperator(h.workspace, holdfast.Observer, "watcher@"+marker+".example"))
	token := h.newToken(h.workspace, holdfast.Observer)
	before := h.holdings(v.workspace)
	writes := 0
	for _, d := range h.doors() {
		if d.permission == "" || slices.Contains(observersMay, d.name()) {
			continue
		}
		write := d.method != http.MethodGet
		if write {
			writes++
		}
		if write == holdfast.Observer.May(d.permission) {
			if write {
				t.Errorf("%s is a write that an observer may make", d.name())
				continue
			}
		}
		if !write && holdfast.Observer.May(d.permission) {
			continue
		}
		for _, who := range []caller{{token: token}, {session: session}} {
			if a := d.knock(h, who, v, false); a.status != http.StatusForbidden {
				t.Errorf("%s: %d %.300s", d.name(), a.status, a.body)
			}
		}
	}
	if writes < 40 {
		t.Errorf("only %d writes were tried", writes)
	}
	h.same("an observer", before, h.holdings(v.workspace))
}

// A stranger's screen hears nothing of what happens next door.
func TestALiveStreamStopsAtTheWall(t *testing.T) { each(t, aLiveStreamStopsAtTheWall) }

func aLiveStreamStopsAtTheWall(t *testing.T, h *house) {
	h.mailbox("help@"+marker+".example", "")
	theirs := h.newWorkspace("Theirs")
	who := access.System(theirs)
	s := h.follow(h.newToken(theirs, holdfast.Observer), 0, "events")
	s.wait("caught_up")
	line := dial(t, h.smtp)
	for i := range 5 {
		line.send("help@"+marker+".example", goodMail(i, marker))
	}
	// something of their own ends the waiting
	if _, err := h.Guard.CreateTeam(context.Background(), who, holdfast.NewID(), "Own"); err != nil {
		t.Fatal(err)
	}
	s.wait("entry")
	for _, f := range s.frames() {
		if strings.Contains(f, marker) || strings.Contains(f, h.workspace.String()) {
			t.Errorf("the stranger's screen was sent %s", f)
		}
	}
}
