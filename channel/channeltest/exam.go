// Package channeltest is the exam that every channel sits, and the fakes it is
// sat with: a sink, blobs, state and a feed in memory, and a network that ends
// at this machine.
//
// It refuses to be used outside tests and to pass a channel that has not shown
// each thing the exam asks for, or said why it does not apply.
package channeltest

import (
	"context"
	"fmt"
	"math/rand"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
)

// Exam is what a channel's author brings. The functions hide how the provider
// is faked; each gets a fresh seat, with an adapter made from Setup's settings.
type Exam struct {
	Kind *channel.Kind
	// Setup starts the fake provider for one seat and returns the account's settings
	// as JSON. It may return "" for the kind's defaults. What it starts it ends with
	// t.Cleanup.
	Setup func(t *testing.T, s *Seat) (settings string)
	// Secrets are the values in those settings that nobody may ever see again:
	// passwords, tokens. Each must be set in a Secret field.
	Secrets []string

	// Deliveries are things that come in. Without any, say why in Without["in"].
	Deliveries []Delivery
	// Sends are messages that go out, and what the provider makes of them. The exam
	// asks for one accepted and one of each channel.Reason.
	Sends []Send
	// Without says why something does not apply: the key is "in", "malformed" or a
	// channel.Reason.
	Without map[string]string

	// Malformed are broken payloads; each is given as it is and bent in many ways.
	Malformed [][]byte
	// Feed gives the adapter raw bytes as its provider would. It must not panic or hang.
	Feed func(t *testing.T, s *Seat, raw []byte)
}

// Seat is one sitting: a bench and the adapter on it.
type Seat struct {
	*Bench
	Account channel.Account
	Adapter channel.Adapter
	// Fake is whatever Setup wants to keep for the other functions.
	Fake any
}

// Delivery is one thing that comes in.
type Delivery struct {
	Name string
	// Give makes the provider hand it to the adapter once and reports whether the
	// adapter acknowledged it: whether the provider will consider it done. Called
	// twice in one seat it hands over the same thing twice.
	Give func(t *testing.T, s *Seat) (acknowledged bool)
	// Check looks at what reached the desk; may be nil.
	Check func(t *testing.T, s *Seat, m channel.Inbound)
}

// Send is one message that goes out.
type Send struct {
	Name string
	// Prepare makes the provider behave; may be nil.
	Prepare func(t *testing.T, s *Seat)
	Message channel.Outbound
	// Timeout ends the attempt; 0 means 20 s. Set a short one where the provider stays silent.
	Timeout time.Duration
	Want    channel.Reason // "" means accepted
	// Check looks at what reached the provider; may be nil.
	Check func(t *testing.T, s *Seat, sent channel.Sent)
}

// Run sits the exam.
func (x Exam) Run(t *testing.T) {
	t.Helper()
	t.Run("kind", func(t *testing.T) { checkKind(t, x.Kind) })
	t.Run("form", func(t *testing.T) { checkForm(t, x.Kind) })
	t.Run("settings", x.settings)
	t.Run("in", x.deliveries)
	t.Run("out", x.sends)
	t.Run("malformed", x.malformed)
}

func (x *Exam) seat(t *testing.T) *Seat {
	t.Helper()
	s := &Seat{Bench: TestEnv(t)}
	s.fence(t)
	settings := ""
	if x.Setup != nil {
		settings = x.Setup(t, s)
	}
	s.Account = s.Bench.Account(t, x.Kind, settings)
	a, err := x.Kind.New(s.Account, s.Env)
	if err != nil {
		t.Fatalf("the adapter of %s: %v", settings, err)
	}
	s.Adapter = a
	t.Cleanup(func() {
		if c, ok := a.(interface{ Close() error }); ok {
			if err := c.Close(); err != nil {
				t.Errorf("closing the adapter: %v", err)
			}
		}
		if found := leaks(s.Logged(), x.Secrets); len(found) > 0 {
			t.Errorf("the log shows the secret %q:\n%s", found, s.Logged())
		}
		if left := s.Left(); len(left) > 0 {
			t.Errorf("the adapter tried to leave this machine: %q", left)
		}
	})
	return s
}

func (x *Exam) exempt(t *testing.T, what string) bool {
	why := x.Without[what]
	if why != "" {
		t.Logf("%s does not apply: %s", what, why)
	}
	return why != ""
}

// deliveries: one thing twice is one message, and what the desk has not got is
// not acknowledged.
func (x *Exam) deliveries(t *testing.T) {
	if len(x.Deliveries) == 0 && !x.exempt(t, "in") {
		t.Fatal(`nothing comes in: bring Deliveries, or say why in Without["in"]`)
	}
	for _, d := range x.Deliveries {
		t.Run(d.Name+"/twice is one message", func(t *testing.T) {
			s := x.seat(t)
			for i := range 2 {
				if !d.Give(t, s) {
					t.Fatalf("delivery %d is on disk and was not acknowledged\n%s", i+1, s.Logged())
				}
			}
			offered, taken := s.Sink.Offered(), s.Sink.Taken()
			if len(taken) != 1 {
				var keys []string
				for _, m := range offered {
					keys = append(keys, fmt.Sprintf("Key %q ID %q", m.Key, m.ID))
				}
				t.Fatalf("one thing delivered twice is %d messages: %q", len(taken), keys)
			}
			m := taken[0]
			if m.Key == "" && m.ID.IsZero() {
				t.Error("it has neither a Key nor an ID: another node could not know it again")
			}
			if m.Refuse == nil && (m.From.Scheme != x.Kind.Scheme || m.From.Value == "") {
				t.Errorf("it comes from %+v, want an address of scheme %q", m.From, x.Kind.Scheme)
			}
			if found := leaks(fmt.Sprintf("%+v", m.Trace.Lines()), x.Secrets); len(found) > 0 {
				t.Errorf("its trace shows the secret %q", found)
			}
			if d.Check != nil {
				d.Check(t, s, m)
			}
		})
		for _, fault := range []error{
			holdfast.Errorf(holdfast.Unavailable, "store.unavailable", "the database is away"),
			fmt.Errorf("something that nobody foresaw"),
		} {
			t.Run(d.Name+"/not acknowledged when the desk has not got it/"+holdfast.CodeOf(fault), func(t *testing.T) {
				s := x.seat(t)
				s.Sink.Fail(fault)
				if d.Give(t, s) {
					t.Fatal("the provider was told that it was received, and it is nowhere")
				}
				if len(s.Sink.Offered()) == 0 {
					t.Fatal("it never reached the desk, so this shows nothing")
				}
				key, id := s.Sink.Offered()[0].Key, s.Sink.Offered()[0].ID
				s.Sink.Fail(nil)
				if !d.Give(t, s) {
					t.Fatalf("the desk is well again and the delivery was not acknowledged\n%s", s.Logged())
				}
				taken := s.Sink.Taken()
				if len(taken) != 1 || taken[0].Key != key || taken[0].ID != id {
					t.Errorf("after the fault %d messages are there; want one, known as before", len(taken))
				}
			})
		}
	}
}

// sends: each thing that can happen has its reason.
func (x *Exam) sends(t *testing.T) {
	for _, want := range []channel.Reason{"", channel.Temporary, channel.Throttled, channel.Permanent, channel.Blocked, channel.Broken, channel.Unknown} {
		found := false
		for _, s := range x.Sends {
			found = found || s.Want == want
		}
		if name := string(want); !found && (name == "" || !x.exempt(t, name)) {
			t.Errorf("no send shows the reason %q: bring one, or say why in Without", name)
		}
	}
	for _, c := range x.Sends {
		t.Run(c.Name, func(t *testing.T) {
			s := x.seat(t)
			if c.Prepare != nil {
				c.Prepare(t, s)
			}
			m := c.Message
			if m.ID.IsZero() {
				m.ID = holdfast.NewID()
			}
			if m.Conversation.IsZero() {
				m.Conversation = holdfast.NewID()
			}
			if m.At.IsZero() {
				m.At = time.Now().UTC()
			}
			m.Attempt, m.Trace = max(m.Attempt, 1), &channel.Trace{}
			timeout := c.Timeout
			if timeout == 0 {
				timeout = 20 * time.Second
			}
			ctx, cancel := context.WithTimeout(context.Background(), timeout)
			defer cancel()
			type result struct {
				sent channel.Sent
				err  error
			}
			done := make(chan result, 1)
			go func() {
				sent, err := s.Adapter.Send(ctx, m)
				done <- result{sent, err}
			}()
			var r result
			select {
			case r = <-done:
			case <-time.After(timeout + 5*time.Second):
				t.Fatal("Send did not come back after its context had ended")
			}
			if found := leaks(string(m.Trace.JSON()), x.Secrets); len(found) > 0 {
				t.Errorf("the trace shows the secret %q: %s", found, m.Trace.JSON())
			}
			if r.err == nil {
				if c.Want != "" {
					t.Fatalf("accepted, want %s", c.Want)
				}
			} else {
				f := channel.AsFailure(r.err)
				if f.Reason != c.Want {
					t.Fatalf("%v: the reason is %q, want %q", r.err, f.Reason, c.Want)
				}
				if f.Code == "error" && f.Err == r.err {
					t.Errorf("%v is no *channel.Failure", r.err)
				}
				if f.Text == "" {
					t.Error("the failure does not tell the operator anything")
				}
				if found := leaks(r.err.Error()+f.Text, x.Secrets); len(found) > 0 {
					t.Errorf("the failure shows the secret %q: %v", found, r.err)
				}
				if f.RetryAfter < 0 || f.RetryAfter > 24*time.Hour {
					t.Errorf("RetryAfter is %v", f.RetryAfter)
				}
			}
			if c.Check != nil {
				c.Check(t, s, r.sent)
			}
		})
	}
}

// malformed: what a provider should never send breaks nothing.
func (x *Exam) malformed(t *testing.T) {
	if x.Feed == nil || len(x.Malformed) == 0 {
		if !x.exempt(t, "malformed") {
			t.Fatal(`nothing malformed is tried: bring Feed and Malformed, or say why in Without["malformed"]`)
		}
		return
	}
	s := x.seat(t)
	for i, raw := range x.Malformed {
		x.feed(t, s, raw)
		r := rand.New(rand.NewSource(int64(i)))
		for range 60 {
			x.feed(t, s, bend(r, raw))
		}
	}
}

func (x *Exam) feed(t *testing.T, s *Seat, raw []byte) {
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		x.Feed(t, s, raw)
	}()
	select {
	case p := <-done:
		if p != nil {
			t.Fatalf("%q: panic: %v", raw, p)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("%q: no end", raw)
	}
}

// bend is raw cut, repeated, flipped or salted.
func bend(r *rand.Rand, raw []byte) []byte {
	b := append([]byte(nil), raw...)
	for range 1 + r.Intn(4) {
		if len(b) == 0 {
			return []byte{byte(r.Intn(256))}
		}
		i, k := r.Intn(len(b)), r.Intn(len(b))
		switch r.Intn(5) {
		case 0:
			b = b[:i]
		case 1:
			b[i] ^= 1 << r.Intn(8)
		case 2:
			b = append(b[:i:i], append([]byte{0, 0xff, '"', '\\', '\n'}, b[i:]...)...)
		case 3:
			b = append(b[:i:i], b[min(i, k):]...)
		case 4:
			b[i] = byte(r.Intn(256))
		}
		if len(b) > 1<<16 {
			b = b[:1<<16]
		}
	}
	return b
}
