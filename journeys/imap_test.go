package journeys

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

const imapPassword = "secret-imap"

// APPEND carries a mail as it is, lines of any length included. Dovecot turns bare
// LF into CRLF when it hands a mail out, and refuses a literal with NUL in it; such
// a mail goes in as APPEND allows it, with the NULs left out. What the desk must
// have is, byte for byte, what the server hands out.
func TestEveryMailOfTheCorpusComesInByIMAP(t *testing.T) {
	t.Parallel()
	mails := letters(t)
	to, addresses := addressed(mails)
	addr := mailServer(t, addresses)
	boxes := map[string]*box{}
	for _, a := range addresses {
		boxes[a] = openBox(t, addr, a)
	}
	put := map[string]uint32{} // name → its place in its mailbox
	goodAt := map[string][2]any{}
	for i, m := range mails {
		b := boxes[to[m.name]]
		put[m.name] = b.append(bytes.ReplaceAll(m.raw, []byte{0}, nil))
		subject := fmt.Sprintf("Good mail %d", i)
		goodAt[subject] = [2]any{b, b.append(goodMail(i, subject))}
	}
	h := open(t, t.TempDir())
	host, port, _ := net.SplitHostPort(addr)
	for address := range boxes {
		h.channel("email", address, map[string]any{"address": address, "receive": "imap", "imap_host": host, "imap_port": number(port), "imap_security": "none",
			"imap_user": address, "imap_password": imapPassword, "poll_seconds": 5, "smtp_host": host, "smtp_port": 9, "smtp_security": "none"})
	}
	for address, b := range boxes {
		b.fetch()
		if len(b.mails) != int(b.count) {
			t.Fatalf("%s holds %d mails and hands out %d", address, b.count, len(b.mails))
		}
	}
	h.until("every mail is fetched", func() bool { return h.taken() >= 2*len(mails) })
	sent, good := map[string][]byte{}, map[string][]byte{}
	for _, m := range mails {
		sent[m.name] = boxes[to[m.name]].mails[put[m.name]]
	}
	for subject, at := range goodAt {
		good[subject] = at[0].(*box).mails[at[1].(uint32)]
	}
	h.holds(mails, sent, good)
	for address, b := range boxes {
		if n := b.unseen(); n != b.count {
			t.Errorf("%s: the desk changed the mailbox: %d of %d mails are unread", address, n, b.count)
		}
	}
}

// taken is how many mails have come in so far.
func (h *house) taken() int {
	h.t.Helper()
	return int(h.count("SELECT (SELECT COUNT(*) FROM message) + (SELECT COUNT(*) FROM arrival)"))
}

// box is one mailbox seen by its owner's mail program.
type box struct {
	t     testing.TB
	c     *imapclient.Client
	count uint32
	mails map[uint32][]byte // by place, as the server hands them out
}

func openBox(t testing.TB, addr, user string) *box {
	t.Helper()
	c, err := imapclient.DialInsecure(addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Login(user, imapPassword).Wait(); err != nil {
		t.Fatal(err)
	}
	return &box{t: t, c: c, mails: map[uint32][]byte{}}
}

func (b *box) append(raw []byte) uint32 {
	b.t.Helper()
	cmd := b.c.Append("INBOX", int64(len(raw)), nil)
	if _, err := cmd.Write(raw); err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Close(); err != nil {
		b.t.Fatal(err)
	}
	if _, err := cmd.Wait(); err != nil {
		b.t.Fatal(err)
	}
	b.count++
	return b.count
}

func (b *box) fetch() {
	b.t.Helper()
	if _, err := b.c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		b.t.Fatal(err)
	}
	whole := &imap.FetchItemBodySection{Peek: true}
	list, err := b.c.Fetch(imap.SeqSet{imap.SeqRange{Start: 1, Stop: 0}}, &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{whole}}).Collect()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range list {
		b.mails[m.SeqNum] = m.FindBodySection(whole)
	}
}

func (b *box) unseen() uint32 {
	b.t.Helper()
	d, err := b.c.Status("INBOX", &imap.StatusOptions{NumMessages: true, NumUnseen: true}).Wait()
	if err != nil {
		b.t.Fatal(err)
	}
	if *d.NumMessages != b.count {
		b.t.Errorf("the mailbox has %d mails of %d", *d.NumMessages, b.count)
	}
	return *d.NumUnseen
}

// mailServer is an IMAP server with these mailboxes: the system's Dovecot, or one in
// this process where there is none.
func mailServer(t *testing.T, addresses []string) string {
	t.Helper()
	path, err := exec.LookPath("dovecot")
	if err != nil {
		if path = "/usr/sbin/dovecot"; exec.Command(path, "--version").Run() != nil {
			if os.Getenv("HOLDFAST_TEST_REQUIRE") == "all" {
				t.Fatal("Dovecot is not installed")
			}
			return memoryServer(t, addresses)
		}
	}
	return dovecot(t, path)
}

func memoryServer(t *testing.T, addresses []string) string {
	users := imapmemserver.New()
	for _, address := range addresses {
		u := imapmemserver.NewUser(address, imapPassword)
		if err := u.Create("INBOX", nil); err != nil {
			t.Fatal(err)
		}
		users.AddUser(u)
	}
	s := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return users.NewSession(), nil, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}}, InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ln)
	t.Cleanup(func() { s.Close() })
	return ln.Addr().String()
}

// dovecot runs the system's Dovecot with a configuration of its own.
func dovecot(t *testing.T, path string) string {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Fatal(err)
	}
	internal, login, groupName, owner := me.Username, me.Username, group.Name, me
	if me.Uid == "0" { // then it insists on giving up root's rights
		internal, login, groupName = "dovecot", "dovenull", "dovecot"
		if owner, err = user.Lookup("nobody"); err != nil {
			skip(t, "there is no user to own the mail")
		}
		if _, err := user.Lookup(login); err != nil {
			skip(t, "Dovecot's users are not there")
		}
	}
	dir, err := os.MkdirTemp("", "dv") // its sockets need a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	mail := filepath.Join(dir, "mail")
	if err := os.Mkdir(mail, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, mail} { // whatever the umask was
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	addr := freePort(t)
	_, port, _ := net.SplitHostPort(addr)
	conf := filepath.Join(dir, "dovecot.conf")
	err = os.WriteFile(conf, fmt.Appendf(nil, `
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = %[2]s
default_internal_group = %[3]s
default_login_user = %[4]s
first_valid_uid = 1
mail_location = maildir:%[1]s/mail/%%u
mail_fsync = never
mail_uid = %[5]s
mail_gid = %[6]s
passdb {
  driver = static
  args = password=%[8]s
}
userdb {
  driver = static
  args = uid=%[5]s gid=%[6]s home=%[1]s/mail/%%u
}
service imap-login {
  chroot =
  inet_listener imap {
    port = %[7]s
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
`, dir, internal, groupName, login, owner.Uid, owner.Gid, port, imapPassword), 0o644)
	if err != nil {
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
		if said, err := os.ReadFile(filepath.Join(dir, "log")); err == nil && t.Failed() {
			t.Logf("Dovecot's log:\n%s%.4000s", out.String(), said)
		}
	})
	for range 1000 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return addr
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("Dovecot does not answer: %s", out.String())
	return ""
}
