package faults

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the other process that holds the database

	"holdfast"
)

func TestDatabaseLockedByAnotherProgram(t *testing.T) {
	t.Parallel()
	d := found(t, "", "", time.Millisecond)
	d.start()
	b := newBook()
	other, err := sql.Open("sqlite", "file:"+filepath.Join(d.dir, "holdfast.db")+"?_pragma=busy_timeout(10000)")
	check(t, err)
	defer other.Close()
	lock := func(hold func()) {
		t.Helper()
		c, err := other.Conn(ctx)
		check(t, err)
		defer c.Close()
		_, err = c.ExecContext(ctx, "BEGIN EXCLUSIVE")
		check(t, err)
		hold()
		_, err = c.ExecContext(ctx, "COMMIT")
		check(t, err)
	}
	// For a moment: who writes meanwhile waits and is not refused.
	l := under(d, b, everybody, 20*time.Millisecond)
	time.Sleep(300 * time.Millisecond)
	lock(func() { time.Sleep(2 * time.Second) })
	time.Sleep(300 * time.Millisecond)
	l.stop()
	b.sane(t)
	// For longer than anybody waits: they are refused, and the desk says why.
	l = under(d, b, everybody, 20*time.Millisecond, "store.unavailable", "request.timeout")
	lock(func() {
		until(t, "the desk says that it cannot take messages", 25*time.Second, func() bool {
			r := refused(d.ready())
			return r != nil && r.Status == 503 && r.Code == "store.unavailable" && strings.Contains(r.Body, "locked")
		})
		check(t, d.api("GET", "/conversations", nil, nil)) // reading goes on
	})
	until(t, "the desk takes messages again", 15*time.Second, func() bool { return d.ready() == nil })
	l.stop()
	parked := d.settle(60 * time.Second)
	if len(parked) > 0 {
		t.Errorf("%d replies were parked, and nothing had crashed", len(parked))
	}
	d.stop()
	d.audit(b, parked)
	d.figures(t, b, parked, "locked twice")
}

// server is a private PostgreSQL that can be stopped and started.
type server struct {
	t    *testing.T
	bin  string
	dir  string
	port int
	as   *syscall.SysProcAttr
}

func newServer(t *testing.T) *server {
	s := &server{t: t}
	list, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_ctl")
	if path, err := exec.LookPath("pg_ctl"); err == nil {
		list = append(list, path)
	}
	if len(list) == 0 || runtime.GOOS == "windows" {
		missing(t, "PostgreSQL is not installed: no server to stop")
	}
	s.bin = filepath.Dir(list[0])
	dir, err := os.MkdirTemp("", "hf-pg-") // a short path: a Unix socket lies in it
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	s.dir = dir
	if os.Getuid() == 0 { // which PostgreSQL does not run as
		u, err := user.Lookup("postgres")
		if err != nil {
			missing(t, "there is no user postgres to run the server as")
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		check(t, os.Chown(dir, uid, gid))
		s.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	_, port, err := net.SplitHostPort(freePort(t))
	check(t, err)
	s.port, _ = strconv.Atoi(port)
	s.run("initdb", "-D", dir+"/data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync")
	s.start()
	t.Cleanup(func() {
		cmd := s.command("pg_ctl", "-D", s.dir+"/data", "-m", "immediate", "stop")
		cmd.Run() // it may be down already
	})
	return s
}

func (s *server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, s.as
	return cmd
}

func (s *server) run(name string, args ...string) {
	s.t.Helper()
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (s *server) start() {
	s.t.Helper()
	s.run("pg_ctl", "-D", s.dir+"/data", "-w", "-l", s.dir+"/log", "-o", fmt.Sprintf("-p %d -k %s -c listen_addresses=127.0.0.1 -c max_connections=40", s.port, s.dir), "start")
}

func (s *server) stop(how string) {
	s.t.Helper()
	s.run("pg_ctl", "-D", s.dir+"/data", "-m", how, "-w", "stop")
}

func (s *server) url() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.port)
}

func TestDatabaseServerGoneAndBack(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	d := found(t, "", s.url(), time.Millisecond)
	d.start()
	b := newBook()
	told := newSubscriber(t)
	check(t, d.api("POST", "/webhooks", map[string]any{"id": holdfast.NewID().String(), "url": told.URL, "kinds": []string{"message.received"}}, nil))
	for _, how := range []string{"fast", "immediate", "fast"} {
		l := under(d, b, everybody, 20*time.Millisecond, "store.unavailable", "request.timeout")
		time.Sleep(700 * time.Millisecond)
		s.stop(how)
		until(t, "the desk says that its database is away", 20*time.Second, func() bool {
			r := refused(d.ready())
			return r != nil && r.Status == 503 && r.Code == "store.unavailable"
		})
		for what, err := range map[string]error{
			"reading": d.api("GET", "/conversations", nil, nil),
			"writing": d.api("POST", "/customers", map[string]any{"id": holdfast.NewID().String(), "name": "Nobody"}, nil),
		} {
			if r := refused(err); r == nil || r.Status != 503 || r.Code != "store.unavailable" {
				t.Errorf("%s without a database: %v", what, err)
			}
		}
		if !d.alive() {
			t.Fatal("the desk has ended")
		}
		s.start()
		until(t, "messages are taken again", 30*time.Second, func() bool {
			return d.api("POST", "/customers", map[string]any{"id": holdfast.NewID().String(), "name": "Somebody"}, nil) == nil
		})
		check(t, d.ready())
		time.Sleep(300 * time.Millisecond)
		l.stop()
	}
	parked := d.settle(90 * time.Second)
	if len(parked) > 0 {
		t.Errorf("%d replies were parked, and the desk had not crashed", len(parked))
	}
	until(t, "webhooks tell of every message that was acknowledged", 60*time.Second, func() bool { return told.missing(b) == 0 })
	d.stop()
	d.audit(b, parked)
	d.figures(t, b, parked, "the database server was stopped three times")
}

// subscriber is another program that webhooks tell of messages.
type subscriber struct {
	*httptest.Server
	mu    sync.Mutex
	texts map[string]bool
}

func newSubscriber(t *testing.T) *subscriber {
	s := &subscriber{texts: map[string]bool{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e struct{ Body struct{ Text string } }
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			http.Error(w, "send an event", http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.texts[strings.TrimSpace(e.Body.Text)] = true
	}))
	t.Cleanup(s.Close)
	return s
}

// missing counts what was acknowledged and not told.
func (s *subscriber) missing(b *book) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for text, acked := range b.inbound {
		if acked && !s.texts[text] {
			n++
		}
	}
	return n
}

// many runs n things at once and waits for them.
func many(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}
