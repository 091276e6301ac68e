package journeys

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/app"
	"holdfast/demo"
	"holdfast/setup"
	"holdfast/store/storetest"
)

// house is a running desk with one workspace, and an administrator's token for it.
type house struct {
	t testing.TB
	*app.App
	base      string // http://127.0.0.1:port
	smtp      string // host:port of the gateway
	workspace holdfast.ID
	token     string
	stop      func()
}

// open starts a desk on a folder; an empty folder gets a workspace.
func open(t testing.TB, dir string) *house {
	t.Helper()
	return start(t, app.Config{Data: dir}, nil)
}

// openDemo starts a desk with the demo workspace, its shop and its mail server, in a copy
// of the one that the program filled for the first who asked.
func openDemo(t testing.TB) *house {
	t.Helper()
	told.once.Do(func() { told.err = tell(t) })
	if told.err != nil {
		t.Fatalf("the demo cannot be filled: %v", told.err)
	}
	dir := t.TempDir()
	copyTree(t, told.dir, dir)
	return start(t, app.Config{Data: dir}, demo.Virtual)
}

// told is a data folder with the demo in it.
var told struct {
	once sync.Once
	dir  string
	err  error
}

// tell lets the program fill it: that is quick, where this one looks for races.
func tell(t testing.TB) error {
	told.dir = filepath.Join(filepath.Dir(program(t)), "demo")
	cmd := exec.Command(program(t), "demo")
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "HOLDFAST_") }),
		"HOLDFAST_DATA="+told.dir, "HOLDFAST_LISTEN="+freePort(t), "HOLDFAST_SMTP_LISTEN="+freePort(t))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if _, err = bufio.NewReader(out).ReadString('\n'); err == nil { // it is ready
		err = cmd.Process.Signal(os.Interrupt)
	}
	if err != nil {
		cmd.Process.Kill()
	}
	io.Copy(io.Discard, out)
	return errors.Join(err, cmd.Wait())
}

// each makes a journey on each database that this machine has, with a desk of its own.
func each(t *testing.T, journey func(t *testing.T, h *house)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		journey(t, open(t, t.TempDir()))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		journey(t, start(t, app.Config{Data: t.TempDir(), DatabaseURL: storetest.PostgresURL(t)}, nil))
	})
}

// start opens a desk; what its configuration leaves out is what tests need.
func start(t testing.TB, c app.Config, attach func(*app.App) *demo.Demo) *house {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if c.SMTPListen == "" {
		c.SMTPListen = freePort(t)
	}
	c.Listen, c.AllowPrivate, c.AttachmentLimit = "127.0.0.1:0", true, 40<<20
	h := &house{t: t, smtp: strings.TrimPrefix(c.SMTPListen, "lmtp:")}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("HOLDFAST_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	h.App = app.New(c, log)
	h.PasswordCost = access.Cost{MemoryKiB: 8, Passes: 1, Threads: 1}
	var d *demo.Demo
	if attach != nil {
		d = attach(h.App)
	}
	if err := h.Open(ctx); err != nil {
		t.Fatal(err)
	}
	// The desk says "localhost" of itself; the same name must be used for its cookies.
	h.base = h.URL()
	if d != nil {
		if err := d.Start(ctx, true); err != nil {
			t.Fatal(err)
		}
	}
	list, err := h.Setup.Workspaces(ctx, access.System(holdfast.ID{}))
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		h.workspace = h.newWorkspace("Ours")
	} else {
		h.workspace = list[0].ID
	}
	h.token = h.newToken(h.workspace, holdfast.Administrator)
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	accounts, err := h.Setup.Enabled(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range accounts {
		h.runs(id)
	}
	stopped := false
	h.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the desk stopped with %v", err)
		}
		if d != nil {
			d.Close()
		}
		h.Close()
	}
	t.Cleanup(h.stop)
	return h
}

// again is the same desk, not opened yet.
func (h *house) again() *app.App { return app.New(h.App.Config, h.App.Log) }

// freePort is an address for a server that has to be told its port. The system hands out
// none of these by itself, so that a journey beside this one cannot come by it meanwhile.
func freePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		if _, taken := ports.LoadOrStore(addr, true); taken {
			continue
		}
		if ln, err := net.Listen("tcp", addr); err == nil {
			ln.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// ports are those that a journey of this process has got.
var ports sync.Map

func (h *house) newWorkspace(name string) holdfast.ID {
	h.t.Helper()
	w, err := h.Setup.CreateWorkspace(context.Background(), access.System(holdfast.ID{}), setup.NewWorkspace{ID: holdfast.NewID(), Name: name, Language: "en", TimeZone: "UTC"})
	if err != nil {
		h.t.Fatal(err)
	}
	return w.ID
}

func (h *house) newToken(workspace holdfast.ID, role holdfast.Role) string {
	h.t.Helper()
	k, err := h.Guard.CreateToken(context.Background(), access.System(workspace), access.NewToken{ID: holdfast.NewID(), Name: "test", Role: role})
	if err != nil {
		h.t.Fatal(err)
	}
	return k.Secret
}

func (h *house) newOperator(workspace holdfast.ID, role holdfast.Role, email string) holdfast.ID {
	h.t.Helper()
	id := holdfast.NewID()
	_, err := h.Guard.CreateOperator(context.Background(), access.System(workspace), access.NewOperator{ID: id, Name: "Operator " + email, Email: email, Language: "en", Role: role, Password: "correct horse battery"})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// link is where an operator signs in without a password.
func (h *house) link(operator holdfast.ID) string {
	h.t.Helper()
	secret, _, err := h.Guard.IssueLink(context.Background(), access.System(h.workspace), operator, time.Hour)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.base + "/#/link?code=" + secret
}

// mailbox connects a mail account whose mail comes by the gateway and goes out to
// the server at smtp; an empty smtp is a server that nobody asks.
func (h *house) mailbox(address, smtp string) holdfast.ID {
	h.t.Helper()
	if smtp == "" {
		smtp = "127.0.0.1:9"
	}
	host, port, _ := net.SplitHostPort(smtp)
	return h.channel("email", address, map[string]any{"address": address, "receive": "gateway",
		"smtp_host": host, "smtp_port": number(port), "smtp_security": "none"})
}

func number(s string) (n int) { fmt.Sscan(s, &n); return n }

func (h *house) channel(kind, name string, settings map[string]any) holdfast.ID {
	h.t.Helper()
	id := holdfast.NewID()
	h.must("POST", "/channels", map[string]any{"id": id, "kind": kind, "name": name, "settings": settings}, nil)
	h.runs(id)
	return id
}

// runs waits for a channel account to take and send messages.
func (h *house) runs(account holdfast.ID) {
	h.t.Helper()
	h.until("the channel runs", func() bool {
		a, _, err := h.Channels.Adapter(context.Background(), account)
		return err == nil && a != nil
	})
}

// answer is what the desk said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// caller is who makes a request: a token, or a session with the console's header.
type caller struct {
	token, session string
	workspace      string // of the header; "" leaves it to the desk
}

func (h *house) ask(ctx context.Context, who caller, method, path string, body any) answer {
	h.t.Helper()
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			h.t.Fatal(err)
		}
		r = bytes.NewReader(b)
	}
	q, err := http.NewRequestWithContext(ctx, method, h.base+path, r)
	if err != nil {
		h.t.Fatal(err)
	}
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if who.token != "" {
		q.Header.Set("Authorization", "Bearer "+who.token)
	}
	if who.session != "" {
		q.AddCookie(&http.Cookie{Name: "hf_session", Value: who.session})
		q.Header.Set("Holdfast-Client", "test")
	}
	if who.workspace != "" {
		q.Header.Set("Holdfast-Workspace", who.workspace)
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		if ctx.Err() != nil {
			return answer{}
		}
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body) // of a stream that does not end: what came until ctx did
	if err != nil && ctx.Err() == nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{res.StatusCode, res.Header, b}
}

// must makes an administrator's request that has to succeed, and decodes its answer.
func (h *house) must(method, path string, body, into any) answer {
	h.t.Helper()
	a := h.ask(context.Background(), caller{token: h.token}, method, "/api/v1"+path, body)
	if a.status >= 300 {
		h.t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	if into != nil {
		if err := json.Unmarshal(a.body, into); err != nil {
			h.t.Fatalf("%s %s: %v: %s", method, path, err, a.body)
		}
	}
	return a
}

// list is a page of anything.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// all walks a list to its end; path has its query begun ("?x=y" or "?").
func all[T any](h *house, path string) []T {
	h.t.Helper()
	var out []T
	for cursor := ""; ; {
		var p list[T]
		h.must("GET", path+"&limit=200&cursor="+cursor, nil, &p)
		out = append(out, p.Items...)
		if cursor = p.Next; cursor == "" {
			return out
		}
	}
}

func (h *house) until(what string, ok func() bool) {
	h.t.Helper()
	until(h.t, what, ok)
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(15 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("it did not come true: %s", what)
}

// skip ends a test that cannot run here, unless every test has to.
func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("HOLDFAST_TEST_REQUIRE") == "all" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// corpus is the folder of test material with this name.
func corpus(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "shared", "corpora", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	skip(t, "the corpus "+name+" is not here")
	return ""
}
