package chat

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
)

// TestHarness serves the built widget, the demo's page and this channel on the
// address in HOLDFAST_CHAT_HARNESS until the process is told to stop, so that the
// widget's own tests, and a person, meet the real far end. Below /_/ the desk
// behind it is played: say, typing, seen, fail, cut, block, log.
func TestHarness(t *testing.T) {
	addr := os.Getenv("HOLDFAST_CHAT_HARNESS")
	if addr == "" {
		t.Skip("only for the widget's tests: HOLDFAST_CHAT_HARNESS is not set")
	}
	d := newWorld()
	d.now = time.Now()
	go func() {
		for range time.Tick(100 * time.Millisecond) {
			d.mu.Lock()
			d.now = time.Now()
			d.mu.Unlock()
		}
	}()
	key := bytes.Repeat([]byte{7}, 32)
	var mu sync.Mutex
	a := adapterFor(t, d, testAccount, key, sealed)
	blocked := ""
	var requests []string
	dist := filepath.Join("..", "..", "web", "dist", "widget")
	mux := http.NewServeMux()
	prefix := "/chat/v1/" + testAccount.String()
	mux.Handle(prefix+"/", http.StripPrefix(prefix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		requests = append(requests, r.Method+" "+strings.Trim(r.URL.Path, "/"))
		now, cut := a, blocked != "" && strings.Contains(blocked, strings.Trim(r.URL.Path, "/"))
		mu.Unlock()
		if cut {
			http.Error(w, "blocked", http.StatusBadGateway)
			return
		}
		now.ServeWebhook(w, r, d)
	})))
	for path, file := range map[string]string{"/widget.js": "widget.js", "/widget-chat.js": "widget-chat.js", "/demo/shop.css": "shop.css", "/demo/shop.js": "shop.js"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, filepath.Join(dist, file)) })
	}
	mux.HandleFunc("/demo/shop", func(w http.ResponseWriter, _ *http.Request) {
		html, err := os.ReadFile(filepath.Join(dist, "shop.html"))
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		// As strict as a site may be: no inline style, no inline script, no markup from text.
		w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; require-trusted-types-for 'script'; trusted-types holdfast")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(bytes.ReplaceAll(html, []byte("{{channel}}"), []byte(testAccount.String())))
	})
	everybody := func(f func(visitor string)) {
		d.mu.Lock()
		var ids []string
		for v := range d.items {
			ids = append(ids, v)
		}
		d.mu.Unlock()
		for _, v := range ids {
			f(v)
		}
	}
	mux.HandleFunc("/own.json", func(w http.ResponseWriter, r *http.Request) { // a site's own texts
		writeJSON(w, http.StatusOK, map[string]any{"lang": "de", "title": "Schreiben Sie uns", "placeholder": "Nachricht schreiben…", "unread": map[string]string{"one": "# neue Nachricht", "other": "# neue Nachrichten"}})
	})
	mux.HandleFunc("/_/{what}", func(w http.ResponseWriter, r *http.Request) {
		text := r.URL.Query().Get("text")
		switch r.PathValue("what") {
		case "say":
			everybody(func(v string) { d.answers(v, text) })
		case "typing":
			everybody(func(v string) { d.hints(v, channel.Signal{Typing: true, Name: text}) })
		case "seen":
			everybody(func(v string) { n, _ := d.Head(r.Context()); d.hints(v, channel.Signal{Seen: n}) })
		case "fail":
			d.mu.Lock()
			if d.broken = nil; text != "" {
				d.broken = holdfast.Errorf(holdfast.Unavailable, "store.down", "%s", text)
			}
			d.mu.Unlock()
		case "cut": // as a restart of the desk would
			mu.Lock()
			old := a
			a = adapterFor(t, d, testAccount, key, sealed)
			mu.Unlock()
			old.crowd.close()
		case "block":
			mu.Lock()
			blocked = text
			mu.Unlock()
		case "log":
			mu.Lock()
			d.mu.Lock()
			out := struct {
				Requests []string
				Texts    []string
				Reports  []channel.Report
				Mailed   []string
				Visitors int
			}{Mailed: slices.Clone(d.mailed), Requests: requests, Reports: d.reports, Visitors: len(d.items)}
			for _, m := range d.inbound {
				out.Texts = append(out.Texts, m.Text)
			}
			d.mu.Unlock()
			mu.Unlock()
			writeJSON(w, 200, out)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("HARNESS http://%s\n", ln.Addr())
	_ = http.Serve(ln, mux)
}
