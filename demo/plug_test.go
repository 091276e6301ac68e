package demo_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"holdfast"
)

func (r *running) pull(plug, pulled string, status int) {
	r.t.Helper()
	res, err := r.http.PostForm("http://"+r.app.Addr()+"/demo/plug", url.Values{"lang": {"en"}, "plug": {plug}, "pulled": {pulled}})
	r.body(res, err, status)
}

type panel struct {
	Reach holdfast.Reach
	Plugs []struct {
		Plug   string
		Pulled bool
		State  holdfast.LinkState
	}
	Channels []struct {
		Name  string
		State holdfast.ChannelState
	}
}

func (r *running) panel() (s panel) {
	r.t.Helper()
	body := r.get("/demo/plug/state", 200)
	if err := json.Unmarshal([]byte(body), &s); err != nil || len(s.Plugs) != 4 {
		r.t.Fatalf("%v: %s", err, body)
	}
	return s
}

func (s panel) channel(name string) holdfast.ChannelState {
	for _, c := range s.Channels {
		if c.Name == name {
			return c.State
		}
	}
	return ""
}

// TestTheMessengerIsBlocked blocks what the panel blocks alone: the links are well, and
// the messenger's own probe says that it is down. The whole outage is a journey in a browser.
func TestTheMessengerIsBlocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := mustRun(t, dir, true)
	eventually(t, "all channels carry", func() bool {
		s := r.panel()
		return s.channel("Messenger") == holdfast.ChannelUp && s.channel("SMS") == holdfast.ChannelUp
	})
	r.pull("the moon", "1", 404)
	r.pull("messenger", "1", 200)
	if body := r.get("/demo/plug?lang=en", 200); !strings.Contains(body, "Unblock it") || strings.Contains(body, "Block the messenger") {
		t.Error("the panel does not offer to open what is blocked")
	}
	eventually(t, "the messenger is down", func() bool { return r.panel().channel("Messenger") == holdfast.ChannelDown })
	if s := r.panel(); s.Reach != holdfast.International || s.channel("SMS") != holdfast.ChannelUp || s.Plugs[0].State == holdfast.LinkDown {
		t.Errorf("more than the messenger is blocked: %+v", s)
	}
	r.pull("messenger", "0", 200)
	eventually(t, "it is open again", func() bool { return r.panel().channel("Messenger") == holdfast.ChannelUp })
	r.stop()

	// The same desk once more: its accounts have followed to the new ports, once each.
	r = mustRun(t, dir, true)
	eventually(t, "all channels carry again", func() bool {
		s := r.panel()
		return s.channel("Messenger") == holdfast.ChannelUp && s.channel("SMS") == holdfast.ChannelUp && len(s.Channels) == 4
	})
	if saved, err := r.app.Plans.List(ctx, r.workspace().Workspace); err != nil || len(saved) != 1 || !saved[0].Enabled || len(saved[0].Lacks) != 0 {
		t.Errorf("the armed plan is %+v, %v", saved, err)
	}
	r.stop()

	// A desk that is run for real has no uplinks, messengers and telephones that exist nowhere.
	r = mustRun(t, dir, false)
	if list, err := r.app.Continuity.Links(ctx); err != nil || len(list) != 0 {
		t.Errorf("it watches %+v, %v", list, err)
	}
	channels, err := r.app.Setup.Channels(ctx, r.workspace().Workspace)
	for _, c := range channels {
		if (c.Name == "SMS" || c.Name == "Messenger") && c.Enabled {
			t.Errorf("%s is on, and there is nothing behind it", c.Name)
		}
	}
	for _, k := range r.app.Setup.Kinds() {
		if k.Name == "messenger" {
			t.Error("an imaginary messenger is offered")
		}
	}
	if err != nil || len(channels) != 4 {
		t.Errorf("%d channels, %v", len(channels), err)
	}
	for _, page := range []string{"plug", "phones", "messenger", "plug/state"} {
		r.get("/demo/"+page, 404)
	}
}
