package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast"
)

// tracer attaches strace to the program, which from then on injects a fault, and
// returns when it does. The program must end by itself.
func tracer(d *desk, args ...string) {
	t := d.t
	t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		missing(t, "strace is not installed")
	}
	said := &lines{}
	cmd := exec.Command(path, append([]string{"-f", "-o", os.DevNull, "-p", fmt.Sprint(d.cmd.Process.Pid)}, args...)...)
	cmd.Stderr = said
	check(t, cmd.Start())
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	for end := time.Now().Add(20 * time.Second); !strings.Contains(said.String(), "attached"); time.Sleep(10 * time.Millisecond) {
		select {
		case <-ended:
			missing(t, "strace may not trace here: "+said.String())
		default:
		}
		if time.Now().After(end) {
			t.Fatal("strace did not attach: " + said.String())
		}
	}
}

func TestAFailedSyncStopsTheDesk(t *testing.T) {
	const both = "fsync,fdatasync"
	for _, c := range []struct {
		name string
		args []string
		word string // that the program must say
	}{
		{"EIO", []string{"-e", "trace=" + both, "-e", "inject=" + both + ":error=EIO"}, "I/O"},
		// The next one would succeed, and would prove nothing: the kernel has dropped the pages.
		{"EIO once", []string{"-e", "trace=" + both, "-e", "inject=" + both + ":error=EIO:when=1"}, "I/O"},
		{"ENOSPC", []string{"-e", "trace=" + both, "-e", "inject=" + both + ":error=ENOSPC"}, "I/O"},
		{"EIO of the database file", []string{"-P", "DIR/holdfast.db", "-e", "trace=" + both, "-e", "inject=" + both + ":error=EIO"}, "I/O"},
		{"EIO while writing", []string{"-P", "DIR/holdfast.db-wal", "-e", "trace=pwrite64", "-e", "inject=pwrite64:error=EIO:when=20+"}, "I/O"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := found(t, "", "", time.Millisecond)
			d.start()
			b := newBook()
			l := under(d, b, everybody, 5*time.Millisecond, "store.unavailable")
			until(t, "the desk is under load", 30*time.Second, func() bool { in, out := b.acknowledged(); return in >= 50 && out >= 10 })
			for i := range c.args {
				c.args[i] = strings.ReplaceAll(c.args[i], "DIR", d.dir)
			}
			tracer(d, c.args...)
			err := d.ended(60 * time.Second)
			l.stop()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() < 1 {
				t.Errorf("the desk ended with %v", err)
			}
			if said := d.said.String(); !strings.Contains(said, "the database failed") || !strings.Contains(said, c.word) || !strings.Contains(said, "Check the disk") {
				t.Errorf("the desk did not say why it stopped:\n%s", d.said.tail(10))
			}
			// What it took before is there; what it could not promise may be there or not.
			d.start()
			parked := d.settle(60 * time.Second)
			d.stop()
			d.audit(b, parked)
		})
	}
}

// small mounts a file system of a few megabytes.
func small(t *testing.T, megabytes int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "disk")
	check(t, os.Mkdir(dir, 0o700))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)); err != nil {
		missing(t, "a small file system cannot be mounted here: "+err.Error())
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all the space that is left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	check(t, err)
	defer f.Close()
	for size := 1 << 20; size >= 1; {
		if _, err := f.Write(make([]byte, size)); err == nil {
			continue
		} else if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		size /= 2
	}
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	disk := small(t, 32)
	d := found(t, filepath.Join(disk, "data"), "", time.Millisecond)
	d.start()
	b := newBook()
	for round := range 3 {
		l := under(d, b, everybody, 20*time.Millisecond, "store.unavailable")
		time.Sleep(500 * time.Millisecond)
		fill(t, filepath.Join(disk, "filler"))
		// Under load what space is left is used up, and then everybody is told.
		until(t, "the desk says that it cannot take messages", 20*time.Second, func() bool {
			r := refused(d.ready())
			return r != nil && r.Status == 503 && r.Code == "store.unavailable" && strings.Contains(r.Body, "full")
		})
		// A small thing may still fit here and there, so each is tried until it does not.
		for what, say := range d.each() {
			var r *refusal
			until(t, what+" is refused on a full disk", 20*time.Second, func() bool { r = refused(say()); return r != nil })
			if r.Status != 503 || what != "webhook" && r.Code != "store.unavailable" {
				t.Errorf("round %d: %s on a full disk: %v", round, what, r)
			}
		}
		check(t, d.call("GET", "/healthz", "", nil, nil))
		check(t, d.api("GET", "/conversations", nil, nil)) // reading goes on
		if !d.alive() {
			t.Fatal("the desk has ended")
		}
		check(t, os.Remove(filepath.Join(disk, "filler")))
		until(t, "messages are taken again", 20*time.Second, func() bool {
			for _, say := range d.each() {
				if say() != nil {
					return false
				}
			}
			return true
		})
		check(t, d.ready())
		l.stop()
	}
	parked := d.settle(60 * time.Second)
	for id, account := range parked {
		t.Errorf("%s of %s was parked, and nothing had crashed", id, account)
	}
	d.stop()
	for _, text := range d.extra() {
		b.ackIn(text)
	}
	d.audit(b, parked)
	d.figures(t, b, parked, "filled three times")
}

// each is one request of every kind that changes something.
func (d *desk) each() map[string]func() error {
	var session struct{ Token string }
	check(d.t, d.call("POST", "/chat/v1/"+d.chat.String()+"/session", "", map[string]string{"lang": "en"}, &session))
	extra := func() string { return "extra " + holdfast.NewID().String() }
	return map[string]func() error{
		"chat": func() error {
			return d.call("POST", "/chat/v1/"+d.chat.String()+"/messages", session.Token, map[string]string{"id": holdfast.NewID().String(), "text": extra()}, nil)
		},
		"webhook": func() error {
			text := extra()
			return d.call("POST", "/hooks/loop/"+d.loops["same"].String(), "", map[string]string{"key": text, "from": "extra", "text": text}, nil)
		},
		"api": func() error {
			return d.api("POST", "/customers", map[string]any{"id": holdfast.NewID().String(), "name": extra()}, nil)
		},
	}
}

// extra lists the messages that each wrote: in the journal they are nobody's of the load.
func (d *desk) extra() (texts []string) {
	for text := range d.read().received {
		if strings.HasPrefix(text, "extra ") {
			texts = append(texts, text)
		}
	}
	return texts
}
