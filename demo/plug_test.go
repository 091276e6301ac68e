package demo_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"holdfast"
)

func (r *running) pull(plug, pulled string, status int) {
	r.t.Helper()
	res, err := r.http.PostForm("http://"+r.app.Addr()+"/demo/plug", url.Values{"lang": {"en"}, "plug": {plug}, "pulled": {pulled}})
	r.body(res, err, status)
}

// TestPullThePlug cuts what the panel cuts, and asks the desk what it has found out.
func TestPullThePlug(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := mustRun(t, dir, true)
	type state struct {
		Reach holdfast.Reach
		Plugs []struct {
			Plug   string
			Pulled bool
			State  holdfast.LinkState
		}
	}
	now := func() (s state) {
		t.Helper()
		body := r.get("/demo/plug/state", 200)
		if err := json.Unmarshal([]byte(body), &s); err != nil || len(s.Plugs) != 3 {
			t.Fatalf("%v: %s", err, body)
		}
		return s
	}
	pull := func(plug, pulled string) {
		t.Helper()
		r.pull(plug, pulled, 200)
	}
	until := func(what string, ok func(state) bool) {
		t.Helper()
		for end := time.Now().Add(60 * time.Second); !ok(now()); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s did not come: %+v", what, now())
			}
		}
	}
	until("the first look", func(s state) bool { return s.Plugs[0].State == holdfast.LinkUp && s.Plugs[1].State == holdfast.LinkUp })
	if s := now(); s.Reach != holdfast.International {
		t.Fatalf("all is plugged in, and the reach is %s", s.Reach)
	}
	r.pull("the moon", "1", 404)
	pull("fibre", "1")
	until("the fall of the fibre", func(s state) bool { return s.Plugs[0].State == holdfast.LinkDown })
	if s := now(); s.Reach != holdfast.International || s.Plugs[1].State == holdfast.LinkDown {
		t.Errorf("LTE has not taken over: %+v", s)
	}
	if body := r.get("/demo/plug?lang=en", 200); !strings.Contains(body, "Plug the fibre in") || strings.Contains(body, "Cut the fibre") {
		t.Error("the panel does not offer to plug in what is pulled")
	}
	pull("abroad", "1")
	until("the fall to the country", func(s state) bool { return s.Reach == holdfast.Domestic })
	if s := now(); s.Plugs[1].State == holdfast.LinkDown || s.Plugs[2].State != "" {
		t.Errorf("nobody abroad answers, and a link is called down: %+v", s)
	}
	pull("abroad", "0")
	until("the world", func(s state) bool { return s.Reach == holdfast.International })
	pull("lte", "1")
	until("the fall to the office", func(s state) bool { return s.Reach == holdfast.Local })
	r.stop()

	// A desk that is run for real has no uplinks that exist nowhere.
	r = mustRun(t, dir, false)
	if list, err := r.app.Continuity.Links(ctx); err != nil || len(list) != 0 {
		t.Errorf("it watches %+v, %v", list, err)
	}
	r.get("/demo/plug", 404)
}
