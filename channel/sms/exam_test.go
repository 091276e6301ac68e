package sms

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/channeltest"
	"holdfast/channel/sms/smpp"
	"holdfast/channel/sms/smsc"
)

const password = "s3cr3t-9"

func settings(addr, more string) string {
	host, port, _ := net.SplitHostPort(addr)
	return fmt.Sprintf(`{"via":"smpp","from":"+79990001122","region":"RU","smpp_host":%q,"smpp_port":%s,"smpp_security":"none","smpp_system_id":"desk",
		"smpp_password":%q,"smpp_rate":1000%s}`, host, port, password, more)
}

func start(t testing.TB, opt smsc.Options) *smsc.Centre {
	t.Helper()
	opt.SystemID, opt.Password = "desk", password
	c, err := smsc.Start("127.0.0.1:0", opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// listening runs the adapter's listener while f runs.
func listening(t testing.TB, s *channeltest.Seat, centre *smsc.Centre, f func() bool) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Adapter.(channel.Listener).Listen(ctx, s.Sink) }()
	defer func() { cancel(); <-done }()
	for until := time.Now().Add(10 * time.Second); !centre.Bound(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("nobody signs in")
		}
	}
	return f()
}

const long = "سلام، سفارش من هنوز نرسیده است. " // 32 letters

// bring is a customer's text that the centre brings each time it is asked.
func bring(text string) func(*testing.T, *channeltest.Seat) bool {
	var list []smpp.PDU
	return func(t *testing.T, s *channeltest.Seat) bool {
		centre := s.Fake.(*smsc.Centre)
		if list == nil {
			list = centre.Write("+989121234567", "+79990001122", text)
		}
		return listening(t, s, centre, func() bool {
			for _, p := range list {
				if centre.Hand(p) != nil {
					return false
				}
			}
			return true
		})
	}
}

func act(a smsc.Act) func(*testing.T, *channeltest.Seat) {
	return func(_ *testing.T, s *channeltest.Seat) { s.Fake.(*smsc.Centre).Next(a) }
}

func status(n smpp.Status) func(*testing.T, *channeltest.Seat) { return act(smsc.Act{Status: n}) }

var hello = channel.Outbound{To: holdfast.Address{Scheme: "tel", Value: "8 912 345-67-89"}, Text: "Ваш заказ в пути."}

func TestExam(t *testing.T) {
	nothing := func(t *testing.T, s *channeltest.Seat, _ channel.Sent) {
		if n := len(s.Fake.(*smsc.Centre).Parts()); n != 0 {
			t.Errorf("%d parts are at the centre", n)
		}
	}
	other := func(value, text string) channel.Outbound {
		return channel.Outbound{To: holdfast.Address{Scheme: "tel", Value: value}, Text: text}
	}
	channeltest.Exam{
		Kind: Kind(),
		Setup: func(t *testing.T, s *channeltest.Seat) string {
			c := start(t, smsc.Options{})
			s.Fake = c
			return settings(c.Addr(), `,"max_parts":3`)
		},
		Secrets: []string{password},
		Deliveries: []channeltest.Delivery{
			{Name: "a text", Give: bring("Where is my order? {€}"), Check: func(t *testing.T, _ *channeltest.Seat, m channel.Inbound) {
				if m.Text != "Where is my order? {€}" || m.From.Value != "+989121234567" || len(m.Marks) != 0 || m.To[0] != "+79990001122" {
					t.Errorf("%+v", m)
				}
			}},
			{Name: "a text in parts", Give: bring(strings.Repeat(long, 5)), Check: func(t *testing.T, _ *channeltest.Seat, m channel.Inbound) {
				if m.Text != strings.Repeat(long, 5) || len(m.Marks) != 0 {
					t.Errorf("%q %v", m.Text, m.Marks)
				}
			}},
			{Name: "an opt-out", Give: bring("СТОП!"), Check: func(t *testing.T, _ *channeltest.Seat, m channel.Inbound) {
				if m.Text != "СТОП!" || len(m.Marks) != 1 || m.Marks[0] != "opt_out" {
					t.Errorf("%+v", m)
				}
			}},
		},
		Sends: []channeltest.Send{
			{Name: "accepted", Message: hello, Check: func(t *testing.T, s *channeltest.Seat, sent channel.Sent) {
				p := s.Fake.(*smsc.Centre).Parts()
				if len(p) != 1 || p[0].Text != hello.Text || p[0].To != "79123456789" || p[0].From != "79990001122" || p[0].Coding != 8 ||
					p[0].ID != sent.ExternalID || sent.Delivered || p[0].Short.Registered != 1 || p[0].Short.Validity != "000002000000000R" {
					t.Errorf("the centre got %+v, the desk %+v", p, sent)
				}
			}},
			{Name: "in parts", Message: other("+79123456789", strings.Repeat("0123456789", 30)+"{€}"), Check: func(t *testing.T, s *channeltest.Seat, _ channel.Sent) {
				p := s.Fake.(*smsc.Centre).Parts()
				if len(p) != 2 || p[0].Text+p[1].Text != strings.Repeat("0123456789", 30)+"{€}" || p[0].Join.Total != 2 || p[1].Join.Number != 2 || p[0].Join.Ref != p[1].Join.Ref {
					t.Errorf("the centre got %+v", p)
				}
			}},
			{Name: "system error", Message: hello, Prepare: status(smpp.SystemError), Want: channel.Temporary, Check: nothing},
			{Name: "an unheard-of status", Message: hello, Prepare: status(0x4ff), Want: channel.Temporary, Check: nothing},
			{Name: "nobody there", Message: hello, Prepare: func(_ *testing.T, s *channeltest.Seat) { s.Fake.(*smsc.Centre).Close() }, Want: channel.Temporary},
			{Name: "let in by nobody now", Message: hello, Prepare: func(_ *testing.T, s *channeltest.Seat) { s.Fake.(*smsc.Centre).Refuse(smpp.SystemError) }, Want: channel.Temporary},
			{Name: "throttled", Message: hello, Prepare: status(smpp.Throttled), Want: channel.Throttled, Check: nothing},
			{Name: "queue full", Message: hello, Prepare: status(smpp.QueueFull), Want: channel.Throttled, Check: nothing},
			{Name: "refused", Message: hello, Prepare: status(smpp.Refused), Want: channel.Permanent, Check: nothing},
			{Name: "an e-mail address", Message: channel.Outbound{To: holdfast.Address{Scheme: "mailto", Value: "ana@example.org"}, Text: "x"}, Want: channel.Permanent, Check: nothing},
			{Name: "a name", Message: other("Sberbank", "x"), Want: channel.Permanent, Check: nothing},
			{Name: "empty", Message: other("+79123456789", " \r\n"), Want: channel.Permanent, Check: nothing},
			{Name: "too long", Message: other("+79123456789", strings.Repeat(long, 7)), Want: channel.Permanent, Check: nothing},
			{Name: "no such number", Message: hello, Prepare: status(smpp.InvalidDest), Want: channel.Blocked, Check: nothing},
			{Name: "sender not allowed", Message: hello, Prepare: status(0x0a), Want: channel.Broken, Check: nothing},
			{Name: "password changed", Message: hello, Prepare: func(_ *testing.T, s *channeltest.Seat) { s.Fake.(*smsc.Centre).Refuse(smpp.WrongPass) }, Want: channel.Broken},
			{Name: "hangs up before the answer", Message: hello, Prepare: act(smsc.Act{HangUp: true}), Want: channel.Unknown},
			{Name: "hangs up at once", Message: hello, Prepare: act(smsc.Act{Deaf: true}), Want: channel.Unknown},
			{Name: "never answers", Message: hello, Prepare: act(smsc.Act{Silent: true}), Timeout: 100 * time.Millisecond, Want: channel.Unknown},
			{Name: "answers rubbish", Message: hello, Prepare: act(smsc.Act{Garbage: true}), Want: channel.Unknown},
		},
		Malformed: malformed(),
		Feed:      feed,
	}.Run(t)
}

func malformed() [][]byte {
	short := smpp.Short{Source: smpp.Address{Value: "79123456789"}, Dest: smpp.Address{Value: "1"}, Message: []byte("hello")}
	plain := smpp.PDU{Command: smpp.DeliverSM, Seq: 1, Short: &short}
	joined := short
	joined.Class, joined.Message = smpp.ClassHeader, append([]byte{5, 0, 3, 7, 0, 9}, "x"...)
	headless := short
	headless.Class, headless.Message = smpp.ClassHeader, []byte{200, 0}
	receipt := short
	receipt.Class, receipt.Message = smpp.ClassReceipt, []byte("id: sub:x done date:9999999999 stat: err:")
	list := [][]byte{nil, {0}, {0, 0, 0, 16}, {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1}, plain.Append(nil)[:20], plain.Append(nil)}
	for _, s := range []smpp.Short{joined, headless, receipt} {
		list = append(list, (&smpp.PDU{Command: smpp.DeliverSM, Seq: 2, Short: &s, TLVs: []smpp.TLV{{Tag: smpp.SarRef, Value: []byte{1}}, {Tag: smpp.MessageState}}}).Append(nil))
	}
	return list
}

// feed is a centre that signs the desk in, says the bytes and hangs up.
func feed(t *testing.T, s *channeltest.Seat, raw []byte) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	kind := Kind()
	a, err := kind.New(s.Bench.Account(t, kind, settings(ln.Addr().String(), "")), s.Env)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.(channel.Listener).Listen(ctx, s.Sink) }()
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	p, err := smpp.Read(r)
	if err != nil {
		t.Fatal(err)
	}
	conn.Write((&smpp.PDU{Command: p.Command.Answer(), Seq: p.Seq}).Append(nil))
	conn.Write(raw)
	conn.(*net.TCPConn).CloseWrite()
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	for err == nil { // until it has answered what there was, and hung up
		_, err = smpp.Read(r)
	}
	conn.Close()
	cancel()
	<-done
}
