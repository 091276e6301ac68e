package app

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/channel"
	"holdfast/setup"
)

// radio is a kind of channel whose state a test says.
type radio struct{ state atomic.Value }

func (r *radio) kind() *channel.Kind {
	return &channel.Kind{Name: "radio", Scheme: "radio", Settings: func() any { return &struct{}{} },
		New: func(channel.Account, channel.Env) (channel.Adapter, error) { return r, nil }}
}

func (r *radio) Send(context.Context, channel.Outbound) (channel.Sent, error) {
	return channel.Sent{}, nil
}

func (r *radio) Health() channel.Health {
	return channel.Health{State: r.state.Load().(string), Reason: "static", LastOK: time.Unix(1000, 0)}
}

// inBubble runs a desk's rooms, or what else run does of them, on a clock that the
// test turns.
func inBubble(t *testing.T, kinds []*channel.Kind, run func(*App, context.Context) error, story func(t *testing.T, a *App, workspace holdfast.ID)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		a := New(Config{Listen: "127.0.0.1:0", Data: dir, AttachmentLimit: 1 << 20}, slog.New(slog.DiscardHandler))
		if kinds != nil {
			a.Kinds = kinds
		}
		a.PasswordCost = access.Cost{MemoryKiB: 8, Passes: 1, Threads: 1}
		if err := a.OpenRooms(ctx); err != nil {
			t.Fatal(err)
		}
		defer a.DB.Close()
		w, err := a.Setup.CreateWorkspace(ctx, access.System(holdfast.ID{}), setup.NewWorkspace{ID: holdfast.NewID(), Name: "Test", Language: "en", TimeZone: "UTC"})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- run(a, ctx) }()
		defer func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		story(t, a, w.ID)
	})
}

// told lists what the journal says of how a channel is.
func told(t *testing.T, a *App, id holdfast.ID) (list []string) {
	t.Helper()
	entries, err := a.Journal.After(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if c, ok := e.Body.(*holdfast.SetupChanged); ok && c.What == "channel" && c.ID == id && (c.Action == "down" || c.Action == "up") {
			list = append(list, c.Action)
		}
	}
	return list
}

func TestPeopleAreToldWhenAChannelGoesDownAndComesBack(t *testing.T) {
	r := &radio{}
	r.state.Store("up")
	inBubble(t, []*channel.Kind{r.kind()}, (*App).RunRooms, func(t *testing.T, a *App, workspace holdfast.ID) {
		v, err := a.Setup.CreateChannel(t.Context(), access.System(workspace), setup.NewChannel{ID: holdfast.NewID(), Kind: "radio", Name: "Radio"})
		if err != nil {
			t.Fatal(err)
		}
		screen, err := a.Hub.Join(t.Context(), workspace, holdfast.NewID(), 0)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Hub.Leave(screen)
		be := func(state string, want ...string) {
			t.Helper()
			r.state.Store(state)
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := told(t, a, v.ID); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("while the channel is %s, people were told %v, want %v", state, got, want)
			}
		}
		be("up")
		be("degraded")
		be("down", "down")
		be("down", "down") // once
		var b bytes.Buffer
		a.writeFigures(&b, a.figures())
		for _, line := range []string{`holdfast_channel_down{account="` + v.ID.String() + `"} 1`, `holdfast_channel_up{account="` + v.ID.String() + `"} 0`, `holdfast_channel_last_success_timestamp_seconds{account="` + v.ID.String() + `"} 1000`} {
			if !strings.Contains(b.String(), line+"\n") {
				t.Errorf("the figures lack %s:\n%s", line, b.String())
			}
		}
		be("degraded", "down") // it tries, which is not yet working
		be("up", "down", "up")
		be("down", "down", "up", "down")
		off := false
		if _, err := a.Setup.ChangeChannel(t.Context(), access.System(workspace), v.ID, setup.ChannelChange{Enabled: &off}); err != nil {
			t.Fatal(err)
		}
		be("down", "down", "up", "down") // nobody waits for one that is switched off
		shown := 0
		for {
			select {
			case f := <-screen.Frames():
				if strings.Contains(string(f), `"action":"down"`) && strings.Contains(string(f), v.ID.String()) {
					shown++
				}
				continue
			default:
			}
			break
		}
		if shown != 2 {
			t.Errorf("an open screen was shown %d alarms, want 2", shown)
		}
	})
}

// A mailbox whose server does not answer is down after ten minutes, not before.
func TestAMailboxThatIsNotReachedAlarms(t *testing.T) {
	inBubble(t, nil, (*App).RunRooms, func(t *testing.T, a *App, workspace holdfast.ID) {
		v, err := a.Setup.CreateChannel(t.Context(), access.System(workspace), setup.NewChannel{ID: holdfast.NewID(), Kind: "email", Name: "Help",
			Settings: []byte(`{"address": "help@desk.example", "receive": "imap", "imap_host": "127.0.0.1", "imap_port": 1, "imap_security": "none", "imap_user": "u", "imap_password": "p", "smtp_host": "127.0.0.1", "smtp_port": 1, "smtp_security": "none"}`)})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		if h := a.Channels.Health(v.ID); h.State != "degraded" || len(told(t, a, v.ID)) != 0 {
			t.Errorf("after nine minutes the mailbox is %+v, told %v", h, told(t, a, v.ID))
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if h := a.Channels.Health(v.ID); h.State != "down" || !strings.Contains(h.Reason, "refused") || len(told(t, a, v.ID)) != 1 {
			t.Errorf("after eleven minutes the mailbox is %+v, told %v", h, told(t, a, v.ID))
		}
	})
}
