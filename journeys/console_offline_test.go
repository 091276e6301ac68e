package journeys

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"sync"
	"testing"
	"time"

	"holdfast"
)

// line is what is between a browser and the desk: it carries, refuses, or takes
// connections and never answers.
type line struct {
	t    *testing.T
	ln   net.Listener
	to   string
	mu   sync.Mutex
	mode string
	open map[net.Conn]bool
}

func newLine(t *testing.T, to string) *line {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{t: t, ln: ln, to: to, mode: "pass", open: map[net.Conn]bool{}}
	t.Cleanup(func() { ln.Close(); l.set("refuse") })
	go l.serve()
	return l
}

func (l *line) is() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mode
}

// set changes what the line does, for connections that are open too.
func (l *line) set(mode string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.mode
	l.mode = mode
	if mode == "refuse" || before == "hang" {
		for c := range l.open {
			c.Close()
		}
		clear(l.open)
	}
}

func (l *line) serve() {
	for {
		c, err := l.ln.Accept()
		if err != nil {
			return
		}
		if l.is() == "refuse" {
			c.Close()
			continue
		}
		l.mu.Lock()
		l.open[c] = true
		l.mu.Unlock()
		go l.carry(c)
	}
}

func (l *line) carry(c net.Conn) {
	defer c.Close()
	d, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer d.Close()
	go l.pour(d, c)
	l.pour(c, d)
}

// pour copies what comes, and swallows it while the line hangs.
func (l *line) pour(to, from net.Conn) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if n > 0 && l.is() == "pass" {
			if _, err := to.Write(b[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	to.Close()
}

var buildName = regexp.MustCompile(`version:"[0-9a-f]{16}"`)

// TestConsoleCutOff plays an operator in Chromium whose desk comes and goes: killed,
// cut off, silent; the browser is killed with work in it, another tab is open, a newer
// build comes, and the device's clock is a day wrong.
func TestConsoleCutOff(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	m := newMailman(t)
	m.desk, m.to = h.smtp, "help@desk.example"
	h.mailbox(m.to, m.addr)
	admin := h.newOperator(h.workspace, holdfast.Administrator, "admin@desk.example")
	other := h.newOperator(h.workspace, holdfast.Operator, "other@desk.example")
	tomorrow := h.newOperator(h.workspace, holdfast.Operator, "tomorrow@desk.example")

	// A desk that may have been built anew meanwhile: its service worker is another one.
	var newer sync.Map
	desk, _ := url.Parse(h.base)
	proxy := httputil.NewSingleHostReverseProxy(desk)
	proxy.ModifyResponse = func(r *http.Response) error {
		if _, is := newer.Load("is"); r.Request.URL.Path == "/worker.js" && is {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			b = buildName.ReplaceAll(b, []byte(`version:"feedfeedfeedfeed"`))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
			r.Header.Del("Content-Length")
		}
		return nil
	}
	proxy.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) { w.WriteHeader(http.StatusBadGateway) }
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/worker.js" {
			r.Header.Set("Accept-Encoding", "identity")
		}
		proxy.ServeHTTP(w, r)
	}))
	defer between.Close()
	l := newLine(t, between.Listener.Addr().String())
	base := "http://localhost:" + l.ln.Addr().(*net.TCPAddr).AddrPort().String()[len("127.0.0.1:"):]

	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/line":
			l.set(r.URL.Query().Get("is"))
		case "/link":
			io.WriteString(w, base+h.link(admin)[len(h.base):])
		case "/newer":
			newer.Store("is", true)
		default:
			m.ServeHTTP(w, r)
		}
	}))
	defer control.Close()
	link := func(id holdfast.ID) string { return base + h.link(id)[len(h.base):] }
	from := time.Now()
	play(t, "offline.mjs", "HOLDFAST_URL="+base, "LINK_CLOCK="+link(tomorrow), "LINK_OTHER="+link(other),
		"CONTROL="+control.URL, "PROFILE="+t.TempDir(), "DESK="+h.base, "TOKEN="+h.token)
	t.Logf("played for %v", time.Since(from).Round(time.Second))
}
