package app

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/store/storetest"
)

// gate is an address of a database that answers only once it is opened.
type gate struct {
	t    *testing.T
	addr string
}

func newGate(t *testing.T) *gate {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return &gate{t, ln.Addr().String()}
}

// serve lets each connection in to handle.
func (g *gate) serve(handle func(net.Conn)) (shut func()) {
	ln, err := net.Listen("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); handle(c) }()
		}
	}()
	return func() { ln.Close() }
}

// to passes connections on to a server.
func to(server string) func(net.Conn) {
	return func(c net.Conn) {
		s, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer s.Close()
		go func() { io.Copy(s, c); s.Close() }()
		io.Copy(c, s)
	}
}

// refusing answers the opening of a connection with an error of the server's.
func refusing(state, message string) func(net.Conn) {
	return func(c net.Conn) {
		var head [4]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return
		}
		io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head[:]))-4)
		fields := "SFATAL\x00VFATAL\x00C" + state + "\x00M" + message + "\x00\x00"
		c.Write(append(binary.BigEndian.AppendUint32([]byte{'E'}, uint32(4+len(fields))), fields...))
	}
}

type waiting struct {
	t    *testing.T
	app  *App
	done chan error
}

// starting begins to open a desk on a database.
func starting(ctx context.Context, t *testing.T, database string) *waiting {
	w := &waiting{t: t, done: make(chan error, 1)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	w.app = New(Config{Listen: addr, Data: t.TempDir(), DatabaseURL: database, AttachmentLimit: 1 << 20}, slog.New(slog.DiscardHandler))
	go func() { w.done <- w.app.Open(ctx) }()
	return w
}

func (w *waiting) get(path string) (status int, body string) {
	res, err := http.Get("http://" + w.app.Config.Listen + path)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

func (w *waiting) until(path string, status int, word string) {
	w.t.Helper()
	var s int
	var b string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if s, b = w.get(path); s == status && strings.Contains(b, word) {
			return
		}
	}
	w.t.Fatalf("%s gives %d %s; want %d with %q", path, s, b, status, word)
}

func TestADeskWaitsForItsDatabase(t *testing.T) {
	u, err := url.Parse(storetest.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	g := newGate(t)
	u.Host = g.addr
	u.User = url.UserPassword(u.User.Username(), "open-sesame")
	w := starting(t.Context(), t, u.String())
	w.until("/readyz", 503, "connection refused")
	w.until("/healthz", 200, "alive")
	for _, path := range []string{"/", "/api/v1/start", "/chat/v1/x", "/readyz"} {
		s, b := w.get(path)
		var p struct{ Code, Message, Next string }
		if err := json.Unmarshal([]byte(b), &p); err != nil || s != 503 || p.Code != "store.unavailable" || p.Next == "" {
			t.Errorf("%s while the database is away: %d %s", path, s, b)
		}
		if strings.Contains(b, "open-sesame") || strings.Contains(b, u.User.Username()) {
			t.Errorf("%s tells how the desk signs in to its database: %s", path, b)
		}
	}
	// it comes up, and is not ready itself at first
	shut := g.serve(refusing("57P03", "the database system is starting up"))
	w.until("/readyz", 503, "starting up")
	shut()
	defer g.serve(to(server))()
	select {
	case err := <-w.done:
		if err != nil {
			t.Fatalf("the database came and the desk did not: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the database came and the desk waits still")
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- w.app.Run(ctx) }()
	w.until("/readyz", 200, "ready")
	w.until("/api/v1/start", 200, "empty")
	cancel()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	w.app.Close()
}

func TestADeskDoesNotWaitForADatabaseThatWillNotHaveIt(t *testing.T) {
	for name, c := range map[string]struct{ state, message string }{
		"a wrong password": {"28P01", `password authentication failed for user "desk"`},
		"no such database": {"3D000", `database "desk" does not exist`},
		"no such right":    {"42501", "permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t)
			defer g.serve(refusing(c.state, c.message))()
			w := starting(t.Context(), t, "postgres://desk:open-sesame@"+g.addr+"/desk?sslmode=disable")
			err := <-w.done
			if holdfast.CodeOf(err) != "store.refused" || holdfast.KindOf(err) != holdfast.Invalid || !strings.Contains(err.Error(), c.message) || strings.Contains(err.Error(), "open-sesame") {
				t.Errorf("the desk said %v", err)
			}
			if s, _ := w.get("/healthz"); s != 0 {
				t.Errorf("it listens still: %d", s)
			}
		})
	}
	if err := New(Config{Listen: "127.0.0.1:0", Data: t.TempDir(), DatabaseURL: "postgres://%zz"}, slog.New(slog.DiscardHandler)).Open(t.Context()); holdfast.CodeOf(err) != "store.refused" {
		t.Errorf("an address that cannot be read: %v", err)
	}
}

func TestADeskThatWaitsCanBeStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := starting(ctx, t, "postgres://desk@"+newGate(t).addr+"/desk?sslmode=disable")
	w.until("/readyz", 503, "away")
	cancel()
	if err := <-w.done; err != context.Canceled {
		t.Errorf("it stopped with %v", err)
	}
	if s, _ := w.get("/healthz"); s != 0 {
		t.Errorf("it listens still: %d", s)
	}
}
