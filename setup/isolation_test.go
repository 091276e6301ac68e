package setup_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast"
	"holdfast/access"
	"holdfast/setup"
	"holdfast/store"
)

// tables of this room, each with a column that names the workspace or the account.
var tables = map[string]string{
	"workspace":       "SELECT id, name, language, time_zone, demo, settings, created_at FROM workspace WHERE id = $1",
	"channel_account": "SELECT id, kind, name, settings, enabled, removed, team, changed_at FROM channel_account WHERE workspace = $1",
	"channel_state":   "SELECT account, name, value FROM channel_state WHERE account IN (SELECT id FROM channel_account WHERE workspace = $1)",
	"webhook":         "SELECT id, url, secret, kinds, enabled FROM webhook WHERE workspace = $1",
	"audit":           "SELECT id, action, subject, detail FROM audit WHERE workspace = $1",
	"shift":           "SELECT operator, body FROM shift WHERE workspace = $1",
	"away":            "SELECT operator, until FROM away WHERE workspace = $1",
	"member":          "SELECT operator, role, former FROM member WHERE workspace = $1",
}

func (h *house) belongings(ws holdfast.ID) map[string][]string {
	h.Helper()
	all := map[string][]string{}
	for table, query := range tables {
		n := strings.Count(query[:strings.Index(query, " FROM ")], ",") + 1
		rows, err := h.db.Query(context.Background(), query, ws)
		list, err := store.Collect(rows, err, func(r *store.Rows, s *string) error {
			values, into := make([]any, n), make([]any, n)
			for i := range values {
				into[i] = &values[i]
			}
			err := r.Scan(into...)
			*s = fmt.Sprint(values...)
			return err
		})
		h.must(err)
		slices.Sort(list)
		all[table] = list
	}
	return all
}

type victim struct{ workspace, channel, webhook, team, operator holdfast.ID }

type reach func(h *house, ctx context.Context, by access.Identity, v victim) (told any, err error)

const loft = `{"loft":"mine","whistle":"mine"}`

// reaches holds every method that takes an Identity; the test below fails for one that is missing.
var reaches = map[string]reach{
	"Workspaces": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return h.Workspaces(ctx, by)
	},
	"CreateWorkspace": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return h.CreateWorkspace(ctx, by, setup.NewWorkspace{ID: v.workspace, Name: "Mine", Language: "en", TimeZone: "UTC"})
	},
	// Who vouches for operators is the whole installation's.
	"MayVouch": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return nil, h.MayVouch(ctx, by)
	},
	// And so are the links of the node.
	"MayManageNode": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return nil, h.MayManageNode(ctx, by)
	},
	"SetSignInProvider": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return nil, h.SetSignInProvider(ctx, by, setup.SignInProvider{Issuer: "https://evil.example", ClientID: "x", Domains: []string{"evil.example"}, Role: holdfast.Administrator})
	},
	"RemoveSignInProvider": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return nil, h.RemoveSignInProvider(ctx, by)
	},
	"SetHours": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		var hours holdfast.Hours
		hours.Week[1] = []holdfast.Span{{From: "09:00", To: "10:00"}}
		return nil, h.SetHours(ctx, by, holdfast.ID{}, hours)
	},
	"SetShifts": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return nil, h.SetShifts(ctx, by, v.operator, holdfast.Hours{Days: []holdfast.Day{{Date: "2026-03-21"}}})
	},
	"SetAway": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return nil, h.SetAway(ctx, by, v.operator, true, time.Time{})
	},
	"Shifts": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return h.Shifts(ctx, by.Workspace, v.operator)
	},
	"ChangeWorkspace": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		name := "Mine " + holdfast.NewID().String()
		return h.ChangeWorkspace(ctx, by, setup.WorkspaceChange{Name: &name})
	},
	"CreateChannel": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return h.CreateChannel(ctx, by, setup.NewChannel{ID: v.channel, Kind: "pigeon", Name: "Mine", Settings: json.RawMessage(loft)})
	},
	"CreateChannel with their team": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return h.CreateChannel(ctx, by, setup.NewChannel{Kind: "pigeon", Name: "Mine", Team: v.team, Settings: json.RawMessage(loft)})
	},
	"ChangeChannel": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		off := false
		return h.ChangeChannel(ctx, by, v.channel, setup.ChannelChange{Enabled: &off, Settings: json.RawMessage(loft)})
	},
	"DeleteChannel": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return nil, h.DeleteChannel(ctx, by, v.channel)
	},
	"Draft": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		a, _, err := h.Draft(ctx, by, v.channel, "pigeon", nil)
		return a, err
	},
	"CreateWebhook": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return h.CreateWebhook(ctx, by, setup.NewWebhook{ID: v.webhook, URL: "https://mine.example"})
	},
	"ChangeWebhook": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		url := "https://mine.example"
		return h.ChangeWebhook(ctx, by, v.webhook, setup.WebhookChange{URL: &url})
	},
	"RotateWebhook": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return h.RotateWebhook(ctx, by, v.webhook)
	},
	"DeleteWebhook": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return nil, h.DeleteWebhook(ctx, by, v.webhook)
	},
	"Channels": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return h.Channels(ctx, by.Workspace)
	},
	"Channel": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return h.Channel(ctx, by.Workspace, v.channel)
	},
	"Webhooks": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return h.Webhooks(ctx, by.Workspace)
	},
	"Webhook": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return h.Webhook(ctx, by.Workspace, v.webhook)
	},
	"Subscriptions": func(h *house, ctx context.Context, by access.Identity, v victim) (any, error) {
		return h.Subscriptions(ctx, by.Workspace)
	},
}

func TestEveryMethodThatTakesAnIdentityIsTried(t *testing.T) {
	typ := reflect.TypeFor[*setup.Setup]()
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		for j := range m.Type.NumIn() {
			if m.Type.In(j) == reflect.TypeFor[access.Identity]() && reaches[m.Name] == nil {
				t.Errorf("%s is not among the things a stranger tries", m.Name)
			}
		}
	}
}

func TestNoWorkspaceReachesIntoAnother(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		mine, theirs := h.desk("Sky"), h.desk("Sea")
		c, err := h.CreateChannel(ctx, theirs, setup.NewChannel{Kind: "pigeon", Name: "Theirs", Settings: json.RawMessage(`{"loft":"their loft","whistle":"their whistle"}`)})
		h.must(err)
		h.must(h.State(c.ID).Put(ctx, "cursor", []byte("7")))
		w, err := h.CreateWebhook(ctx, theirs, setup.NewWebhook{URL: "https://their.example"})
		h.must(err)
		team, err := h.guard.CreateTeam(ctx, theirs, holdfast.ID{}, "Theirs")
		h.must(err)
		tok, err := h.guard.CreateToken(ctx, mine, access.NewToken{Name: "t", Role: holdfast.Administrator})
		h.must(err)
		token, err := h.guard.Authenticate(ctx, tok.Secret, holdfast.ID{}, "", "")
		h.must(err)
		joe, err := h.guard.CreateOperator(ctx, theirs, access.NewOperator{ID: holdfast.NewID(), Name: "Theirs", Email: "joe@sea.example", Role: holdfast.Operator})
		h.must(err)
		h.must(h.SetShifts(ctx, theirs, joe.ID, holdfast.Hours{Days: []holdfast.Day{{Date: "2026-04-01", Name: "their day"}}}))
		v := victim{theirs.Workspace, c.ID, w.ID, team.ID, joe.ID}
		before := h.belongings(theirs.Workspace)
		secrets := []string{"their", "Theirs", c.ID.String(), w.ID.String(), theirs.Workspace.String()}
		h.restarted = nil

		try := func(t failer, by access.Identity, name string) {
			told, err := reaches[name](h, ctx, by, v)
			if kind := holdfast.KindOf(err); err != nil && kind != holdfast.NotFound && kind != holdfast.Forbidden && kind != holdfast.Conflict {
				t.Fatalf("%s: %v", name, err)
			}
			said := fmt.Sprintf("%+v %v", told, err)
			for _, s := range secrets {
				if strings.Contains(said, s) {
					t.Fatalf("%s told %q of the other workspace: %s", name, s, said)
				}
			}
			for table, rows := range h.belongings(theirs.Workspace) {
				if !slices.Equal(rows, before[table]) {
					t.Fatalf("%s changed %s of the other workspace:\n%v\n%v", name, table, before[table], rows)
				}
			}
			if slices.Contains(h.restarted, c.ID) {
				t.Fatalf("%s restarted the other workspace's channel", name)
			}
		}
		methods, who := slices.Sorted(maps.Keys(reaches)), []access.Identity{mine, token}
		for _, by := range who { // each once, and then in any order
			for _, name := range methods {
				try(h, by, name)
			}
		}
		rapid.Check(h, func(t *rapid.T) {
			try(t, rapid.SampledFrom(who).Draw(t, "by"), rapid.SampledFrom(methods).Draw(t, "method"))
		})
		for name, code := range map[string]string{"CreateChannel": "setup.id_taken", "CreateChannel with their team": "team.not_found",
			"CreateWebhook": "setup.id_taken", "Draft": "channel.not_found", "Subscriptions": ""} {
			if _, err := reaches[name](h, ctx, mine, v); code != "" || err != nil {
				h.refuses(err, code)
			}
		}
	})
}

type failer interface {
	Fatalf(format string, args ...any)
}

// Whoever may not manage a thing changes nothing of it in their own workspace either.
func TestAnObserverConfiguresNothing(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		by := h.desk("Sky")
		c, err := h.CreateChannel(ctx, by, setup.NewChannel{Kind: "pigeon", Name: "Loft", Settings: json.RawMessage(loft)})
		h.must(err)
		w, err := h.CreateWebhook(ctx, by, setup.NewWebhook{URL: "https://example.com"})
		h.must(err)
		before := h.belongings(by.Workspace)
		weak := by
		weak.Role = holdfast.Supervisor
		tried := 0
		for name, try := range reaches {
			_, err := try(h, ctx, weak, victim{by.Workspace, c.ID, w.ID, holdfast.NewID(), holdfast.NewID()})
			if strings.HasPrefix(name, "C") && !strings.HasPrefix(name, "Channel") || strings.HasPrefix(name, "D") || strings.HasPrefix(name, "R") {
				tried++
				h.refuses(err, "permission.missing")
			}
		}
		if tried != 12 {
			h.Fatalf("%d things were tried", tried)
		}
		for table, rows := range h.belongings(by.Workspace) {
			if !slices.Equal(rows, before[table]) {
				h.Fatalf("%s changed: %v", table, rows)
			}
		}
	})
}

func FuzzSettings(f *testing.F) {
	h := newHouse(f, store.Options{Dir: f.TempDir()})
	by := h.desk("Sky")
	ctx := context.Background()
	f.Add([]byte(loft))
	f.Add([]byte(`{"loft":"x","whistle":{"set":true}}`))
	f.Add([]byte(`{"loft":null,"whistle":null,"routes":[1],"speed":1e99}`))
	f.Add([]byte(`null`))
	f.Add([]byte("{\"loft\":\"\\u0000\",\"whistle\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, _, err := h.Draft(ctx, by, holdfast.ID{}, "pigeon", raw)
		if err != nil {
			if holdfast.KindOf(err) != holdfast.Invalid {
				t.Fatal(err)
			}
			return
		}
		if s := a.Settings.(*pigeonSettings); s.Loft == "" || s.Whisle == "" || s.Mode != "day" && s.Mode != "night" && s.Mode != "" {
			t.Fatalf("%q was taken: %+v", raw, s)
		}
	})
}
