package channeltest_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/channeltest"
)

// faults are what an adapter may do wrong, and a word of what the exam must say about it.
var faults = map[string]string{
	"":               "",
	"eager":          "told that it was received",
	"random key":     "is 2 messages",
	"no key":         "neither a Key nor an ID",
	"deaf":           "was not acknowledged",
	"wrong scheme":   "want an address of scheme",
	"wrong reason":   `want "throttled"`,
	"plain error":    "no *channel.Failure",
	"silent failure": "does not tell the operator",
	"refuses":        `want ""`,
	"hangs":          "did not come back",
	"logs secret":    "the log shows the secret",
	"traces secret":  "the trace shows the secret",
	"tells secret":   "the failure shows the secret",
	"leaves":         "tried to leave this machine",
	"looks up":       "tried to leave this machine",
	"panics":         "panic",
	"untranslated":   "does not exist in fa",
	"not Russian":    "is not in that language",
	"plain password": "looks like a secret",
	"bad icon":       "holds a <script>",
	"no policy":      "is none",
	"missing send":   "no send shows the reason",
	"missing in":     "nothing comes in",
	"limits":         "contradict themselves",
}

func TestTheExamCatchesWhatIsWrong(t *testing.T) {
	for fault, want := range faults {
		t.Run("fault "+fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestSitting$", "-test.v")
			cmd.Env = append(os.Environ(), "CHANNELTEST_FAULT="+fault, "CHANNELTEST_SIT=1")
			out, err := cmd.CombinedOutput()
			switch {
			case want == "" && err != nil:
				t.Errorf("a sound adapter fails:\n%s", out)
			case want != "" && err == nil:
				t.Error("the exam passes it")
			case !strings.Contains(string(out), want):
				t.Errorf("the exam does not say %q:\n%s", want, out)
			}
		})
	}
}

type settings struct {
	Password channel.Secret `json:"password"`
}

type plain struct {
	Secret   channel.Secret `json:"secret"`
	Password string         `json:"password"`
}

type adapter struct {
	fault string
	set   *settings
	env   channel.Env
	n     int
}

func (a *adapter) Send(ctx context.Context, m channel.Outbound) (channel.Sent, error) {
	if a.fault != "traces secret" {
		m.Trace.Redact(string(a.set.Password))
	}
	m.Trace.Said("hello " + string(a.set.Password))
	fail := func(r channel.Reason) (channel.Sent, error) {
		return channel.Sent{}, &channel.Failure{Reason: r, Code: "1", Text: "The provider says no."}
	}
	switch a.fault {
	case "logs secret":
		a.env.Log.Info("signing in", "password", string(a.set.Password))
	case "leaves":
		if res, err := a.env.HTTP.Get("http://192.0.2.1/"); err == nil {
			res.Body.Close()
		}
	case "looks up":
		if res, err := http.Get("http://provider.invalid/"); err == nil {
			res.Body.Close()
		}
	case "refuses":
		return fail(channel.Temporary)
	case "plain error":
		if m.Text == "unknown" {
			return channel.Sent{}, fmt.Errorf("reset")
		}
	case "silent failure":
		return channel.Sent{}, &channel.Failure{Reason: channel.Reason(m.Text)}
	case "tells secret":
		if m.Text != "" {
			return channel.Sent{}, &channel.Failure{Reason: channel.Reason(m.Text), Text: "no " + string(a.set.Password)}
		}
	case "hangs":
		if m.Text == "unknown" {
			select {}
		}
	case "wrong reason":
		if m.Text == "throttled" {
			return fail(channel.Temporary)
		}
	}
	if m.Text != "" {
		return fail(channel.Reason(m.Text))
	}
	return channel.Sent{}, nil
}

func (a *adapter) give(s *channeltest.Seat) bool {
	a.n++
	m := channel.Inbound{Key: "k", From: holdfast.Address{Scheme: "fake", Value: "ana"}, Text: "hi"}
	switch a.fault {
	case "random key":
		m.Key = fmt.Sprint(a.n)
	case "no key":
		m.Key = ""
	case "wrong scheme":
		m.From.Scheme = "other"
	}
	_, err := s.Sink.Accept(context.Background(), m)
	return a.fault != "deaf" && (err == nil || a.fault == "eager")
}

// TestSitting is the exam under test; TestTheExamCatchesWhatIsWrong starts it
// once per fault, in a process of its own.
func TestSitting(t *testing.T) {
	if os.Getenv("CHANNELTEST_SIT") == "" {
		t.Skip("run by TestTheExamCatchesWhatIsWrong")
	}
	fault := os.Getenv("CHANNELTEST_FAULT")
	texts := channel.Texts{
		"en": {"title": "Fake", "about": "For the exam of the exam.", "password": "Password", "secret": "Secret"},
		"ru": {"title": "Подделка", "about": "Для проверки проверки.", "password": "Пароль", "secret": "Секрет"},
		"fa": {"title": "ساختگی", "about": "برای آزمودن آزمون.", "password": "گذرواژه", "secret": "راز"},
	}
	k := &channel.Kind{
		Name: "fake", Icon: `<svg viewBox="0 0 24 24"><path d="M0 0"/></svg>`, Texts: texts, Needs: holdfast.Local, Scheme: "fake",
		Settings: func() any { return &settings{} }, Resend: channel.ResendPark,
		New: func(acc channel.Account, env channel.Env) (channel.Adapter, error) {
			set, ok := acc.Settings.(*settings)
			if !ok {
				set = &settings{}
			}
			return &adapter{fault: fault, set: set, env: env}, nil
		},
	}
	if fault != "plain password" {
		for _, lang := range holdfast.Languages {
			delete(texts[lang], "secret")
		}
	}
	x := channeltest.Exam{
		Kind:    k,
		Setup:   func(*testing.T, *channeltest.Seat) string { return `{"password":"hunter-2-hunter"}` },
		Secrets: []string{"hunter-2-hunter"},
		Deliveries: []channeltest.Delivery{{Name: "one", Give: func(_ *testing.T, s *channeltest.Seat) bool {
			return s.Adapter.(*adapter).give(s)
		}}},
		Malformed: [][]byte{[]byte("abc"), []byte("{")},
		Feed: func(_ *testing.T, _ *channeltest.Seat, raw []byte) {
			if fault == "panics" && len(raw) > 0 && raw[0] == '{' {
				panic("boom")
			}
		},
	}
	for _, r := range []channel.Reason{"", channel.Temporary, channel.Throttled, channel.Permanent, channel.Blocked, channel.Broken, channel.Unknown} {
		if fault == "missing send" && r == channel.Blocked {
			continue
		}
		x.Sends = append(x.Sends, channeltest.Send{Name: "send " + string(r), Message: channel.Outbound{Text: string(r)}, Want: r, Timeout: 50 * time.Millisecond})
	}
	switch fault {
	case "untranslated":
		delete(texts["fa"], "about")
	case "not Russian":
		texts["ru"]["about"] = "For checks."
	case "plain password":
		k.Settings = func() any { return &plain{} }
	case "bad icon":
		k.Icon = `<svg viewBox="0 0 24 24"><script>x</script></svg>`
	case "no policy":
		k.Resend = ""
	case "missing in":
		x.Deliveries = nil
	case "limits":
		k.Limits.Attachments = 3
	}
	x.Run(t)
}

func TestBlobsStopAtTheLimitAndLoseThePath(t *testing.T) {
	var b channeltest.MemoryBlobs
	if _, _, err := b.Put(t.Context(), strings.NewReader("12345"), 4); holdfast.KindOf(err) != holdfast.TooLarge {
		t.Errorf("past the limit: %v", err)
	}
	a, err := b.Attach(t.Context(), `C:\temp\..\cat.png`, "text/plain", strings.NewReader("\x89PNG\r\n\x1a\n0000"))
	if err != nil || a.Name != "cat.png" || a.Type != "image/png" {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := b.Open(t.Context(), "none"); holdfast.KindOf(err) != holdfast.NotFound {
		t.Errorf("a blob that is not there: %v", err)
	}
}

func TestTheFeedShowsAPersonOnlyTheirOwn(t *testing.T) {
	var f channeltest.MemoryFeed
	ana, bo := holdfast.Address{Scheme: "fake", Value: "ana"}, holdfast.Address{Scheme: "fake", Value: "bo"}
	wake, cancel := f.Watch(ana)
	defer cancel()
	f.Add(bo, channel.Item{Text: "for bo"})
	select {
	case <-wake:
		t.Error("ana was woken for bo")
	default:
	}
	f.Add(ana, channel.Item{Text: "for ana"})
	<-wake
	list, err := f.Since(t.Context(), ana, 0, 10)
	if err != nil || len(list) != 1 || list[0].Text != "for ana" || list[0].N != 2 {
		t.Errorf("%+v, %v", list, err)
	}
}
