package email

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"golang.org/x/text/encoding/charmap"
)

// startDovecot runs the system's Dovecot with a configuration of its own, and
// returns the port of its IMAP server.
func startDovecot(t *testing.T) int {
	t.Helper()
	path, err := exec.LookPath("dovecot")
	if err != nil {
		if path = "/usr/sbin/dovecot"; exec.Command(path, "--version").Run() != nil {
			skip(t, "Dovecot is not installed")
		}
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Fatal(err)
	}
	// Dovecot's sockets need a short path
	dir, err := os.MkdirTemp("", "dv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	owner, login, groupName, mailOwner := me.Username, me.Username, group.Name, me.Username
	if me.Uid == "0" {
		// Dovecot gives up root's rights for the users that its package makes
		owner, login, groupName, mailOwner = "dovecot", "dovenull", "dovecot", "nobody"
		if _, err := user.Lookup(login); err != nil {
			skip(t, "Dovecot's users are not there")
		}
	}
	mu, err := user.Lookup(mailOwner)
	if err != nil {
		skip(t, "no user to own the mail")
	}
	if err := os.MkdirAll(filepath.Join(dir, "mail"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "mail"), 0o777); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	ln.Close()
	config := fmt.Sprintf(`
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = %[2]s
default_internal_group = %[3]s
default_login_user = %[7]s
first_valid_uid = 1
mail_location = maildir:%[1]s/mail/%%u
mail_uid = %[4]s
mail_gid = %[5]s
passdb {
  driver = static
  args = password=secret-imap
}
userdb {
  driver = static
  args = uid=%[4]s gid=%[5]s home=%[1]s/mail/%%u
}
service imap-login {
  chroot =
  inet_listener imap {
    port = %[6]d
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
`, dir, owner, groupName, mu.Uid, mu.Gid, port, login)
	conf := filepath.Join(dir, "dovecot.conf")
	if err := os.WriteFile(conf, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(path, "-F", "-c", conf)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		if log, err := os.ReadFile(filepath.Join(dir, "log")); err == nil && t.Failed() {
			t.Logf("Dovecot's log:\n%s%s", out.String(), log)
		}
	})
	for range 500 {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return port
		}
		time.Sleep(10 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	t.Fatalf("Dovecot does not answer: %s %s", out.String(), log)
	return 0
}

func TestDovecot(t *testing.T) {
	port := startDovecot(t)
	c, err := imapclient.DialInsecure(fmt.Sprintf("127.0.0.1:%d", port), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login("desk@example.com", "secret-imap").Wait(); err != nil {
		t.Fatal(err)
	}
	deliver := func(raw string) {
		t.Helper()
		cmd := c.Append("INBOX", int64(len(raw)), nil)
		if _, err := cmd.Write([]byte(raw)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	koi8 := encode(t, charmap.KOI8R, russian)
	deliver("From: \xc9\xd7\xc1\xce <ivan@example.org>\r\nSubject: before\r\nMessage-ID: <1@x>\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n" + koi8 + "\r\n")
	m := newMemory()
	server := &mailServer{addr: fmt.Sprintf("127.0.0.1:%d", port)}
	a := reader(t, server, m, func(s *Settings) { s.PollSeconds = 3600 })
	stop := listen(t, a, m)
	m.until(t, "the mail that was there", func() bool { return m.has("before") })
	persian := "سلام، اینترنت قطع است."
	deliver("From: Ana <ana@example.org>\r\nSubject: پشتیبانی\r\nMessage-ID: <2@x>\r\n\r\n" + persian + "\r\n")
	m.until(t, "the mail that is pushed", func() bool { return m.has("پشتیبانی") })
	for _, in := range m.accepted {
		if want := map[string]string{"before": russian, "پشتیبانی": persian}[in.Subject]; strings.TrimSpace(in.Text) != want {
			t.Errorf("%s: %q", in.Subject, in.Text)
		}
		if !bytes.HasPrefix(m.blob(in.Raw), []byte("From: ")) {
			t.Errorf("%s: the raw form is %q", in.Subject, m.blob(in.Raw))
		}
	}
	for _, check := range a.Test(context.Background()) {
		if check.Name == "check.imap" && !check.OK {
			t.Errorf("the check says %+v", check)
		}
	}
	d, err := c.Status("INBOX", &imap.StatusOptions{NumMessages: true, NumUnseen: true}).Wait()
	if err != nil || *d.NumMessages != 2 || *d.NumUnseen != 2 {
		t.Errorf("the mailbox was changed: %+v %v", d, err)
	}
	// gone while we are away
	stop()
	deliver("From: Ana <ana@example.org>\r\nSubject: meanwhile\r\nMessage-ID: <3@x>\r\n\r\nhi\r\n")
	listen(t, reader(t, server, m, nil), m)
	m.until(t, "the mail that came meanwhile", func() bool { return m.has("meanwhile") })
	for key, n := range m.keys {
		if n != 1 {
			t.Errorf("%s came %d times", key, n)
		}
	}
}
