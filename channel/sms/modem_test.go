//go:build linux

package sms

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/channeltest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// onModem is an adapter whose SIM is in m. change edits the settings' JSON.
func onModem(t *testing.T, b *channeltest.Bench, m *fakeModem, more string) *adapter {
	t.Helper()
	k := Kind()
	a, err := k.New(b.Account(t, k, fmt.Sprintf(`{"via":"modem","modem_port":%q,"modem_rate":60,"region":"RU"%s}`, m.path, more)), b.Env)
	if err != nil {
		t.Fatal(err)
	}
	a.(*adapter).way.(*modem).pace.SetLimit(rate.Inf)
	return a.(*adapter)
}

func outbound(id byte, text string) channel.Outbound {
	return channel.Outbound{ID: holdfast.ID{1, id}, To: holdfast.Address{Scheme: "tel", Value: "+79161234567"}, Text: text, Attempt: 1, Trace: &channel.Trace{}}
}

func send(t *testing.T, a *adapter, m channel.Outbound) (channel.Sent, *channel.Failure) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := a.Send(ctx, m)
	if err != nil {
		return s, channel.AsFailure(err)
	}
	return s, nil
}

// listen runs the adapter's listener until the test ends or stop is called.
func listen(t *testing.T, a *adapter, sink channel.Sink) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); a.Listen(ctx, sink) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("%s: it never came to that", what)
}

func TestModemSendsInPDUMode(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t, func(m *fakeModem) {
		m.echo = true
		m.noise = "^RSSI:18\r\n\r\nRING"
	})
	a := onModem(t, b, m, "")
	msg := outbound(1, "Ваш заказ готов. "+strings.Repeat("Приходите! ", 9))
	sent, f := send(t, a, msg)
	if f != nil {
		t.Fatal(f, "\n", string(msg.Trace.JSON()))
	}
	pdus := m.pdus()
	if len(pdus) != 2 || sent.ExternalID != "41" {
		t.Fatalf("%d parts, %+v", len(pdus), sent)
	}
	whole := ""
	for i, pdu := range pdus {
		s := submitted(t, pdu)
		if s.FirstOctet&0x04 == 0 || s.FirstOctet&0x20 == 0 {
			t.Errorf("part %d asks neither to reject a double nor for a report: %02x", i, byte(s.FirstOctet))
		}
		if s.DA.Number() != "+79161234567" || s.DCS != 8 {
			t.Errorf("to %s in %v", s.DA.Number(), s.DCS)
		}
		if total, n, _, ok := s.ConcatInfo(); !ok || total != 2 || n != i+1 {
			t.Errorf("part %d is %d of %d", i, n, total)
		}
		whole += submittedText(t, pdu)
	}
	if whole != strings.TrimRight(msg.Text, " ") {
		t.Errorf("sent %q", whole)
	}
	if trace := string(msg.Trace.JSON()); !strings.Contains(trace, "AT+CMGS=") || !strings.Contains(trace, "+CMGS: 42") {
		t.Errorf("the trace tells %s", trace)
	}
}

func TestModemWritesShortNumbersAsTheyAre(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t)
	a := onModem(t, b, m, "")
	msg := outbound(1, "Hello {you}")
	msg.To.Value = "0500"
	if _, f := send(t, a, msg); f != nil {
		t.Fatal(f)
	}
	s := submitted(t, m.pdus()[0])
	if s.DA.Addr != "0500" || s.DA.TOA != 0x81 || submittedText(t, m.pdus()[0]) != "Hello {you}" {
		t.Errorf("%+v", s.DA)
	}
}

// What went before a break is not sent again, and what is sent again is known again.
func TestModemGoesOnWhereItBroke(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t, func(m *fakeModem) {
		m.onPDU = func(n int, _ string) string {
			if n == 2 {
				return "+CMS ERROR: 331"
			}
			return fmt.Sprintf("+CMGS: %d\r\n\r\nOK", 100+n)
		}
	})
	msg := outbound(9, strings.Repeat("one two three four ", 20))
	if _, f := send(t, onModem(t, b, m, ""), msg); f == nil || f.Reason != channel.Temporary {
		t.Fatalf("%v", f)
	}
	before := m.pdus()
	msg.Attempt = 2
	if _, f := send(t, onModem(t, b, m, ""), msg); f != nil { // another process, the same state
		t.Fatal(f)
	}
	after := m.pdus()[len(before):]
	if len(before) != 2 || len(after) != 2 || after[0] != before[1] {
		t.Fatalf("%d parts before, %d after; the second one is the same: %v", len(before), len(after), after[0] == before[1])
	}
	// Sent as a whole once more, as an operator may ask: all parts, with their old references.
	if _, f := send(t, onModem(t, b, m, ""), msg); f != nil {
		t.Fatal(f)
	}
	again := m.pdus()[4:]
	if len(again) != 3 || again[0] != before[0] || again[1] != before[1] || again[2] != after[1] {
		t.Errorf("a repetition has other references, or %d parts", len(again))
	}
}

func TestModemFailures(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer string
		want   channel.Reason
	}{
		{"no network", "+CMS ERROR: 331", channel.Temporary},
		{"congestion", "+CMS ERROR: 42", channel.Throttled},
		{"no such number", "+CMS ERROR: 1", channel.Permanent},
		{"barred", "+CMS ERROR: 196", channel.Blocked},
		{"no centre", "+CMS ERROR: 330", channel.Broken},
		{"network time-out", "+CMS ERROR: 332", channel.Unknown},
		{"unknown error", "+CMS ERROR: 500", channel.Unknown},
		{"ERROR and no more", "ERROR", channel.Unknown},
		{"the centre has it already", "+CMS ERROR: 197", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, m := channeltest.TestEnv(t), plugIn(t, func(m *fakeModem) { m.onPDU = func(int, string) string { return c.answer } })
			a := onModem(t, b, m, "")
			_, f := send(t, a, outbound(1, "hi"))
			if c.want == "" && f != nil || c.want != "" && (f == nil || f.Reason != c.want || f.Text == "") {
				t.Errorf("%v", f)
			}
			if a.Resend() != channel.ResendOnce || a.Needs() != holdfast.Local || !a.Single() {
				t.Error("the modem's own policy, reach or hold is not told")
			}
		})
	}
}

func TestModemThatNeverAnswersThePDU(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t, func(m *fakeModem) {
		m.onPDU = func(int, string) string { return "" }
	})
	a := onModem(t, b, m, "")
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	_, err := a.Send(ctx, outbound(1, "hi"))
	if f := channel.AsFailure(err); f.Reason != channel.Unknown {
		t.Errorf("%v", err)
	}
	// The answer that comes late is nobody's: the next text has its own.
	m.with(func() { m.onPDU = nil; m.mr = 70 })
	m.say("+CMGS: 9", "", "OK")
	if sent, f := send(t, a, outbound(2, "ho")); f != nil || sent.ExternalID != "71" {
		t.Errorf("%+v, %v", sent, f)
	}
}

func TestModemWithoutAPromptHasSurelySentNothing(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t, func(m *fakeModem) {
		m.answers["AT+CMGS="] = func(string) string { return "" }
	})
	a := onModem(t, b, m, "")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := a.Send(ctx, outbound(1, "hi"))
	if f := channel.AsFailure(err); f.Reason != channel.Temporary || len(m.pdus()) != 0 {
		t.Errorf("%v", err)
	}
}

func TestModemUnpluggedWhileSending(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t, func(m *fakeModem) {
		m.onPDU = func(int, string) string { m.unplug(); return "" }
	})
	a := onModem(t, b, m, "")
	if _, f := send(t, a, outbound(1, "hi")); f == nil || f.Reason != channel.Unknown {
		t.Errorf("%v", f)
	}
	if _, f := send(t, a, outbound(2, "hi")); f == nil || f.Reason != channel.Temporary || f.Code != "port" {
		t.Errorf("without a modem: %v", f)
	}
}

func TestModemPIN(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t, func(m *fakeModem) {
		m.pin, m.simState = "1234", "SIM PIN"
	})
	if _, f := send(t, onModem(t, b, m, ""), outbound(1, "hi")); f == nil || f.Reason != channel.Broken || f.Code != "pin_needed" {
		t.Errorf("without a PIN: %v", f)
	}
	// A wrong PIN costs one of three tries once, however often it is tried after.
	for range 3 {
		if _, f := send(t, onModem(t, b, m, `,"modem_pin":"9999"`), outbound(1, "hi")); f == nil || f.Reason != channel.Broken || f.Code != "pin_wrong" {
			t.Errorf("with a wrong PIN: %v", f)
		}
	}
	if n := m.commands("AT+CPIN="); n != 1 {
		t.Errorf("the SIM was asked %d times with a wrong PIN", n)
	}
	if _, f := send(t, onModem(t, b, m, `,"modem_pin":"1234"`), outbound(1, "hi")); f != nil {
		t.Errorf("with the right PIN: %v", f)
	}
	m.with(func() { m.simState = "SIM PUK" })
	if _, f := send(t, onModem(t, b, m, `,"modem_pin":"1234"`), outbound(1, "hi")); f == nil || f.Code != "puk" {
		t.Errorf("with a locked SIM: %v", f)
	}
	m.with(func() { m.simState = "none" })
	if _, f := send(t, onModem(t, b, m, ""), outbound(1, "hi")); f == nil || f.Code != "sim_missing" {
		t.Errorf("without a SIM: %v", f)
	}
	if strings.Contains(b.Logged(), "9999") || strings.Contains(b.Logged(), "1234") {
		t.Error("the log shows a PIN")
	}
}

func TestModemPace(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t)
	a := onModem(t, b, m, "")
	a.way.(*modem).pace = rate.NewLimiter(rate.Every(time.Minute/8), 1)
	if _, f := send(t, a, outbound(1, "first")); f != nil {
		t.Fatal(f)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := a.Send(ctx, outbound(2, "second"))
	f := channel.AsFailure(err)
	if f.Reason != channel.Throttled || f.RetryAfter < 5*time.Second || f.RetryAfter > 8*time.Second || len(m.pdus()) != 1 {
		t.Errorf("%v after %v; %d went", err, f.RetryAfter, len(m.pdus()))
	}
}

func TestModemBehindTCP(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go m.run(c)
		}
	}()
	m.path = "tcp://" + l.Addr().String()
	if _, f := send(t, onModem(t, b, m, ""), outbound(1, "hi")); f != nil || len(m.pdus()) != 1 {
		t.Fatal(f)
	}
}

func TestModemTakesIn(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t)
	stored := deliverPDUs(t, "+79161234567", "Ещё вчера", 0, noon)[0]
	m.store("SM", stored, false)
	m.store("ME", deliverPDUs(t, "+79161234567", "in the phone's memory", 0, noon)[0], false)
	a := onModem(t, b, m, "")
	listen(t, a, b.Sink)
	until(t, "what lay there at the start", func() bool { return len(b.Sink.Taken()) == 2 && m.left("SM") == 0 && m.left("ME") == 0 })

	// Announced, in parts, the last one first.
	parts := deliverPDUs(t, "+989121234567", strings.Repeat("سلام. سفارش من کجاست؟ ", 5), 7, noon.Add(time.Minute))
	for i := len(parts) - 1; i >= 0; i-- {
		m.store("SM", parts[i], true)
	}
	until(t, "a text in parts", func() bool { return len(b.Sink.Taken()) == 3 && m.left("SM") == 0 })
	got := b.Sink.Taken()[2]
	if got.From.Value != "+989121234567" || got.Text != strings.TrimSpace(strings.Repeat("سلام. سفارش من کجاست؟ ", 5)) && got.Text != strings.Repeat("سلام. سفارش من کجاست؟ ", 5) {
		t.Errorf("%+v", got)
	}

	// Handed over at once, not stored.
	flash := deliverPDUs(t, "+79167654321", "flash", 0, noon)[0]
	m.say("+CMT: ,30", flash)
	until(t, "a text handed over", func() bool { return len(b.Sink.Taken()) == 4 })

	// What is no text of a person is put aside, and does not fill the SIM.
	m.store("SM", "0791", true)
	until(t, "rubbish", func() bool { return len(b.Sink.Taken()) == 5 && m.left("SM") == 0 })
	if r := b.Sink.Taken()[4].Refuse; r == nil || r.Reason != "quarantined" {
		t.Errorf("rubbish is %+v", b.Sink.Taken()[4])
	}
	if h := a.Health(); h.State != "up" {
		t.Errorf("%+v", h)
	}
}

// The SIM keeps a text until the desk has it.
func TestModemDeletesOnlyWhatTheDeskHas(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t)
	b.Sink.Fail(holdfast.Errorf(holdfast.Unavailable, "store.unavailable", "away"))
	m.store("SM", deliverPDUs(t, "+79161234567", "Hello", 0, noon)[0], false)
	a := onModem(t, b, m, "")
	stop := listen(t, a, b.Sink)
	until(t, "an offer", func() bool { return len(b.Sink.Offered()) > 0 })
	stop()
	if m.left("SM") != 1 || m.commands("AT+CMGD") != 0 {
		t.Fatal("the SIM has forgotten what the desk has not got")
	}
	b.Sink.Fail(nil)
	listen(t, onModem(t, b, m, ""), b.Sink)
	until(t, "the second time", func() bool { return len(b.Sink.Taken()) == 1 && m.left("SM") == 0 })
}

func TestModemCannotDelete(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t, func(m *fakeModem) {
		m.answers["AT+CMGD="] = func(string) string { return "+CMS ERROR: 321" }
	})
	pdu := deliverPDUs(t, "+79161234567", "Hello", 0, noon)[0]
	m.store("SM", pdu, false)
	a := onModem(t, b, m, "")
	listen(t, a, b.Sink)
	until(t, "the text", func() bool { return len(b.Sink.Taken()) == 1 })
	m.say(`+CMTI: "SM",1`)
	until(t, "a second look", func() bool { return len(b.Sink.Offered()) >= 2 })
	if n := len(b.Sink.Taken()); n != 1 {
		t.Errorf("it came in %d times", n)
	}
}

func TestModemReports(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t)
	a := onModem(t, b, m, "")
	listen(t, a, b.Sink)
	long := outbound(3, strings.Repeat("one two three four ", 10))
	if _, f := send(t, a, long); f != nil {
		t.Fatal(f)
	}
	if _, f := send(t, a, outbound(4, "lost")); f != nil {
		t.Fatal(f)
	}
	m.say("+CDS: 26", reportPDU(t, 41, "+79161234567", 0x00))
	m.say("+CDS: 26", reportPDU(t, 41, "+79160000000", 0x00)) // of somebody else
	m.say("+CDS: 26", reportPDU(t, 42, "+79161234567", 0x20)) // it is still tried
	m.say("+CDS: 26", reportPDU(t, 43, "+79161234567", 0x46))
	until(t, "the failure", func() bool { return len(b.Sink.Reports()) > 0 })
	if r := b.Sink.Reports()[0]; len(b.Sink.Reports()) != 1 || r.Message != (holdfast.ID{1, 4}) || r.State != holdfast.Failed || r.Code != "TP-ST 46" {
		t.Fatalf("%+v", b.Sink.Reports())
	}
	m.store("SM", reportPDU(t, 42, "+79161234567", 0x00), false)
	m.say(`+CDSI: "SM",1`)
	until(t, "both parts there", func() bool { return len(b.Sink.Reports()) == 2 })
	if r := b.Sink.Reports()[1]; r.Message != long.ID || r.State != holdfast.Delivered {
		t.Errorf("%+v", r)
	}
}

func TestModemUnpluggedAndBack(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t)
	a := onModem(t, b, m, "")
	listen(t, a, b.Sink)
	until(t, "up", func() bool { return !a.Health().LastOK.IsZero() })
	m.unplug()
	until(t, "down", func() bool { return a.Health().State == "down" })
	m.store("SM", deliverPDUs(t, "+79161234567", "while you were away", 0, noon)[0], false)
	m.plug()
	until(t, "up again", func() bool { return a.Health().State == "up" && len(b.Sink.Taken()) == 1 })
	if _, f := send(t, a, outbound(1, "hi")); f != nil {
		t.Error(f)
	}
}

// A command that is never answered ends the conversation, and a new one begins.
func TestModemThatFallsSilent(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t)
	a := onModem(t, b, m, "")
	s, err := a.way.(*modem).acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.with(func() { m.answers["AT+CSQ"] = func(string) string { return "" } })
	if _, err := s.do(t.Context(), 100*time.Millisecond, "+CSQ", "+CSQ:"); err != errSilent {
		t.Errorf("%v", err)
	}
	if _, err := s.do(t.Context(), time.Second, "+CSCA?", "+CSCA:"); err != errGone {
		t.Errorf("the conversation goes on: %v", err)
	}
	m.with(func() { delete(m.answers, "AT+CSQ") })
	if _, f := send(t, a, outbound(1, "hi")); f != nil {
		t.Error(f)
	}
}

func TestModemHealth(t *testing.T) {
	for _, c := range []struct {
		name        string
		prepare     func(m *fakeModem)
		state, word string
	}{
		{"weak", func(m *fakeModem) { m.csq = 2 }, "degraded", "-109 dBm"},
		{"searching", func(m *fakeModem) { m.stat = 2 }, "down", "searching"},
		{"refused", func(m *fakeModem) { m.stat = 3 }, "down", "refuses"},
		{"LTE alone", func(m *fakeModem) {
			m.stat = 0
			m.answers["AT+CEREG?"] = func(string) string { return "+CEREG: 0,5\r\n\r\nOK" }
		}, "up", ""},
		{"nearly full", func(m *fakeModem) {
			m.room = 3
			for range 3 { // texts stored there to send, which are not ours to delete
				m.store("SM", "00", false)
			}
			m.answers["AT+CMGL=4"] = func(string) string { return "+CMGL: 1,2,,0\r\n00\r\n\r\nOK" }
		}, "degraded", "nearly full: 3 of 3"},
		{"no SIM", func(m *fakeModem) { m.simState = "none" }, "down", "no SIM"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, m := channeltest.TestEnv(t), plugIn(t, c.prepare)
			a := onModem(t, b, m, "")
			listen(t, a, b.Sink)
			until(t, c.state, func() bool {
				h := a.Health()
				return h.State == c.state && strings.Contains(h.Reason, c.word) && (c.state != "up" || !h.LastOK.IsZero())
			})
		})
	}
}

func TestModemTest(t *testing.T) {
	b, m := channeltest.TestEnv(t), plugIn(t, func(m *fakeModem) {
		m.ussd = `+CUSD: 0,"0411043004110430043B0430043D0441003A0020003100320033002E0034003500200440",72`
	})
	a := onModem(t, b, m, `,"modem_balance":"*100#"`)
	said := map[string]channel.Check{}
	for _, c := range a.Test(t.Context()) {
		said[strings.TrimPrefix(c.Name, "check.")] = c
	}
	for name, word := range map[string]string{"port": "E3372", "sim": "READY", "network": "Mega, Fon", "signal": "-73 dBm", "centre": "+79168999100", "storage": "SM: 0 / 10", "balance": "123.45"} {
		if c := said[name]; !c.OK || !strings.Contains(c.Text, word) {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if m.commands("AT+CMGS") != 0 {
		t.Error("a test has sent something")
	}
	m.with(func() { m.stat, m.csq, m.centre = 2, 1, ""; m.ussd = `+CUSD: 4` })
	for _, c := range a.Test(t.Context()) {
		if name := strings.TrimPrefix(c.Name, "check."); c.OK != (name == "port" || name == "sim" || name == "storage") {
			t.Errorf("%+v", c)
		}
	}
	m.unplug()
	if checks := a.Test(t.Context()); len(checks) != 1 || checks[0].Name != "check.port" || checks[0].OK {
		t.Errorf("without a modem: %+v", checks)
	}
}

func TestModemSettings(t *testing.T) {
	b := channeltest.TestEnv(t)
	k := Kind()
	for more, field := range map[string]string{
		`"modem_port":"http://x/"`:                         "modem_port",
		`"modem_port":"tcp://nohost"`:                      "modem_port",
		`"modem_port":"/dev/ttyUSB0","modem_baud":1`:       "modem_baud",
		`"modem_port":"/dev/ttyUSB0","modem_rate":600`:     "modem_rate",
		`"modem_port":"/dev/ttyUSB0","modem_pin":"12;AT"`:  "modem_pin",
		`"modem_port":"COM3","modem_balance":"*100#\";AT"`: "modem_balance",
		`"modem_port":"COM3","modem_centre":"x"`:           "modem_centre",
		`"modem_port":"COM3","modem_validity_hours":0`:     "modem_validity_hours",
	} {
		_, err := k.New(b.Account(t, k, `{"via":"modem",`+more+`}`), b.Env)
		if holdfast.KindOf(err) != holdfast.Invalid || faultField(err) != "settings."+field {
			t.Errorf("%s: %v (%s)", more, err, faultField(err))
		}
	}
}
