package journeys

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/app"
)

// postfix is the mail server between the desk and its customers: the system's
// Postfix with a configuration, a queue and a port of its own. It carries mail for
// desk.example to the desk and keeps the mailboxes of customer.example itself.
type postfix struct {
	t    testing.TB
	addr string
	dir  string
}

// relay starts one; desk is where it finds the desk: "smtp:[127.0.0.1]:2525".
func relay(t testing.TB, desk string) *postfix {
	t.Helper()
	program, err := exec.LookPath("postfix")
	if err != nil {
		if program = "/usr/sbin/postfix"; exec.Command("test", "-x", program).Run() != nil {
			skip(t, "Postfix is not installed")
		}
	}
	if os.Getuid() != 0 {
		skip(t, "Postfix starts as root alone")
	}
	owner, err := user.Lookup("postfix")
	if err != nil {
		skip(t, "Postfix has no user of its own here")
	}
	dir, err := os.MkdirTemp("", "pf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &postfix{t: t, addr: freePort(t), dir: dir}
	os.Chmod(dir, 0o755) // whatever the umask was
	for _, d := range []string{"etc", "queue", "data", "mail"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"data", "mail"} {
		if err := exec.Command("chown", owner.Uid+":"+owner.Gid, filepath.Join(dir, d)).Run(); err != nil {
			t.Fatal(err)
		}
	}
	_, port, _ := net.SplitHostPort(p.addr)
	main := fmt.Sprintf(`
compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
myhostname = relay.customer.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
smtp_dns_support_level = disabled
smtp_host_lookup = native
relay_domains = desk.example
transport_maps = inline:{desk.example=%[2]s}
recipient_delimiter = +
virtual_mailbox_domains = customer.example
virtual_mailbox_base = %[1]s/mail
virtual_mailbox_maps = inline:{ana@customer.example=ana/}
virtual_minimum_uid = 1
virtual_uid_maps = static:%[3]s
virtual_gid_maps = static:%[4]s
# an address that nobody has is found out late, as behind many a relay: by a bounce
smtpd_reject_unlisted_recipient = no
smtpd_peername_lookup = no
`, dir, desk, owner.Uid, owner.Gid)
	var master strings.Builder
	fmt.Fprintf(&master, "%s inet n - n - - smtpd\n", port)
	master.WriteString("cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\nrewrite unix - - n - - trivial-rewrite\npostlog unix-dgram n - n - 1 postlogd\n")
	for _, service := range []string{"bounce bounce", "defer bounce", "trace bounce"} {
		name, program, _ := strings.Cut(service, " ")
		fmt.Fprintf(&master, "%s unix - - n - 0 %s\n", name, program)
	}
	for _, service := range []string{"smtp smtp", "relay smtp", "lmtp lmtp", "virtual virtual", "error error", "retry error", "anvil anvil", "proxymap proxymap", "verify verify", "discard discard", "flush flush"} {
		name, program, _ := strings.Cut(service, " ")
		n := "-"
		if name == "virtual" {
			n = "n" // it writes as the mailboxes' owner
		}
		fmt.Fprintf(&master, "%s unix - %s n - - %s\n", name, n, program)
	}
	for name, text := range map[string]string{"main.cf": main, "master.cf": master.String()} {
		if err := os.WriteFile(filepath.Join(dir, "etc", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(program, "-c", filepath.Join(dir, "etc"), "start").CombinedOutput(); err != nil {
		t.Fatalf("Postfix does not start: %v %s\n%s", err, out, p.log())
	}
	t.Cleanup(func() {
		if out, err := exec.Command(program, "-c", filepath.Join(dir, "etc"), "stop").CombinedOutput(); err != nil {
			t.Errorf("Postfix does not stop: %v %s", err, out)
		}
		if t.Failed() {
			t.Logf("Postfix's log:\n%s", p.log())
		}
	})
	until(t, "Postfix answers", func() bool {
		c, err := net.Dial("tcp", p.addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return p
}

func (p *postfix) log() []byte {
	b, _ := os.ReadFile(filepath.Join(p.dir, "log"))
	return b
}

// letters are the mails in a customer's mailbox.
func (p *postfix) letters(name string) (list []string) {
	p.t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "mail", name, "new", "*"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range files {
		list = append(list, string(read(p.t, f)))
	}
	return list
}

// A customer's mail goes over a real mail server to the desk and the answer back
// over it; what nobody could be given comes back as that server's own bounce.
func TestMailGoesOverARealServer(t *testing.T) {
	t.Parallel()
	for _, way := range []struct{ name, listen, transport string }{{"smtp", "", "smtp:[127.0.0.1]:"}, {"lmtp", "lmtp:", "lmtp:inet:127.0.0.1:"}} {
		t.Run(way.name, func(t *testing.T) {
			listen := freePort(t)
			_, port, _ := net.SplitHostPort(listen)
			p := relay(t, way.transport+port)
			overARealServer(t, p, start(t, app.Config{Data: t.TempDir(), SMTPListen: way.listen + listen}, nil))
		})
	}
}

type talk struct {
	ID       holdfast.ID
	Status   string
	Customer struct{ ID holdfast.ID }
}

func overARealServer(t *testing.T, p *postfix, h *house) {
	box := h.mailbox("help@desk.example", p.addr)
	customer := dial(t, p.addr)
	customer.send("help@desk.example", []byte("From: =?utf-8?b?0JDQvdC90LA=?= <ana@customer.example>\r\nTo: help@desk.example\r\nSubject: No light\r\nMessage-ID: <light@customer.example>\r\n"+
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nThe light is off. Помогите, لطفاً.\r\n.\r\nA dot stood there.\r\n"))
	var talks []talk
	h.until("the customer's mail is a conversation", func() bool { talks = all[talk](h, "/conversations?view=all"); return len(talks) == 1 })
	first := talks[0].ID
	in := h.messages(first)[0]
	if in.Subject != "No light" || in.From == nil || in.From.Name != "Анна" || in.Text != "The light is off. Помогите, لطفاً.\n.\nA dot stood there." {
		t.Errorf("the mail shows as %+v", in)
	}
	if raw := h.must("GET", "/messages/"+in.ID.String()+"/raw", nil, nil).body; !bytes.Contains(raw, []byte("by relay.customer.example (Postfix)")) {
		t.Errorf("the raw form does not say which way it came:\n%s", raw)
	}

	h.must("POST", "/conversations/"+first.String()+"/replies", map[string]any{"id": holdfast.NewID(), "text": "Press the button.\n.\nСпасибо, متشکرم."}, nil)
	var got []string
	h.until("the answer is in the customer's mailbox", func() bool { got = p.letters("ana"); return len(got) > 0 })
	for _, want := range []string{"In-Reply-To: <light@customer.example>", "Subject: Re: No light", "by relay.customer.example (Postfix)"} {
		if len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("the customer got %d mails without %q:\n%s", len(got), want, strings.Join(got, "\n---\n"))
		}
	}
	h.until("the desk says that the answer was taken", func() bool { return h.delivery(first) == "accepted" })

	// the customer answers that: it is the same conversation
	customer.send("help@desk.example", fmt.Appendf(nil, "From: ana@customer.example\r\nSubject: Re: No light\r\nMessage-ID: <again@customer.example>\r\nIn-Reply-To: %s\r\n\r\nIt helped.\r\n", header(got[0], "Message-ID")))
	h.until("the customer's answer", func() bool { return len(h.messages(first)) == 3 })

	// somebody whom the relay does not know, though it took the mail
	gone := holdfast.NewID()
	var begun struct{ ID holdfast.ID }
	h.must("POST", "/conversations", map[string]any{"id": gone, "message_id": holdfast.NewID(), "channel": box, "subject": "Your order", "text": "It has come.",
		"to": map[string]string{"scheme": "mailto", "value": "nobody@customer.example"}}, &begun)
	h.until("the bounce marks the message", func() bool { return h.delivery(begun.ID) == "failed" })
	m := h.messages(begun.ID)
	if len(m) != 1 {
		t.Errorf("the bounce became a message: %+v", m)
	}
	var failed struct {
		Delivery struct{ State, Code, Reason string }
	}
	h.must("GET", "/messages/"+m[0].ID.String(), nil, &failed)
	if !strings.Contains(failed.Delivery.Reason, "nobody@customer.example") && !strings.Contains(failed.Delivery.Reason, "nknown user") {
		t.Errorf("the message failed without the server's words: %+v", failed)
	}
	talks = all[talk](h, "/conversations?view=all")
	if len(talks) != 2 {
		t.Errorf("there are %d conversations: a bounce opens none", len(talks))
	}
	for _, c := range talks {
		var person struct {
			Addresses []struct{ Value, Failing string }
		}
		h.must("GET", "/customers/"+c.Customer.ID.String(), nil, &person)
		for _, a := range person.Addresses {
			if (a.Failing != "") != (a.Value == "nobody@customer.example") {
				t.Errorf("the address %+v is marked wrongly", a)
			}
		}
	}
	arrivals := all[seen](h, "/arrivals?")
	if len(arrivals) != 1 || arrivals[0].Reason != "bounce" {
		t.Errorf("what came in beside the mails: %+v", arrivals)
	}
	time.Sleep(50 * time.Millisecond)
	if n := len(p.letters("ana")); n != 1 {
		t.Errorf("the customer has %d mails after all", n)
	}
}

// delivery is how far the newest message of ours in a conversation has come.
func (h *house) delivery(conversation holdfast.ID) (state string) {
	h.t.Helper()
	var p list[struct {
		Direction string
		Delivery  *struct{ State string }
	}]
	h.must("GET", "/conversations/"+conversation.String()+"/messages?limit=200", nil, &p)
	for _, m := range p.Items {
		if m.Direction == "out" && m.Delivery != nil {
			state = m.Delivery.State
		}
	}
	return state
}

// header is a field of a mail, empty when there is none.
func header(mail, name string) string {
	head, _, _ := strings.Cut(strings.ReplaceAll(mail, "\r", ""), "\n\n")
	for line := range strings.SplitSeq(strings.ReplaceAll(head, "\n ", " "), "\n") {
		if k, v, _ := strings.Cut(line, ":"); strings.EqualFold(k, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
