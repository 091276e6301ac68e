package sms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/channeltest"
	"holdfast/channel/sms/smpp"
	"holdfast/channel/sms/smsc"
)

// line is an account on a bench, with its centre.
type line struct {
	*channeltest.Bench
	t      *testing.T
	centre *smsc.Centre
	a      *adapter
	stop   func()
}

func newLine(t *testing.T, opt smsc.Options, more string) *line {
	l := &line{Bench: channeltest.TestEnv(t), t: t, centre: start(t, opt)}
	l.restart(more)
	t.Cleanup(func() { l.stop() })
	return l
}

// restart is the program ended and begun again, on the same state.
func (l *line) restart(more string) {
	if l.stop != nil {
		l.stop()
		l.until("the centre sees that the one before is gone", func() bool { return !l.centre.Bound() })
	}
	k := Kind()
	a, err := k.New(l.Account(l.t, k, settings(l.centre.Addr(), more)), l.Env)
	if err != nil {
		l.t.Fatal(err)
	}
	l.a = a.(*adapter)
	l.a.way.(*centre).first = 5 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.a.Listen(ctx, l.Sink)
	}()
	l.stop = func() { cancel(); <-done }
	l.until("somebody signs in", l.centre.Bound)
}

func (l *line) until(what string, f func() bool) {
	l.t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("it never came to this: %s\n%s", what, l.Logged())
		}
	}
}

func (l *line) send(id holdfast.ID, text string) (channel.Sent, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return l.a.Send(ctx, channel.Outbound{ID: id, To: holdfast.Address{Scheme: "tel", Value: "+79123456789"}, Text: text, Attempt: 1, Trace: &channel.Trace{}})
}

func (l *line) receipt(p smsc.Part, state, code string) {
	l.t.Helper()
	if err := l.centre.Receipt(p, state, code); err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) reported(want ...channel.Report) {
	l.t.Helper()
	have := l.Sink.Reports()
	if len(have) != len(want) {
		l.t.Fatalf("the desk heard %+v, want %+v", have, want)
	}
	for i := range want {
		if have[i].Message != want[i].Message || have[i].State != want[i].State || have[i].Code != want[i].Code {
			l.t.Errorf("the desk heard %+v, want %+v", have[i], want[i])
		}
	}
}

func TestReceiptsFindTheirText(t *testing.T) {
	for name, opt := range map[string]smsc.Options{"by id": {}, "by id in another base": {HexIDs: true}, "by our number": {EchoRef: true}} {
		t.Run(name, func(t *testing.T) {
			l := newLine(t, opt, "")
			one, many := holdfast.NewID(), holdfast.NewID()
			if _, err := l.send(one, "Готово"); err != nil {
				t.Fatal(err)
			}
			if _, err := l.send(many, strings.Repeat("Заказ ждёт вас. ", 8)); err != nil {
				t.Fatal(err)
			}
			l.restart("") // a receipt comes when it comes
			parts := l.centre.Parts()
			if len(parts) != 3 {
				t.Fatalf("%d parts", len(parts))
			}
			l.receipt(parts[2], "DELIVRD", "000")
			l.receipt(parts[2], "DELIVRD", "000")
			l.receipt(parts[1], "ENROUTE", "000")
			l.reported() // one part is not the text
			l.receipt(parts[0], "DELIVRD", "000")
			l.receipt(parts[1], "DELIVRD", "000")
			l.reported(channel.Report{Message: one, State: holdfast.Delivered}, channel.Report{Message: many, State: holdfast.Delivered})
			stranger := parts[0]
			stranger.ID, stranger.Ref = "987654321987", stranger.Ref+1
			l.receipt(stranger, "DELIVRD", "000")
			stranger = parts[0]
			stranger.To = "79990000000" // our number of the text, and somebody else's telephone
			stranger.ID = "55555"
			l.receipt(stranger, "DELIVRD", "000")
			if n := len(l.Sink.Reports()); n != 2 {
				t.Errorf("a stranger's receipt is told to the desk: %+v", l.Sink.Reports())
			}
		})
	}
}

func TestAFailedText(t *testing.T) {
	l := newLine(t, smsc.Options{}, "")
	id := holdfast.NewID()
	if _, err := l.send(id, "Готово"); err != nil {
		t.Fatal(err)
	}
	l.receipt(l.centre.Parts()[0], "UNDELIV", "021")
	l.reported(channel.Report{Message: id, State: holdfast.Failed, Code: "UNDELIV 021"})
}

// The connection breaks while a text is on its way: nobody knows, until a receipt does.
func TestAReceiptDecidesAboutAnUnknownText(t *testing.T) {
	l := newLine(t, smsc.Options{EchoRef: true}, "")
	id := holdfast.NewID()
	l.centre.Next(smsc.Act{HangUp: true})
	if _, err := l.send(id, "Готово"); channel.AsFailure(err).Reason != channel.Unknown {
		t.Fatalf("%v, want unknown", err)
	}
	l.restart("")
	l.reported()
	l.receipt(l.centre.Parts()[0], "DELIVRD", "000")
	l.reported(channel.Report{Message: id, State: holdfast.Delivered})
	if n := len(l.centre.Parts()); n != 1 {
		t.Errorf("it was sent %d times", n)
	}
}

// A text that got only halfway goes on where it stopped.
func TestHalfATextIsNotSentTwice(t *testing.T) {
	l := newLine(t, smsc.Options{}, "")
	id, text := holdfast.NewID(), strings.Repeat("Заказ ждёт вас. ", 12)
	l.centre.Next(smsc.Act{}, smsc.Act{Status: smpp.Throttled})
	if _, err := l.send(id, text); channel.AsFailure(err).Reason != channel.Throttled {
		t.Fatalf("%v, want throttled", err)
	}
	l.restart("")
	if _, err := l.send(id, text); err != nil {
		t.Fatal(err)
	}
	have := ""
	for _, p := range l.centre.Parts() {
		have += p.Text
		if p.Join.Ref != l.centre.Parts()[0].Join.Ref {
			t.Error("its parts do not belong together")
		}
	}
	if have != strings.TrimSpace(text) {
		t.Errorf("the centre has %q", have)
	}
	// Sent again on purpose, after the whole was taken, it goes as a whole.
	if _, err := l.send(id, text); err != nil || len(l.centre.Parts()) != 6 {
		t.Errorf("%v, %d parts", err, len(l.centre.Parts()))
	}
}

func TestThreeWaysOfLongTexts(t *testing.T) {
	text := strings.TrimSpace(strings.Repeat("Заказ ждёт вас. ", 12))
	for way, check := range map[string]func(smsc.Part) bool{
		"udh":     func(p smsc.Part) bool { return p.Short.Class == smpp.ClassHeader && p.Join.Total == 3 },
		"sar":     func(p smsc.Part) bool { return p.Short.Class == 0 && p.Join.Total == 3 },
		"payload": func(p smsc.Part) bool { return p.Payload && p.Join.Total == 0 },
	} {
		l := newLine(t, smsc.Options{Receipts: time.Millisecond}, `,"smpp_long":"`+way+`"`)
		id := holdfast.NewID()
		if _, err := l.send(id, text); err != nil {
			t.Fatal(way, err)
		}
		have := ""
		for _, p := range l.centre.Parts() {
			have += p.Text
			if !check(p) {
				t.Errorf("%s: %+v", way, p)
			}
		}
		if have != text {
			t.Errorf("%s: the centre has %q", way, have)
		}
		l.until("the receipt of "+way, func() bool { return len(l.Sink.Reports()) == 1 })
		l.reported(channel.Report{Message: id, State: holdfast.Delivered})
	}
}

func TestLatinOneCentres(t *testing.T) {
	l := newLine(t, smsc.Options{}, `,"smpp_letters":"latin1"`)
	for text, coding := range map[string]byte{"à la carte @ {5}": 3, "5 €": 8, "Δ": 8, "Да": 8} {
		if _, err := l.send(holdfast.NewID(), text); err != nil {
			t.Fatal(err)
		}
		p := l.centre.Parts()
		if last := p[len(p)-1]; last.Text != text || last.Coding != coding {
			t.Errorf("%q is %q in %d", text, last.Text, last.Coding)
		}
	}
}

func TestPartsOutOfOrderAndOverAReconnect(t *testing.T) {
	l := newLine(t, smsc.Options{}, "")
	text := strings.Repeat("سلام، سفارش من نرسید. ", 10)
	parts := l.centre.Write("+989121234567", "+79990001122", text)
	other := l.centre.Write("+989121234567", "+79990001122", "بله"+strings.Repeat("!", 70))
	hand := func(p smpp.PDU) {
		t.Helper()
		if err := l.centre.Hand(p); err != nil {
			t.Fatal(err)
		}
	}
	hand(parts[3])
	hand(other[1])
	hand(parts[1])
	hand(parts[1])
	l.restart("")
	hand(parts[0])
	hand(other[0])
	if n := len(l.Sink.Offered()); n != 1 {
		t.Fatalf("%d texts are in", n)
	}
	hand(parts[2])
	hand(parts[2]) // its acknowledgement was lost
	hand(parts[0])
	taken := l.Sink.Taken()
	if len(taken) != 2 || taken[1].Text != text || len(taken[1].Marks) != 0 {
		t.Errorf("the desk has %+v", taken)
	}
}

func TestAPartThatNeverComes(t *testing.T) {
	l := newLine(t, smsc.Options{}, "")
	now := time.Now()
	l.stop()
	l.Env.Now = func() time.Time { return now }
	l.restart("")
	parts := l.centre.Write("+989121234567", "+79990001122", strings.Repeat("0123456789", 70))
	for _, i := range []int{0, 3, 4} {
		if err := l.centre.Hand(parts[i]); err != nil {
			t.Fatal(err)
		}
	}
	in := l.a.inflow(l.Sink)
	now = now.Add(jointWait - time.Second)
	in.overdue(t.Context())
	if n := len(l.Sink.Offered()); n != 0 {
		t.Fatal("half a text is handed on before its time")
	}
	now = now.Add(2 * time.Second)
	in.overdue(t.Context())
	in.overdue(t.Context())
	taken := l.Sink.Taken()
	whole := strings.Repeat("0123456789", 70)
	if len(l.Sink.Offered()) != 1 || taken[0].Text != whole[:153]+"[…]"+whole[3*153:] || len(taken[0].Marks) != 1 || taken[0].Marks[0] != markIncomplete {
		t.Errorf("the desk has %+v", taken)
	}
}

// "Yes" twice is two texts; brought again by a new connection it is one.
func TestTheSameWordsTwice(t *testing.T) {
	l := newLine(t, smsc.Options{}, "")
	yes := func() {
		t.Helper()
		if err := l.centre.Deliver("+989121234567", "+79990001122", "بله"); err != nil {
			t.Fatal(err)
		}
	}
	yes()
	yes()
	if n := len(l.Sink.Taken()); n != 2 {
		t.Errorf("two texts are %d", n)
	}
	l.restart("")
	yes()
	if n := len(l.Sink.Taken()); n != 2 {
		t.Errorf("brought again they are %d", n)
	}
}

func TestItConnectsAgain(t *testing.T) {
	l := newLine(t, smsc.Options{}, "")
	if h := l.a.Health(); h.State != "up" {
		t.Errorf("%+v", h)
	}
	l.centre.Down(true)
	l.until("it is down", func() bool { return l.a.Health().State == "down" })
	if _, err := l.send(holdfast.NewID(), "x"); channel.AsFailure(err).Reason != channel.Temporary {
		t.Errorf("%v, want temporary", err)
	}
	l.centre.Down(false)
	l.until("it is up", func() bool { return l.a.Health().State == "up" && l.centre.Bound() })
	if _, err := l.send(holdfast.NewID(), "x"); err != nil {
		t.Error(err)
	}
	if n := l.centre.Binds(); n < 2 {
		t.Errorf("%d sign-ins", n)
	}
}

// A centre whose network has died without a word is found out.
func TestACentreThatFallsSilent(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			p, _ := smpp.Read(conn)
			conn.Write((&smpp.PDU{Command: p.Command.Answer(), Seq: p.Seq}).Append(nil))
		}
	}()
	d := dialer{addr: ln.Addr().String(), connect: time.Second, answer: 20 * time.Millisecond, idle: 20 * time.Millisecond, in: func(*session, smpp.PDU) {}}
	s, err := d.open(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.dead:
	case <-time.After(5 * time.Second):
		t.Fatal("it is still taken for alive")
	}
	if _, err := s.ask(t.Context(), smpp.PDU{Command: smpp.SubmitSM, Short: &smpp.Short{}}, time.Second); err == nil || !strings.Contains(err.Error(), "enquire_link") {
		t.Errorf("%v", err)
	}
}

func TestOverTLS(t *testing.T) {
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	defer web.Close()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: web.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	c := smsc.Serve(ln, smsc.Options{})
	defer c.Close()
	b := channeltest.TestEnv(t)
	k := Kind()
	a, err := k.New(b.Account(t, k, strings.Replace(settings(c.Addr(), ""), `"none"`, `"tls"`, 1)), b.Env)
	if err != nil {
		t.Fatal(err)
	}
	defer a.(*adapter).Close()
	m := channel.Outbound{ID: holdfast.NewID(), To: hello.To, Text: "x", Trace: &channel.Trace{}}
	if _, err := a.Send(t.Context(), m); channel.AsFailure(err).Reason != channel.Temporary || len(c.Parts()) != 0 {
		t.Fatalf("a certificate that nobody vouches for: %v", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	way := a.(*adapter).way.(*centre)
	way.dialer.tls.RootCAs, way.notBefore = roots, time.Time{}
	if _, err := a.Send(t.Context(), m); err != nil || len(c.Parts()) != 1 {
		t.Errorf("%v, %d parts", err, len(c.Parts()))
	}
}

func TestTryingTheConnection(t *testing.T) {
	l := newLine(t, smsc.Options{}, "")
	ok := func() (s string) {
		for _, c := range l.a.Test(t.Context()) {
			s += strings.TrimPrefix(c.Name, "check.") + map[bool]string{true: "+", false: "-"}[c.OK]
			if c.Text == "" || strings.Contains(c.Text, password) {
				t.Errorf("%+v", c)
			}
		}
		return s
	}
	if have := ok(); have != "connect+bind+answer+" {
		t.Error(have)
	}
	l.stop()
	l.until("it has gone", func() bool { return !l.centre.Bound() })
	l.centre.Refuse(smpp.WrongPass)
	if have := ok(); have != "connect+bind-" {
		t.Error(have)
	}
	l.centre.Close()
	if have := ok(); have != "connect-" {
		t.Error(have)
	}
}

// Never more wait for an answer than the contract allows.
func TestTheWindow(t *testing.T) {
	l := newLine(t, smsc.Options{}, `,"smpp_window":3`)
	for range 9 {
		l.centre.Next(smsc.Act{Silent: true})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	reasons := make(chan channel.Reason, 9)
	for range 9 {
		go func() {
			_, err := l.a.Send(ctx, channel.Outbound{ID: holdfast.NewID(), To: hello.To, Text: "x", Trace: &channel.Trace{}})
			reasons <- channel.AsFailure(err).Reason
		}()
	}
	count := map[channel.Reason]int{}
	for range 9 {
		count[<-reasons]++
	}
	if n := len(l.centre.Parts()); n != 3 || count[channel.Unknown] != 3 || count[channel.Temporary] != 6 {
		t.Errorf("%d were on their way at once: %v", n, count)
	}
}

func TestSettingsThatCannotWork(t *testing.T) {
	b := channeltest.TestEnv(t)
	k := Kind()
	for more, field := range map[string]string{`,"from":"Магазин"`: "from", `,"region":"XX"`: "region", `,"price":"a lot"`: "price", `,"currency":"rubles"`: "currency", `,"max_parts":99`: "max_parts",
		`,"smpp_port":70000`: "smpp_port", `,"smpp_host":"a b"`: "smpp_host", `,"smpp_password":"123456789"`: "smpp_password", `,"smpp_rate":0`: "smpp_rate", `,"smpp_window":0`: "smpp_window", `,"smpp_validity_hours":999`: "smpp_validity_hours"} {
		_, err := k.New(b.Account(t, k, settings("127.0.0.1:1", more)), b.Env)
		var e *holdfast.Error
		if !errors.As(err, &e) || e.Kind != holdfast.Invalid || e.Field != "settings."+field {
			t.Errorf("%s: %v", more, err)
		}
	}
}

func TestEveryStatusHasItsReason(t *testing.T) {
	for _, s := range smpp.Statuses() {
		f := refusal(s)
		if f.Reason == "" || f.Reason == channel.Unknown || f.Text == "" || f.Code != s.String() || strings.HasPrefix(f.Code, "0x") {
			t.Errorf("%s: %+v", s, f)
		}
	}
}

func withCancel(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(context.WithoutCancel(t.Context()))
}

// wrongPassword sends through an account that the centre does not know.
func (l *line) wrongPassword(port int) error {
	k := Kind()
	a, err := k.New(l.Account(l.t, k, strings.Replace(settings(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), ""), password, "wrong", 1)), l.Env)
	if err != nil {
		l.t.Fatal(err)
	}
	defer a.(*adapter).Close()
	_, err = a.Send(l.t.Context(), channel.Outbound{ID: holdfast.NewID(), To: hello.To, Text: "x", Trace: &channel.Trace{}})
	return err
}
