package email

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"holdfast"
	"holdfast/channel"
)

func (m *memory) has(subject string) bool { return slices.Contains(m.subjects(), subject) }

func TestFetchesWhatIsThereAndWhatIsPushed(t *testing.T) {
	s := newMailServer(t, imap.CapIdle)
	m := newMemory()
	s.deliver("INBOX", plainMail("first"))
	// too old to be taken in, and taken out of the count too
	s.deliverAt("INBOX", plainMail("ancient"), time.Now().AddDate(0, 0, -30))
	s.deliver("INBOX", plainMail("second"))
	a := reader(t, s, m, func(set *Settings) { set.PollSeconds = 3600 }) // so it can only come by push
	listen(t, a, m)
	m.until(t, "both mails", func() bool { return m.has("first") && m.has("second") })
	s.deliver("INBOX", plainMail("pushed"))
	more := 0
	m.until(t, "the pushed mail", func() bool {
		// this server tells of a mail from before IDLE only together with the next
		s.deliver("INBOX", plainMail(fmt.Sprint("more ", more)))
		more++
		return m.has("pushed")
	})
	if m.has("ancient") {
		t.Error("a mail from before the first connection was taken in")
	}
	if h := a.Health(); h.State != "up" || h.LastOK.IsZero() {
		t.Errorf("health is %+v", h)
	}
	data, err := s.user.Status("INBOX", &imap.StatusOptions{NumUnseen: true, NumMessages: true})
	if err != nil || *data.NumUnseen != *data.NumMessages || int(*data.NumMessages) != 4+more {
		t.Errorf("the mailbox was changed: %d unseen of %d, %v", *data.NumUnseen, *data.NumMessages, err)
	}
}

func TestPollsWhereIdleIsNotOffered(t *testing.T) {
	s := newMailServer(t)
	m := newMemory()
	a := reader(t, s, m, nil)
	a.set.PollSeconds = 1
	listen(t, a, m)
	m.until(t, "a first look", func() bool { return !a.Health().LastOK.IsZero() })
	s.deliver("INBOX", plainMail("polled"))
	m.until(t, "the mail", func() bool { return m.has("polled") })
}

func TestGoesOnWhereItStopped(t *testing.T) {
	s := newMailServer(t, imap.CapIdle)
	m := newMemory()
	for i := range 120 { // more than a window
		s.deliver("INBOX", plainMail(fmt.Sprintf("mail %d", i)))
	}
	stop := listen(t, reader(t, s, m, nil), m)
	m.until(t, "all mails", func() bool { return len(m.subjects()) == 120 })
	stop()
	s.deliver("INBOX", plainMail("later"))
	listen(t, reader(t, s, m, nil), m)
	m.until(t, "the new one", func() bool { return m.has("later") })
	for key, n := range m.keys {
		if n != 1 {
			t.Errorf("%s was fetched %d times", key, n)
		}
	}
}

func TestDoesNotPassAMailThatTheDeskDidNotStore(t *testing.T) {
	for _, kind := range []holdfast.Kind{holdfast.Unavailable, holdfast.TooMany, holdfast.Internal} {
		t.Run(kind.String(), func(t *testing.T) {
			s := newMailServer(t, imap.CapIdle)
			m := newMemory()
			var tried atomic.Int32
			m.fail = func(in channel.Inbound) error {
				if in.Subject == "two" && tried.Add(1) <= 2 {
					return holdfast.Errorf(kind, "store.down", "disk full")
				}
				if in.Subject == "three" && tried.Load() <= 2 {
					t.Error("a mail was handed on before the one in front of it was stored")
				}
				return nil
			}
			for _, subject := range []string{"one", "two", "three"} {
				s.deliver("INBOX", plainMail(subject))
			}
			listen(t, reader(t, s, m, nil), m)
			m.until(t, "all three", func() bool { return len(m.subjects()) == 3 })
			if got := strings.Join(m.subjects(), " "); got != "one two three" {
				t.Errorf("stored %q", got)
			}
		})
	}
}

func TestPassesAMailThatTheDeskWillNeverTake(t *testing.T) {
	s := newMailServer(t, imap.CapIdle)
	m := newMemory()
	m.fail = func(in channel.Inbound) error {
		if in.Subject == "two" {
			return holdfast.Errorf(holdfast.Invalid, "message.invalid", "no")
		}
		return nil
	}
	for _, subject := range []string{"one", "two", "three"} {
		s.deliver("INBOX", plainMail(subject))
	}
	listen(t, reader(t, s, m, nil), m)
	m.until(t, "the other two", func() bool { return m.has("one") && m.has("three") })
}

func TestOneBadMailHoldsNothingUp(t *testing.T) {
	s := newMailServer(t, imap.CapIdle)
	m := newMemory()
	s.deliver("INBOX", plainMail("one"))
	s.deliver("INBOX", "\x00\xff\xfe rubbish that is no mail")
	s.deliver("INBOX", "Content-Type: multipart/mixed; boundary=\"\n\n--\n\n--\n")
	s.deliver("INBOX", plainMail("two"))
	listen(t, reader(t, s, m, nil), m)
	m.until(t, "all four", func() bool { return len(m.subjects()) == 4 })
	for _, in := range m.accepted {
		if in.Subject == "" && (in.Refuse == nil || in.Refuse.Reason != "quarantined" || in.Raw == "") {
			t.Errorf("rubbish came through as %+v", in)
		}
		if in.Subject != "" && in.Refuse != nil {
			t.Errorf("%q was refused: %+v", in.Subject, in.Refuse)
		}
	}
}

// stubborn is a session that will not hand over one mail.
type stubborn struct {
	imapserver.Session
	bad func(imap.NumSet) bool
}

func (s stubborn) Fetch(w *imapserver.FetchWriter, set imap.NumSet, o *imap.FetchOptions) error {
	if len(o.BodySection) > 0 && s.bad(set) {
		return &imap.Error{Type: imap.StatusResponseTypeNo, Text: "message corrupt"}
	}
	return s.Session.Fetch(w, set, o)
}

func (s stubborn) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	return s.Session.Idle(w, stop)
}

func TestPutsAsideWhatTheServerDoesNotHandOver(t *testing.T) {
	s := newMailServer(t, imap.CapIdle)
	var healed atomic.Bool
	s.mu.Lock()
	s.wrap = func(inner imapserver.Session) imapserver.Session {
		return stubborn{inner, func(set imap.NumSet) bool {
			if healed.Load() {
				return false
			}
			switch v := set.(type) {
			case imap.UIDSet:
				return v.Contains(2)
			case imap.SeqSet:
				return v.Contains(2)
			}
			return false
		}}
	}
	s.mu.Unlock()
	m := newMemory()
	for _, subject := range []string{"one", "two", "three"} {
		s.deliver("INBOX", plainMail(subject))
	}
	var clock atomic.Int64
	clock.Store(time.Now().UnixNano())
	a := reader(t, s, m, nil)
	a.env.Now = func() time.Time { return time.Unix(0, clock.Load()) }
	stop := listen(t, a, m)
	m.until(t, "the others", func() bool { return m.has("one") && m.has("three") })
	stop()
	if m.has("two") {
		t.Fatal("the server gave what it should not")
	}
	healed.Store(true)
	clock.Add(int64(2 * time.Hour))
	listen(t, a, m)
	m.until(t, "the one put aside", func() bool { return m.has("two") })
}

func TestUIDValidityChange(t *testing.T) {
	s := newMailServer(t, imap.CapIdle)
	m := newMemory()
	if err := s.user.Create("Support", nil); err != nil {
		t.Fatal(err)
	}
	onlySupport := func(set *Settings) { set.Folders = []string{"Support"} }
	s.deliver("Support", plainMail("old one"))
	s.deliver("Support", plainMail("old two"))
	stop := listen(t, reader(t, s, m, onlySupport), m)
	m.until(t, "the old ones", func() bool { return len(m.subjects()) == 2 })
	stop()
	// the server is restored from a backup: same name, other numbers
	if err := s.user.Delete("Support"); err != nil {
		t.Fatal(err)
	}
	if err := s.user.Create("Support", nil); err != nil {
		t.Fatal(err)
	}
	s.deliver("Support", plainMail("new one"))
	s.deliver("Support", plainMail("old two"))
	listen(t, reader(t, s, m, onlySupport), m)
	m.until(t, "the new one", func() bool { return m.has("new one") })
	m.until(t, "a second look at the old one", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		n := 0
		for _, times := range m.keys {
			n += times
		}
		return n == 4
	})
	if len(m.subjects()) != 3 {
		t.Errorf("stored %q", m.subjects())
	}
}

func TestTheSameMailInTwoFoldersIsOne(t *testing.T) {
	s := newMailServer(t, imap.CapIdle)
	m := newMemory()
	if err := s.user.Create("Обращения", nil); err != nil {
		t.Fatal(err)
	}
	s.deliver("INBOX", plainMail("twice"))
	s.deliver("Обращения", plainMail("twice"))
	s.deliver("Обращения", plainMail("end"))
	listen(t, reader(t, s, m, func(set *Settings) { set.Folders = []string{"INBOX", "Обращения"} }), m)
	m.until(t, "all", func() bool { return m.has("twice") && m.has("end") })
	m.until(t, "both copies", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		for key, n := range m.keys {
			if strings.HasPrefix(key, "<twice@") && n == 2 {
				return true
			}
		}
		return false
	})
	if n := len(m.subjects()); n != 2 {
		t.Errorf("%d messages: %q", n, m.subjects())
	}
}

func TestServerGoneAndBack(t *testing.T) {
	s := newMailServer(t, imap.CapIdle)
	m := newMemory()
	var clock atomic.Int64
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock.Store(start.UnixNano())
	a := reader(t, s, m, nil)
	a.env.Now = func() time.Time { return time.Unix(0, clock.Load()).UTC() }
	a.health = newHealth(a.env.Now)
	listen(t, a, m)
	m.until(t, "the first look", func() bool { return !a.Health().LastOK.IsZero() })
	s.stop()
	m.until(t, "a failure", func() bool { return a.Health().State == "degraded" })
	clock.Add(int64(10 * time.Minute))
	if h := a.Health(); h.State != "down" || h.Reason == "" {
		t.Errorf("after ten minutes: %+v", h)
	}
	s.deliver("INBOX", plainMail("while we were out"))
	s.start()
	m.until(t, "the mail that came meanwhile", func() bool { return m.has("while we were out") })
	m.until(t, "recovery", func() bool { return a.Health().State == "up" })
}

func TestCountFindsWhatIsMissing(t *testing.T) {
	s := newMailServer(t, imap.CapIdle)
	m := newMemory()
	var clock atomic.Int64
	clock.Store(time.Now().UnixNano())
	for i := range 5 {
		s.deliver("INBOX", plainMail(fmt.Sprint("mail ", i)))
	}
	a := reader(t, s, m, nil)
	a.env.Now = func() time.Time { return time.Unix(0, clock.Load()) }
	stop := listen(t, a, m)
	m.until(t, "all", func() bool { return len(m.subjects()) == 5 })
	stop()
	// as if the server had shown mail 3 only after 4 and 5 were fetched
	c, err := loadCursor(t.Context(), a.env.State, "INBOX")
	if err != nil || c.UID != 5 || !c.Done.has(3) {
		t.Fatalf("cursor %+v, %v", c, err)
	}
	c.Done = ranges{{1, 2}, {4, 5}}
	if err := c.save(t.Context(), a.env.State, "INBOX"); err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	clear(m.keys)
	m.accepted = nil
	m.mu.Unlock()
	clock.Add(int64(25 * time.Hour))
	stop = listen(t, a, m)
	m.until(t, "the missing mail", func() bool { return m.has("mail 2") })
	stop()
	if got := m.subjects(); len(got) != 1 {
		t.Errorf("the count fetched %q", got)
	}
	if h := a.Health(); h.Missing != 1 {
		t.Errorf("missing is %d, want 1", h.Missing)
	}
	clock.Add(int64(25 * time.Hour))
	stop = listen(t, a, m)
	m.until(t, "a count that finds nothing", func() bool { return a.Health().Missing == 0 })
	stop()
}

func TestMailLargerThanTheLimitIsKeptUpToIt(t *testing.T) {
	s := newMailServer(t, imap.CapIdle)
	m := newMemory()
	s.deliver("INBOX", plainMail("big")+strings.Repeat("x", 3<<20))
	s.deliver("INBOX", plainMail("small"))
	listen(t, reader(t, s, m, func(set *Settings) { set.MaxMegabytes = 1 }), m)
	m.until(t, "both", func() bool { return m.has("big") && m.has("small") })
	for _, in := range m.accepted {
		if in.Subject != "big" {
			continue
		}
		if in.Refuse == nil || in.Refuse.Reason != "quarantined" {
			t.Errorf("refusal is %+v", in.Refuse)
		}
		if n := len(m.blob(in.Raw)); n != 1<<20 {
			t.Errorf("%d bytes kept, want 1 MiB", n)
		}
	}
}

func TestPoisonMailThatBreaksTheSession(t *testing.T) {
	s := newMailServer(t, imap.CapIdle)
	m := newMemory()
	var refuse sync.Map
	m.fail = func(in channel.Inbound) error {
		if in.Subject == "two" {
			n, _ := refuse.LoadOrStore("n", new(atomic.Int32))
			n.(*atomic.Int32).Add(1)
			return io.ErrClosedPipe // nobody's kind: something is wrong with this very mail
		}
		return nil
	}
	for _, subject := range []string{"one", "two", "three"} {
		s.deliver("INBOX", plainMail(subject))
	}
	listen(t, reader(t, s, m, nil), m)
	m.until(t, "the mail behind", func() bool { return m.has("three") })
	if n, ok := refuse.Load("n"); !ok || n.(*atomic.Int32).Load() < patience {
		t.Error("the mail was given up too early")
	}
}

func TestRangesKeepWhatWasAdded(t *testing.T) {
	var r ranges
	for _, u := range []uint32{5, 1, 3, 2, 9, 4, 10, 7} {
		r.add(u)
		r.add(u)
	}
	if fmt.Sprint(r) != "[[1 5] [7 7] [9 10]]" {
		t.Errorf("ranges are %v", r)
	}
	r.prune(4)
	if fmt.Sprint(r) != "[[4 5] [7 7] [9 10]]" || r.has(3) || !r.has(4) || r.has(8) {
		t.Errorf("after pruning %v", r)
	}
}
