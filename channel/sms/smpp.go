package sms

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/sms/gsm"
	"holdfast/channel/sms/smpp"
)

// centre is the way in over SMPP 3.4: one connection, signed in as a transceiver.
type centre struct {
	env     channel.Env
	set     *Settings
	dialer  dialer
	ledger  *ledger
	limiter *rate.Limiter
	window  chan struct{}
	first   time.Duration // before connecting again; it doubles
	most    time.Duration

	mu        sync.Mutex
	cur       *session
	opening   chan struct{} // closed when the attempt that runs has ended
	abandon   func()        // ends that attempt
	failed    error         // of the last attempt
	wait      time.Duration
	notBefore time.Time
	since     time.Time
	lastOK    time.Time
	in        *inflow // nil while nobody listens
	shards    []chan delivery
	flying    map[holdfast.ID]flight // texts that Send has in hand
}

// flight is a text on its way to the centre.
type flight struct {
	to     string
	landed chan struct{} // closed when Send lets go of it
}

// delivery is a unit of the centre that waits for its turn.
type delivery struct {
	on *session
	p  smpp.PDU
}

const (
	shardCount = 8
	shardRoom  = 64
	idleClose  = 5 * time.Second // a connection that nobody listens on
)

func newSMPP(_ channel.Account, env channel.Env, set *Settings) (backend, error) {
	if set.SMPPHost == "" || strings.ContainsAny(set.SMPPHost, " /@\r\n\t") {
		return nil, bad("smpp_host", "%q is not a server's name", set.SMPPHost)
	}
	if set.SMPPPort < 1 || set.SMPPPort > 65535 {
		return nil, bad("smpp_port", "%d is not a port", set.SMPPPort)
	}
	if len(set.SMPPSystem) > 15 {
		return nil, bad("smpp_system_id", "a system_id has 15 characters at most")
	}
	if len(set.SMPPPassword) > 8 {
		return nil, bad("smpp_password", "an SMPP password has 8 characters at most")
	}
	if len(set.SMPPType) > 12 {
		return nil, bad("smpp_system_type", "a system_type has 12 characters at most")
	}
	if set.SMPPRate < 1 || set.SMPPRate > 5000 {
		return nil, bad("smpp_rate", "between 1 and 5000 parts a second")
	}
	if set.SMPPWindow < 1 || set.SMPPWindow > 1000 {
		return nil, bad("smpp_window", "between 1 and 1000 parts on the way")
	}
	if set.SMPPHours < 1 || set.SMPPHours > 168 {
		return nil, bad("smpp_validity_hours", "a text is worth sending for 1 to 168 hours")
	}
	c := &centre{
		env: env, set: set, ledger: newLedger(env), window: make(chan struct{}, set.SMPPWindow),
		// Two in a hundred ahead, so that a short hold-up is made good.
		limiter: rate.NewLimiter(rate.Limit(set.SMPPRate), max(1, set.SMPPRate/50)),
		first:   time.Second, most: time.Minute, flying: map[holdfast.ID]flight{},
	}
	c.dialer = dialer{
		addr:    net.JoinHostPort(set.SMPPHost, strconv.Itoa(set.SMPPPort)),
		bind:    smpp.Bind{SystemID: set.SMPPSystem, Password: string(set.SMPPPassword), SystemType: set.SMPPType, Version: 0x34},
		connect: 15 * time.Second, answer: 30 * time.Second, idle: 30 * time.Second, in: c.take,
	}
	if set.SMPPSecurity == "tls" {
		c.dialer.tls = &tls.Config{ServerName: set.SMPPHost, MinVersion: tls.VersionTLS12}
	}
	return c, nil
}

// Resend: nothing in SMPP lets a centre know a text again, so an operator decides,
// or a receipt does.
func (c *centre) Resend() channel.Resend { return channel.ResendPark }

// Receipts are sent by a centre that is asked for them.
func (c *centre) Receipts() bool { return c.set.SMPPReceipts }

// Send hands all parts over, each at its turn. A text of which some parts have
// been taken before goes on after them.
func (c *centre) Send(ctx context.Context, m sms) (channel.Sent, error) {
	m.trace.Redact(string(c.set.SMPPPassword))
	s, err := c.connected(ctx)
	if err != nil {
		m.trace.Remark(err.Error())
		return channel.Sent{}, c.unreachable(err)
	}
	done := make(chan struct{})
	c.mu.Lock()
	c.flying[m.id] = flight{m.to, done}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.flying, m.id)
		c.mu.Unlock()
		close(done)
	}()
	units := c.units(m)
	entry, err := c.ledger.begin(ctx, m, len(units))
	if err != nil {
		return channel.Sent{}, &channel.Failure{Reason: channel.Temporary, Code: "state", Text: "The text could not be written down before it is sent.", Err: err}
	}
	for i, u := range units {
		if entry.Took[i] {
			m.trace.Remark(fmt.Sprintf("part %d was taken before as %s", i+1, entry.IDs[i]))
			continue
		}
		u.TLVs = append(u.TLVs, smpp.TLV{Tag: smpp.UserMessageReference, Value: refValue(entry.ref)})
		id, f := c.submit(ctx, s, u, fmt.Sprintf("part %d of %d", i+1, len(units)), m.trace)
		if f != nil {
			return channel.Sent{}, f
		}
		if err := c.ledger.took(context.WithoutCancel(ctx), entry, i, id); err != nil {
			c.env.Log.Warn("an SMS was taken and could not be noted", "message", m.id.String(), "err", err)
		}
	}
	return channel.Sent{ExternalID: entry.IDs[0]}, nil
}

// submit hands one unit over at its turn.
func (c *centre) submit(ctx context.Context, s *session, u smpp.PDU, what string, trace *channel.Trace) (string, error) {
	select {
	case c.window <- struct{}{}:
	case <-ctx.Done():
		return "", &channel.Failure{Reason: channel.Temporary, Code: "busy", Text: "The centre was too slow for this text to have its turn.", Err: ctx.Err()}
	}
	defer func() { <-c.window }()
	if err := c.limiter.Wait(ctx); err != nil {
		return "", &channel.Failure{Reason: channel.Temporary, Code: "busy", Text: "This text did not have its turn in time.", Err: err}
	}
	trace.Said(fmt.Sprintf("submit_sm %s to %s from %q, coding %d, class 0x%02x, %d bytes", what, u.Short.Dest.Value, u.Short.Source.Value,
		u.Short.Coding, u.Short.Class, len(u.Short.Message)+len(u.TLV(smpp.Payload))))
	answer, err := s.ask(ctx, u, c.dialer.answer)
	var sure sureError
	switch {
	case errors.As(err, &sure):
		trace.Remark(err.Error())
		return "", &channel.Failure{Reason: channel.Temporary, Code: "connection", Text: "The connection to the centre broke before the text had left.", Err: err}
	case err != nil:
		trace.Remark(err.Error())
		return "", &channel.Failure{Reason: channel.Unknown, Code: "no_answer", Text: "The connection broke before the centre answered. It may have taken the text; a receipt will tell.", Err: err}
	}
	trace.Heard(fmt.Sprintf("%s %s %s", answer.Command, answer.Status, answer.ID))
	if answer.Status != smpp.OK {
		f := refusal(answer.Status)
		if answer.Status == smpp.InvalidBind {
			s.end(errEnded) // the centre does not know this connection: make a new one
		}
		return "", f
	}
	if answer.Command == smpp.GenericNack {
		return "", &channel.Failure{Reason: channel.Unknown, Code: "generic_nack", Text: "The centre did not understand the text, and did not say whether it took it."}
	}
	c.mu.Lock()
	c.lastOK = c.env.Now()
	c.mu.Unlock()
	return answer.ID, nil
}

// units writes a text as submit_sm.
func (c *centre) units(m sms) []smpp.PDU {
	base := smpp.Short{Source: source(m.from), Dest: destination(m.to), Validity: fmt.Sprintf("0000%02d%02d0000000R", c.set.SMPPHours/24, c.set.SMPPHours%24)}
	if c.set.SMPPReceipts {
		base.Registered = 1
	}
	if m.alphabet == gsm.UCS2 {
		base.Coding = 8
	} else if c.set.SMPPLetters == "latin1" {
		base.Coding = 3
	}
	if c.set.SMPPLong == "payload" && len(m.parts) > 1 {
		u := smpp.PDU{Command: smpp.SubmitSM, Short: &base}
		u.TLVs = append(u.TLVs, smpp.TLV{Tag: smpp.Payload, Value: c.octets(m.alphabet, m.text, m.alphabet.Encode(m.text))})
		return []smpp.PDU{u}
	}
	var list []smpp.PDU
	for i, p := range m.parts {
		short := base
		short.Message = c.octets(m.alphabet, p.text, p.data)
		u := smpp.PDU{Command: smpp.SubmitSM, Short: &short}
		switch {
		case p.header == nil:
		case c.set.SMPPLong == "sar":
			u.TLVs = append(u.TLVs, smpp.TLV{Tag: smpp.SarRef, Value: refValue(reference(m.id))},
				smpp.TLV{Tag: smpp.SarTotal, Value: []byte{byte(len(m.parts))}}, smpp.TLV{Tag: smpp.SarNumber, Value: []byte{byte(i + 1)}})
		default:
			short.Class |= smpp.ClassHeader
			short.Message = append(append([]byte(nil), p.header...), short.Message...)
		}
		list = append(list, u)
	}
	return list
}

// octets are a part's letters as the centre wants them.
func (c *centre) octets(a gsm.Alphabet, text string, data []byte) []byte {
	if a != gsm.GSM7 || c.set.SMPPLetters != "latin1" {
		return data
	}
	b := make([]byte, 0, len(text))
	for _, r := range text {
		b = append(b, byte(r)) // the account's alphabet is checked before: see Settings.alphabet
	}
	return b
}

// source and destination give an address the type that centres expect of its form.
func source(from string) smpp.Address {
	digits := strings.TrimPrefix(from, "+")
	switch {
	case from == "":
		return smpp.Address{}
	case !senderNumber.MatchString(from):
		return smpp.Address{TON: 5, NPI: 0, Value: from}
	case len(digits) <= 6:
		return smpp.Address{TON: 3, NPI: 0, Value: digits}
	}
	return smpp.Address{TON: 1, NPI: 1, Value: digits}
}

func destination(to string) smpp.Address {
	if strings.HasPrefix(to, "+") {
		return smpp.Address{TON: 1, NPI: 1, Value: to[1:]}
	}
	return smpp.Address{TON: 0, NPI: 1, Value: to}
}

// connected is the connection, made if there is none and it is time to try.
func (c *centre) connected(ctx context.Context) (*session, error) {
	for {
		c.mu.Lock()
		if c.cur != nil && !ended(c.cur) {
			defer c.mu.Unlock()
			return c.cur, nil
		}
		if c.opening == nil {
			if wait := c.notBefore.Sub(c.env.Now()); wait > 0 {
				defer c.mu.Unlock()
				return nil, c.failed
			}
			c.opening = make(chan struct{})
			var opened context.Context
			opened, c.abandon = context.WithCancel(context.Background())
			go c.open(opened)
		}
		opening := c.opening
		c.mu.Unlock()
		select {
		case <-opening:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		c.mu.Lock()
		err := c.failed
		c.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
}

func ended(s *session) bool {
	select {
	case <-s.dead:
		return true
	default:
		return false
	}
}

// open makes one attempt to connect.
func (c *centre) open(ctx context.Context) {
	s, err := c.dialer.open(ctx, c.env.Now().UnixNano())
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.env.Now()
	c.failed = err
	if err != nil {
		c.wait = min(max(2*c.wait, c.first), c.most)
		c.notBefore = now.Add(c.wait/2 + rand.N(c.wait/2+1))
		c.env.Log.Info("the SMS centre cannot be reached", "addr", c.dialer.addr, "err", err, "again", c.wait.String())
	} else {
		c.cur, c.wait, c.notBefore, c.lastOK = s, 0, time.Time{}, now
		if c.in == nil {
			time.AfterFunc(idleClose, func() { c.unheard(s) })
		}
	}
	c.since = now
	c.abandon()
	close(c.opening)
	c.opening = nil
}

// unheard ends a connection that nobody listens on and no text uses.
func (c *centre) unheard(s *session) {
	c.mu.Lock()
	listened, used := c.in != nil, len(c.flying) > 0
	c.mu.Unlock()
	switch {
	case listened || ended(s):
	case used:
		time.AfterFunc(idleClose, func() { c.unheard(s) })
	default:
		s.leave()
	}
}

// unreachable is why nothing could be handed over.
func (c *centre) unreachable(err error) *channel.Failure {
	var refused *bindError
	if errors.As(err, &refused) {
		f := refusal(refused.status)
		switch f.Reason {
		case channel.Broken, channel.Permanent, channel.Blocked:
			return &channel.Failure{Reason: channel.Broken, Code: f.Code, Text: "The centre does not accept the sign-in of this account.", Err: err}
		}
		return &channel.Failure{Reason: channel.Temporary, Code: f.Code, Text: "The centre does not let us in at the moment.", Err: err}
	}
	return &channel.Failure{Reason: channel.Temporary, Code: "connect", Text: "The SMS centre cannot be reached.", Err: err}
}

// Close ends the connection.
func (c *centre) Close() error {
	c.mu.Lock()
	opening := c.opening
	if opening != nil {
		c.abandon()
	}
	c.mu.Unlock()
	if opening != nil {
		<-opening
	}
	c.mu.Lock()
	s := c.cur
	c.mu.Unlock()
	if s != nil && !ended(s) {
		s.leave()
	}
	return nil
}

// Health is how the connection is.
func (c *centre) Health() channel.Health {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := channel.Health{State: "up", Since: c.since, LastOK: c.lastOK}
	switch {
	case c.cur != nil && !ended(c.cur):
	case c.failed != nil:
		h.State, h.Reason = "down", c.failed.Error()
	case c.cur != nil:
		h.State, h.Reason = "degraded", "connecting"
	}
	return h
}

// Test connects and signs in on a connection of its own kind: the one in use is
// asked whether it lives.
func (c *centre) Test(ctx context.Context) []channel.Check {
	c.mu.Lock()
	c.notBefore = time.Time{} // an administrator who asks need not wait
	c.mu.Unlock()
	s, err := c.connected(ctx)
	var refused *bindError
	checks := []channel.Check{{Name: "check.connect", OK: err == nil || errors.As(err, &refused), Text: c.dialer.addr}}
	if !checks[0].OK {
		checks[0].Text = err.Error()
		return checks
	}
	if err != nil {
		return append(checks, channel.Check{Name: "check.bind", Text: err.Error()})
	}
	checks = append(checks, channel.Check{Name: "check.bind", OK: true, Text: "bind_transceiver as " + c.set.SMPPSystem})
	began := time.Now()
	if _, err = s.ask(ctx, smpp.PDU{Command: smpp.EnquireLink}, c.dialer.answer); err != nil {
		return append(checks, channel.Check{Name: "check.answer", Text: err.Error()})
	}
	return append(checks, channel.Check{Name: "check.answer", OK: true, Text: "enquire_link: " + time.Since(began).Round(time.Millisecond).String()})
}
