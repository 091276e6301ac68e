package journeys

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/desk"
)

// TestTheWidgetOverABadMobileLine chats over 64 kbit/s, a round trip of 800 ms and
// 20 % of packets lost, with connections that die: nothing is lost or doubled on
// either side, and the first message can be typed within 4 s.
func TestTheWidgetOverABadMobileLine(t *testing.T) {
	t.Parallel()
	const each = 50
	h := open(t, t.TempDir())
	site := h.channel("chat", "Site", map[string]any{"phone": "+98 21 1234 5678"})
	joe := h.newOperator(h.workspace, holdfast.Operator, "joe@desk.example")
	line := slow(t, strings.TrimPrefix(h.Addr(), "http://"), &slowLine{rate: 8000, trip: 800 * time.Millisecond, loss: 0.2, reset: 45})
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Shop</title><h1>Shop</h1><script async src="http://%s/widget.js" data-channel="%s"></script>`, line.addr, site)
	}))
	defer shop.Close()

	ctx, cancel := context.WithCancel(context.Background())
	answered := make(chan error, 1)
	go func() { answered <- h.answer(ctx, joe, each) }()
	said := play(t, "widget.mjs", "PAGE="+shop.URL, fmt.Sprintf("EACH=%d", each))
	cancel()
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	if line.resets() == 0 {
		t.Error("no connection died: the line was better than it should be")
	}
	t.Logf("%d connections died; the browser says %s", line.resets(), strings.TrimSpace(said))

	talks := all[struct{ ID holdfast.ID }](h, "/conversations?view=all")
	if len(talks) != 1 {
		t.Fatalf("there are %d conversations, not one", len(talks))
	}
	times := map[string]int{}
	next := 1
	for _, m := range h.messages(talks[0].ID) {
		times[m.Direction+" "+m.Text]++
		if m.Direction == "in" {
			if want := fmt.Sprintf("question %d", next); m.Text != want {
				t.Errorf("%q stands where %q should", m.Text, want)
			}
			next++
		}
	}
	for i := 1; i <= each; i++ {
		for _, text := range []string{fmt.Sprintf("in question %d", i), fmt.Sprintf("out answer %d", i)} {
			if times[text] != 1 {
				t.Errorf("%q is there %d times", text, times[text])
			}
		}
	}
	if len(times) != 2*each {
		t.Errorf("there are %d different messages, not %d", len(times), 2*each)
	}
}

// answer waits for a visitor and then writes n answers, as quickly as an operator
// with a macro can.
func (h *house) answer(ctx context.Context, operator holdfast.ID, n int) error {
	var conversation holdfast.ID
	for conversation.IsZero() {
		select {
		case <-ctx.Done():
			return nil // the browser's own failure is the test's
		case <-time.After(50 * time.Millisecond):
		}
		if err := h.DB.QueryRow(ctx, "SELECT id FROM conversation WHERE workspace = $1", h.workspace).Scan(&conversation); err != nil {
			conversation = holdfast.ID{}
		}
	}
	by := desk.By{Workspace: h.workspace, Actor: access.System(h.workspace).Actor, Operator: operator}
	for i := 1; i <= n; i++ {
		if _, err := h.Desk.Reply(ctx, by, conversation, desk.Reply{ID: holdfast.NewID(), Text: fmt.Sprintf("answer %d", i)}); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}
