package faults

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/app"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/setup"
)

var ctx = context.Background()

// resends are the loop accounts of a desk, named for their policies.
var resends = []string{"same", "once", "park"}

// desk is a data folder and the program that serves it, now and then.
type desk struct {
	t        *testing.T
	dir, url string // the data folder; the database's address when it is not in there
	listen   string
	smtp     string
	provider *provider
	token    string
	space    holdfast.ID
	chat     holdfast.ID
	mail     holdfast.ID // receives by the gateway, as desk@example.com
	loops    map[string]holdfast.ID
	http     *http.Client

	cmd    *exec.Cmd
	exited chan error
	said   *lines
	steady sync.Mutex // held while it starts: what else breaks things waits
}

// found makes a desk with a site chat, a mailbox and a loop account of each
// policy, and does not start it. dir "" is a temporary folder.
func found(t *testing.T, dir, url string, slow time.Duration) *desk {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
	}
	d := &desk{t: t, dir: dir, url: url, listen: freePort(t), smtp: freePort(t), provider: newProvider(t, slow), loops: map[string]holdfast.ID{},
		http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	a := app.New(app.Config{Data: dir, DatabaseURL: url, Listen: d.listen, LogLevel: "warn", AttachmentLimit: 1 << 20}, slog.New(slog.DiscardHandler))
	a.Kinds = append(a.Kinds, loop.Kind(channel.ResendPark))
	check(t, a.OpenData(ctx))
	check(t, a.EnsureWorkspace(ctx))
	spaces, err := a.Setup.Workspaces(ctx, access.System(holdfast.ID{}))
	check(t, err)
	d.space = spaces[0].ID
	by := access.System(d.space)
	make := func(kind, name, settings string) holdfast.ID {
		v, err := a.Setup.CreateChannel(ctx, by, setup.NewChannel{ID: holdfast.NewID(), Kind: kind, Name: name, Settings: json.RawMessage(settings)})
		check(t, err)
		return v.ID
	}
	d.chat = make("chat", "Site", `{"visitor_per_minute":0,"address_per_minute":0}`)
	d.mail = make("email", "Mail", `{"address":"desk@example.com","receive":"gateway","smtp_host":"127.0.0.1","smtp_port":1,"smtp_security":"none"}`)
	for _, policy := range resends {
		d.loops[policy] = make("loop", policy, fmt.Sprintf(`{"url":%q,"resend":%q,"idempotent":%v}`, d.provider.URL+"/"+policy, policy, policy == "same"))
	}
	token, err := a.Guard.CreateToken(ctx, by, access.NewToken{Name: "faults", Role: holdfast.Administrator})
	check(t, err)
	d.token = token.Secret
	check(t, a.DB.Close())
	t.Cleanup(func() {
		if d.cmd != nil {
			d.kill()
		}
		if t.Failed() && d.said != nil {
			t.Logf("the desk said at last:\n%s", d.said.tail(20))
			for line := range strings.Lines(d.said.String()) {
				if strings.Contains(line, "code=internal") {
					t.Log(line)
				}
			}
		}
	})
	return d
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// freePort is an address that nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

// startWait is how long a start may take on a busy machine.
const startWait = 30 * time.Second

// start runs the program and returns when it says that it is ready.
func (d *desk) start() {
	d.t.Helper()
	d.steady.Lock()
	defer d.steady.Unlock()
	select {
	case <-d.launch():
	case err := <-d.exited:
		d.cmd = nil
		d.t.Fatalf("the desk did not start: %v\n%s", err, d.said.tail(20))
	case <-time.After(startWait):
		d.t.Fatalf("the desk was not ready after %v\n%s", startWait, d.said.tail(20))
	}
}

// launch runs the program; the channel is closed when it is ready.
func (d *desk) launch() (ready chan struct{}) {
	d.t.Helper()
	cmd := exec.Command(binary, "--listen="+d.listen, "--data="+d.dir, "--smtp-listen="+d.smtp, "--log-level=warn", "--allow-private-addresses")
	if d.url != "" {
		cmd.Args = append(cmd.Args, "--database-url="+d.url)
	}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "HOLDFAST_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	d.said = &lines{}
	cmd.Stderr = d.said
	out, err := cmd.StdoutPipe()
	check(d.t, err)
	check(d.t, cmd.Start())
	d.cmd, d.exited, ready = cmd, make(chan error, 1), make(chan struct{})
	exited := d.exited
	go func() {
		scan, told := bufio.NewScanner(out), false
		for scan.Scan() {
			if !told && strings.Contains(scan.Text(), " is ready at ") {
				told = true
				close(ready)
			}
		}
		exited <- cmd.Wait()
	}()
	return ready
}

// kill is kill -9.
func (d *desk) kill() {
	d.cmd.Process.Kill()
	<-d.exited
	d.cmd = nil
	d.http.CloseIdleConnections()
}

// stop stops the program as a person does; it must go in peace.
func (d *desk) stop() {
	d.t.Helper()
	d.http.CloseIdleConnections()
	check(d.t, d.cmd.Process.Signal(os.Interrupt))
	if err := d.ended(40 * time.Second); err != nil {
		d.t.Fatalf("the desk stopped with %v\n%s", err, d.said.tail(20))
	}
}

// ended waits for the program to end by itself and returns how it did.
func (d *desk) ended(within time.Duration) error {
	d.t.Helper()
	select {
	case err := <-d.exited:
		d.cmd = nil
		return err
	case <-time.After(within):
		d.t.Fatalf("the desk did not end within %v\n%s", within, d.said.tail(20))
		return nil
	}
}

// alive reports whether the program still runs.
func (d *desk) alive() bool {
	select {
	case err := <-d.exited:
		d.exited <- err
		return false
	default:
		return true
	}
}

// refusal is an answer of 400 or more.
type refusal struct {
	Status int
	Code   string
	Body   string
}

// Error is the status and the code.
func (r *refusal) Error() string { return strconv.Itoa(r.Status) + " " + r.Code + " " + r.Body }

// refused is the refusal in err, or nil.
func refused(err error) *refusal {
	var r *refusal
	errors.As(err, &r)
	return r
}

// call sends one request with a bearer token; an answer of 2xx goes into out.
func (d *desk) call(method, path, bearer string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, "http://"+d.listen+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := d.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		r := &refusal{Status: res.StatusCode, Body: string(b)}
		var p struct{ Code string }
		if json.Unmarshal(b, &p) == nil {
			r.Code = p.Code
		}
		return r
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

// api calls the API as the desk's administrator.
func (d *desk) api(method, path string, in, out any) error {
	return d.call(method, "/api/v1"+path, d.token, in, out)
}

// ready asks /readyz.
func (d *desk) ready() error { return d.call("GET", "/readyz", "", nil, nil) }

// resident is the program's memory in bytes.
func (d *desk) resident() int64 {
	d.t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(d.cmd.Process.Pid), "status"))
	if err != nil {
		missing(d.t, "this system does not say how much memory a process has")
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			check(d.t, err)
			return kb << 10
		}
	}
	d.t.Fatal("no VmRSS")
	return 0
}

// until waits for something to become true.
func until(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// lines keeps what a program wrote.
type lines struct {
	mu sync.Mutex
	b  []byte
}

// Write is io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	return len(p), nil
}

// String is all of it.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b)
}

func (l *lines) tail(n int) string {
	all := strings.Split(strings.TrimSpace(l.String()), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}
