package setup_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"holdfast"
	"holdfast/access"
	"holdfast/channel"
	"holdfast/setup"
	"holdfast/store"
	"holdfast/store/storetest"
)

const password = "correct horse battery"

// pigeonSettings are of a kind of channel that exists in this test alone.
type pigeonSettings struct {
	Loft   string         `json:"loft" form:"required"`
	Speed  int            `json:"speed"`
	Mode   string         `json:"mode" form:"options=day;night"`
	Routes []string       `json:"routes"`
	Whisle channel.Secret `json:"whistle" form:"required"`
	Spare  channel.Secret `json:"spare"`
}

var pigeon = &channel.Kind{
	Name: "pigeon", Needs: holdfast.Local, Scheme: "ring",
	Settings: func() any { return &pigeonSettings{Speed: 60, Mode: "day"} },
}

type house struct {
	testing.TB
	*setup.Setup
	guard     *access.Guard
	db        *store.DB
	now       time.Time
	told      []string
	restarted []holdfast.ID
}

func each(t *testing.T, story func(h *house)) {
	t.Run("file", func(t *testing.T) { story(newHouse(t, store.Options{Dir: storetest.Folder(t)})) })
	t.Run("server", func(t *testing.T) { story(newHouse(t, store.Options{URL: storetest.PostgresURL(t)})) })
}

func newHouse(t testing.TB, so store.Options) *house {
	h := &house{TB: t, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	so.Now = func() time.Time { return h.now }
	h.db = storetest.Open(t, so)
	seal, err := store.OpenSealer(t.TempDir(), strings.Repeat("cd", 32))
	h.must(err)
	h.guard = access.New(h.db, seal, access.Options{Cost: access.Cost{MemoryKiB: 8, Passes: 1, Threads: 1}})
	h.Setup = setup.New(h.db, seal, h.guard, []*channel.Kind{pigeon}, setup.Options{
		Changed: func(tx *store.Tx, ws holdfast.ID, by holdfast.Actor, what string, id holdfast.ID, action string) error {
			h.told = append(h.told, what+" "+action)
			return nil
		},
		OnChange: func(account holdfast.ID) { h.restarted = append(h.restarted, account) },
		Validate: func(a channel.Account, k *channel.Kind) error {
			if a.Settings.(*pigeonSettings).Speed > 100 {
				return holdfast.Errorf(holdfast.Invalid, "pigeon.too_fast", "no pigeon is that fast").WithField("settings.speed")
			}
			return nil
		},
	})
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) refuses(err error, code string) {
	h.Helper()
	if err == nil || holdfast.CodeOf(err) != code {
		h.Fatalf("got %v, want %s", err, code)
	}
}

// desk makes a workspace with an administrator and says who that is.
func (h *house) desk(name string) access.Identity {
	h.Helper()
	ctx := context.Background()
	w, err := h.CreateWorkspace(ctx, access.System(holdfast.ID{}), setup.NewWorkspace{Name: name, Language: "en", TimeZone: "UTC"})
	h.must(err)
	mail := strings.ToLower(name) + "@example.com"
	_, err = h.guard.CreateOperator(ctx, access.System(w.ID), access.NewOperator{Email: mail, Name: name, Role: holdfast.Administrator, Password: password})
	h.must(err)
	in, err := h.guard.SignIn(ctx, mail, password, "203.0.113.7", "Firefox")
	h.must(err)
	id, err := h.guard.Authenticate(ctx, in.Secret, w.ID, "203.0.113.7", "Firefox")
	h.must(err)
	return id
}

func (h *house) actions(ws holdfast.ID) []string {
	h.Helper()
	rows, err := h.guard.Audit(context.Background(), ws, 0, 500)
	h.must(err)
	var list []string
	for _, r := range slices.Backward(rows) {
		list = append(list, r.Action)
	}
	return list
}

func TestAnEmptyInstallationIsFoundedOnce(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		if empty, err := h.Empty(ctx); err != nil || !empty {
			h.Fatal(empty, err)
		}
		link, _, err := h.guard.IssueLink(ctx, access.System(holdfast.ID{}), holdfast.ID{}, 24*time.Hour)
		h.must(err)
		f := setup.Founding{Link: link, Address: "127.0.0.1", Agent: "Firefox",
			Workspace: setup.NewWorkspace{Name: "آسمان", Language: "fa", TimeZone: "Asia/Tehran"},
			Operator:  access.NewOperator{Email: "ana@example.com", Name: "آنا", Password: "short"}}
		_, _, err = h.Found(ctx, f)
		h.refuses(err, "password.short")
		wrong := f
		wrong.Link, wrong.Operator.Password = "hl_nonsense", password
		_, _, err = h.Found(ctx, wrong)
		h.refuses(err, "link.unknown")
		if empty, _ := h.Empty(ctx); !empty {
			h.Fatal("half an installation was made")
		}

		f.Operator.Password = password // the link is good still
		w, in, err := h.Found(ctx, f)
		h.must(err)
		if w.Settings != (setup.Settings{Calendar: "persian", FirstWeekday: 6}) || w.Demo || w.Name != "آسمان" {
			h.Fatalf("%+v", w)
		}
		id, err := h.guard.Authenticate(ctx, in.Secret, holdfast.ID{}, "", "")
		h.must(err)
		if id.Workspace != w.ID || id.Role != holdfast.Administrator || id.Language != "fa" {
			h.Fatalf("%+v", id)
		}
		_, err = h.guard.CheckLink(ctx, link)
		h.refuses(err, "link.unknown")
		_, _, err = h.Found(ctx, f)
		h.refuses(err, "setup.done")
		if got := h.actions(w.ID); !slices.Equal(got, []string{"workspace.created", "operator.created", "session.began"}) {
			h.Fatal(got)
		}
	})
}

func TestWorkspaces(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		by := h.desk("Sky")
		h.desk("Sea")
		n := setup.NewWorkspace{ID: holdfast.NewID(), Name: "Land", Language: "ru", TimeZone: "Europe/Moscow"}
		for range 2 {
			w, err := h.CreateWorkspace(ctx, by, n)
			h.must(err)
			if w.Language != "ru" || w.Settings.FirstWeekday != 1 || w.Settings.Calendar != "gregorian" {
				h.Fatalf("%+v", w)
			}
		}
		list, err := h.Workspaces(ctx, by)
		h.must(err)
		if len(list) != 2 || list[0].Name != "Sky" || list[1].Name != "Land" {
			h.Fatalf("an operator sees their own workspaces alone: %+v", list)
		}
		all, err := h.Workspaces(ctx, access.System(holdfast.ID{}))
		h.must(err)
		if len(all) != 3 {
			h.Fatalf("%+v", all)
		}

		tok, err := h.guard.CreateToken(ctx, by, access.NewToken{Name: "t", Role: holdfast.Administrator})
		h.must(err)
		token, err := h.guard.Authenticate(ctx, tok.Secret, holdfast.ID{}, "", "")
		h.must(err)
		_, err = h.CreateWorkspace(ctx, token, setup.NewWorkspace{Name: "X", Language: "en", TimeZone: "UTC"})
		h.refuses(err, "workspace.token_bound")
		if list, _ := h.Workspaces(ctx, token); len(list) != 1 || list[0].ID != by.Workspace {
			h.Fatalf("%+v", list)
		}

		h.told = nil
		zone, same := "Asia/Tehran", "Sky"
		w, err := h.ChangeWorkspace(ctx, by, setup.WorkspaceChange{TimeZone: &zone, Name: &same})
		h.must(err)
		if w.TimeZone != zone || w.Name != "Sky" || !slices.Equal(h.told, []string{"workspace changed"}) {
			h.Fatalf("%+v, told %v", w, h.told)
		}
		_, err = h.ChangeWorkspace(ctx, by, setup.WorkspaceChange{Name: &same})
		h.must(err)
		if len(h.told) != 1 {
			h.Fatal("nothing changed, and the screens were told")
		}
		for _, zone := range []string{"", "Local", "Mars/Olympus", "../etc/passwd", "right/UTC", "Factory"} {
			_, err := h.ChangeWorkspace(ctx, by, setup.WorkspaceChange{TimeZone: &zone})
			h.refuses(err, "workspace.time_zone_unknown")
		}
		lang := "de"
		_, err = h.ChangeWorkspace(ctx, by, setup.WorkspaceChange{Language: &lang})
		h.refuses(err, "language.unknown")
		_, err = h.ChangeWorkspace(ctx, by, setup.WorkspaceChange{Settings: &setup.Settings{Calendar: "mayan"}})
		h.refuses(err, "workspace.setting_invalid")
	})
}

func TestAChannelKeepsItsSecrets(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		by := h.desk("Sky")
		n := setup.NewChannel{ID: holdfast.NewID(), Kind: "pigeon", Name: "Loft 1",
			Settings: json.RawMessage(`{"loft":"roof","whistle":"s3cret-whistle","routes":["north","south"]}`)}
		for range 2 {
			v, err := h.CreateChannel(ctx, by, n)
			h.must(err)
			want := `{"loft":"roof","mode":"day","routes":["north","south"],"spare":{"set":false},"speed":60,"whistle":{"set":true}}`
			if got, _ := json.Marshal(v.Settings); string(got) != want || !v.Enabled || v.Problem != "" {
				h.Fatalf("shown as %s %+v", got, v)
			}
		}
		if len(h.restarted) != 1 {
			h.Fatal("started", h.restarted)
		}
		open := func() pigeonSettings {
			h.Helper()
			a, k, err := h.Open(ctx, n.ID)
			h.must(err)
			if a.ID != n.ID || a.Workspace != by.Workspace || a.Language != "en" || k != pigeon {
				h.Fatalf("%+v", a)
			}
			return *a.Settings.(*pigeonSettings)
		}
		if s := open(); s.Whisle != "s3cret-whistle" || s.Speed != 60 {
			h.Fatalf("%q %+v", string(s.Whisle), s)
		}

		change := func(settings string) (setup.View, error) {
			return h.ChangeChannel(ctx, by, n.ID, setup.ChannelChange{Settings: json.RawMessage(settings)})
		}
		for _, kept := range []string{`{"whistle":"","speed":70}`, `{"whistle":{"set":true}}`, `{"routes":[]}`, `{"spare":""}`} {
			_, err := change(kept)
			h.must(err)
			if s := open(); s.Whisle != "s3cret-whistle" || s.Speed != 70 {
				h.Fatalf("after %s: %q %+v", kept, string(s.Whisle), s)
			}
		}
		_, err := change(`{"whistle":"an0ther","spare":"sp4re","speed":null}`)
		h.must(err)
		if s := open(); s.Whisle != "an0ther" || s.Spare != "sp4re" || s.Speed != 60 {
			h.Fatalf("%+v", s)
		}
		_, err = change(`{"spare":null}`)
		h.must(err)
		if s := open(); s.Spare != "" {
			h.Fatal("the spare whistle was not put away")
		}
		for settings, code := range map[string]string{
			`{"whistle":null}`: "channel.setting_missing", `{"mode":"dusk"}`: "channel.setting_option", `{"colour":1}`: "channel.setting_unknown",
			`{"Whistle":"x"}`: "channel.setting_unknown", `[1]`: "channel.settings_invalid", `{"speed":"fast"}`: "channel.settings_invalid", `{"speed":900}`: "pigeon.too_fast",
		} {
			_, err := change(settings)
			h.refuses(err, code)
		}
		if s := open(); s.Whisle != "an0ther" || s.Speed != 60 {
			h.Fatalf("a refused change left %+v", s)
		}

		// Trying settings stores none.
		a, _, err := h.Draft(ctx, by, n.ID, "", json.RawMessage(`{"loft":"cellar"}`))
		h.must(err)
		if s := a.Settings.(*pigeonSettings); s.Loft != "cellar" || s.Whisle != "an0ther" {
			h.Fatalf("%+v", s)
		}
		a, _, err = h.Draft(ctx, by, holdfast.ID{}, "pigeon", json.RawMessage(`{"loft":"cellar","whistle":"x"}`))
		h.must(err)
		if s := open(); s.Loft != "roof" || a.ID == n.ID || a.Workspace != by.Workspace {
			h.Fatalf("%+v", s)
		}

		// Nowhere is the secret in the clear.
		for _, q := range []string{"SELECT settings FROM channel_account", "SELECT COALESCE(detail, settings) FROM audit, channel_account"} {
			rows, err := h.db.Query(ctx, q)
			list, err := store.Collect(rows, err, func(r *store.Rows, b *[]byte) error { return r.Scan(b) })
			h.must(err)
			if len(list) == 0 {
				h.Fatal("nothing stored")
			}
			for _, b := range list {
				if strings.Contains(string(b), "an0ther") || strings.Contains(string(b), "s3cret") || strings.Contains(string(b), "roof") {
					h.Fatalf("%s holds %q", q, b)
				}
			}
		}
	})
}

func TestAChannelsLife(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		by := h.desk("Sky")
		team, err := h.guard.CreateTeam(ctx, by, holdfast.ID{}, "Night")
		h.must(err)
		settings := json.RawMessage(`{"loft":"roof","whistle":"s3cret"}`)
		v, err := h.CreateChannel(ctx, by, setup.NewChannel{Kind: "pigeon", Name: "Loft", Settings: settings, Team: team.ID})
		h.must(err)
		for code, bad := range map[string]setup.NewChannel{
			"channel.kind_unknown":    {Kind: "owl", Name: "Owl", Settings: settings},
			"name.invalid":            {Kind: "pigeon", Name: " ", Settings: settings},
			"team.not_found":          {Kind: "pigeon", Name: "Loft", Settings: settings, Team: holdfast.NewID()},
			"channel.setting_missing": {Kind: "pigeon", Name: "Loft"},
		} {
			_, err := h.CreateChannel(ctx, by, bad)
			h.refuses(err, code)
		}
		running := func(want bool) {
			h.Helper()
			is, err := h.IsEnabled(ctx, v.ID)
			h.must(err)
			list, err := h.Enabled(ctx)
			h.must(err)
			if is != want || slices.Contains(list, v.ID) != want {
				h.Fatalf("enabled %v, listed %v, want %v", is, list, want)
			}
		}
		running(true)
		st := h.State(v.ID)
		if b, err := st.Get(ctx, "cursor"); b != nil || err != nil {
			h.Fatal(b, err)
		}
		for _, value := range []string{"1", "22", ""} {
			h.must(st.Put(ctx, "cursor", []byte(value)))
			b, err := h.State(v.ID).Get(ctx, "cursor")
			h.must(err)
			if b == nil || string(b) != value {
				h.Fatalf("kept %q, want %q", b, value)
			}
		}
		if b, _ := h.State(holdfast.NewID()).Get(ctx, "cursor"); b != nil {
			h.Fatal("another account's state")
		}

		h.restarted = nil
		off, on, none := false, true, holdfast.ID{}
		w, err := h.ChangeChannel(ctx, by, v.ID, setup.ChannelChange{Enabled: &off})
		h.must(err)
		if w.Enabled || w.Team != team.ID || len(h.restarted) != 1 {
			h.Fatalf("%+v %v", w, h.restarted)
		}
		running(false)
		_, err = h.ChangeChannel(ctx, by, v.ID, setup.ChannelChange{Enabled: &off})
		h.must(err)
		if len(h.restarted) != 1 {
			h.Fatal("restarted for nothing")
		}
		_, err = h.ChangeChannel(ctx, by, v.ID, setup.ChannelChange{Enabled: &on})
		h.must(err)
		h.must(h.guard.DeleteTeam(ctx, by, team.ID))
		if w, _ = h.Channel(ctx, by.Workspace, v.ID); !w.Team.IsZero() {
			h.Fatal("a team that is gone is no team")
		}
		_, err = h.ChangeChannel(ctx, by, v.ID, setup.ChannelChange{Team: &none})
		h.must(err)

		h.must(h.DeleteChannel(ctx, by, v.ID))
		running(false)
		w, err = h.Channel(ctx, by.Workspace, v.ID)
		h.must(err)
		if !w.Removed || w.Name != "Loft" || w.Settings != nil || w.Problem != "" {
			h.Fatalf("a removed account keeps its name alone: %+v", w)
		}
		_, _, err = h.Open(ctx, v.ID)
		h.refuses(err, "channel.not_found")
		h.refuses(h.DeleteChannel(ctx, by, v.ID), "channel.not_found")
		_, err = h.ChangeChannel(ctx, by, v.ID, setup.ChannelChange{Enabled: &on})
		h.refuses(err, "channel.not_found")
		_, err = h.CreateChannel(ctx, by, setup.NewChannel{ID: v.ID, Kind: "pigeon", Name: "Loft", Settings: settings})
		h.refuses(err, "setup.id_taken")
		if b, _ := st.Get(ctx, "cursor"); b != nil {
			h.Fatal("the state outlived its account")
		}
		if got := fmt.Sprint(h.actions(by.Workspace)[4:]); got != "[channel.created channel.changed channel.changed team.deleted channel.removed]" {
			h.Fatal(got)
		}
	})
}

// A build without a kind, or another key, must not hide the other accounts.
func TestAnAccountThatCannotBeReadIsShownAsSuch(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		by := h.desk("Sky")
		v, err := h.CreateChannel(ctx, by, setup.NewChannel{Kind: "pigeon", Name: "Loft", Settings: json.RawMessage(`{"loft":"roof","whistle":"x"}`)})
		h.must(err)
		other, err := store.OpenSealer(h.TempDir(), strings.Repeat("ef", 32))
		h.must(err)
		for problem, s := range map[string]*setup.Setup{
			"key.wrong":            setup.New(h.db, other, h.guard, []*channel.Kind{pigeon}, setup.Options{}),
			"channel.kind_unknown": setup.New(h.db, other, h.guard, nil, setup.Options{}),
		} {
			list, err := s.Channels(ctx, by.Workspace)
			h.must(err)
			if len(list) != 1 || list[0].Problem != problem || list[0].Name != "Loft" || list[0].Settings != nil {
				h.Fatalf("%+v", list)
			}
			_, _, err = s.Open(ctx, v.ID)
			h.refuses(err, problem)
		}
	})
}

func TestWebhooks(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		by := h.desk("Sky")
		n := setup.NewWebhook{ID: holdfast.NewID(), URL: "https://example.com/hook?key=abc", Kinds: []holdfast.EntryKind{"message.received", "message.queued", "message.received"}}
		w, err := h.CreateWebhook(ctx, by, n)
		h.must(err)
		if !strings.HasPrefix(w.Secret, "whsec_") || !slices.Equal(w.Kinds, []holdfast.EntryKind{"message.queued", "message.received"}) || !w.Enabled {
			h.Fatalf("%+v", w)
		}
		again, err := h.CreateWebhook(ctx, by, n)
		h.must(err)
		if again.Secret != "" || again.ID != w.ID {
			h.Fatal("the secret was shown twice")
		}
		subs, err := h.Subscriptions(ctx, by.Workspace)
		h.must(err)
		if len(subs) != 1 || subs[0].Secret != w.Secret || !subs[0].Wants("message.queued") || subs[0].Wants("draft.saved") {
			h.Fatalf("%+v", subs)
		}
		turned, err := h.RotateWebhook(ctx, by, w.ID)
		h.must(err)
		subs, err = h.Subscriptions(ctx, by.Workspace)
		h.must(err)
		if turned.Secret == w.Secret || subs[0].Secret != turned.Secret {
			h.Fatal("the secret was not changed")
		}
		all, off := []holdfast.EntryKind{}, false
		_, err = h.ChangeWebhook(ctx, by, w.ID, setup.WebhookChange{Kinds: &all})
		h.must(err)
		if subs, _ = h.Subscriptions(ctx, by.Workspace); !subs[0].Wants("draft.saved") {
			h.Fatal("no kinds are all kinds")
		}
		got, err := h.ChangeWebhook(ctx, by, w.ID, setup.WebhookChange{Enabled: &off})
		h.must(err)
		if got.Secret != "" {
			h.Fatal("a change shows no secret")
		}
		if subs, _ = h.Subscriptions(ctx, by.Workspace); len(subs) != 0 {
			h.Fatal("a disabled one is delivered to")
		}
		h.must(h.DeleteWebhook(ctx, by, w.ID))
		_, err = h.RotateWebhook(ctx, by, w.ID)
		h.refuses(err, "webhook.not_found")
		for _, bad := range []string{"", "example.com", "ftp://example.com", "https://", "https://ana:pw@example.com/", "javascript:alert(1)", "https://example.com/#x", "http:example.com", "https://exa mple.com", "https://example.com/" + strings.Repeat("x", 2048)} {
			_, err := h.CreateWebhook(ctx, by, setup.NewWebhook{URL: bad})
			h.refuses(err, "webhook.url_invalid")
		}
		_, err = h.CreateWebhook(ctx, by, setup.NewWebhook{URL: "https://example.com", Kinds: []holdfast.EntryKind{"message.eaten"}})
		h.refuses(err, "webhook.kind_unknown")

		rows, err := h.guard.Audit(ctx, by.Workspace, 0, 0)
		h.must(err)
		for _, r := range rows {
			if s := string(r.Detail); strings.Contains(s, "whsec_") || strings.Contains(s, "key=abc") {
				h.Fatal("the audit holds a secret:", s)
			}
		}
	})
}

func TestAReplacedSecretSignsForADay(t *testing.T) {
	each(t, func(h *house) {
		ctx := t.Context()
		by := h.desk("Sky")
		w, err := h.CreateWebhook(ctx, by, setup.NewWebhook{ID: holdfast.NewID(), URL: "https://example.com"})
		h.must(err)
		secrets := []string{w.Secret}
		turn := func() {
			t.Helper()
			w, err := h.RotateWebhook(ctx, by, w.ID)
			h.must(err)
			if slices.Contains(secrets, w.Secret) || w.Secret == "" || strings.Contains(w.Secret, " ") {
				t.Fatalf("the new secret is %q", w.Secret)
			}
			secrets = append([]string{w.Secret}, secrets...)
		}
		signs := func(n int) {
			t.Helper()
			list, err := h.Subscriptions(ctx, by.Workspace)
			h.must(err)
			if got := append([]string{list[0].Secret}, list[0].Former...); !slices.Equal(got, secrets[:n]) {
				t.Errorf("%d secrets sign, want the newest %d in their order", len(got), n)
			}
		}
		signs(1)
		turn()
		signs(2)
		h.now = h.now.Add(23 * time.Hour)
		signs(2)
		turn()
		signs(3)
		h.now = h.now.Add(time.Hour) // the first is a day out of use, the second an hour
		signs(2)
		h.now = h.now.Add(23 * time.Hour)
		signs(1)
		for range 10 { // who cannot stop turning does not make the header endless
			turn()
		}
		signs(4)
		list, err := h.Webhooks(ctx, by.Workspace)
		h.must(err)
		raw, err := json.Marshal(list)
		h.must(err)
		for _, s := range secrets {
			if strings.Contains(string(raw), s) {
				t.Errorf("the list tells a secret: %s", raw)
			}
		}
	})
}
