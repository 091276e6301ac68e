package demo_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/app"
	"holdfast/demo"
	"holdfast/desk"
	"holdfast/inbox"
	"holdfast/setup"
)

// running is a whole desk with its demo, on free ports.
type running struct {
	t    *testing.T
	app  *app.App
	demo *demo.Demo
	http *http.Client
	stop func()
}

func run(t *testing.T, dir string, fill bool) (*running, error) {
	t.Helper()
	a := app.New(app.Config{Listen: "127.0.0.1:0", Data: dir, AttachmentLimit: 1 << 20}, slog.New(slog.DiscardHandler))
	attach := demo.Attach
	if fill {
		attach = demo.Virtual
	}
	d := attach(a)
	if err := a.Open(ctx); err != nil {
		t.Fatal(err)
	}
	if err := d.Start(ctx, fill); err != nil {
		d.Close()
		a.Close()
		return nil, err
	}
	rctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Run(rctx) }()
	r := &running{t: t, app: a, demo: d}
	jar, _ := cookiejar.New(nil)
	r.http = &http.Client{Jar: jar, Timeout: 20 * time.Second}
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		r.http.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(r.stop)
	return r, nil
}

func mustRun(t *testing.T, dir string, fill bool) *running {
	t.Helper()
	r, err := run(t, dir, fill)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// get reads a page and fails unless it has the status.
func (r *running) get(path string, status int) string {
	r.t.Helper()
	res, err := r.http.Get("http://" + r.app.Addr() + path)
	return r.body(res, err, status)
}

func (r *running) body(res *http.Response, err error, status int) string {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	if res.StatusCode != status {
		r.t.Fatalf("%s gave %d: %.300s", res.Request.URL, res.StatusCode, b)
	}
	return string(b)
}

func (r *running) write(subject, text, to, answers string, status int) string {
	r.t.Helper()
	res, err := r.http.PostForm("http://"+r.app.Addr()+"/demo/mail", url.Values{"lang": {"en"}, "to": {to}, "subject": {subject}, "text": {text}, "answers": {answers}})
	return r.body(res, err, status)
}

// eventually waits for what takes a moment; it gives up after twenty seconds.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("it never came to this: %s", what)
}

func (r *running) workspace() demo.Result {
	r.t.Helper()
	list, err := r.app.Setup.Workspaces(ctx, access.System(holdfast.ID{}))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, w := range list {
		if w.Demo {
			return demo.Of(w.ID)
		}
	}
	r.t.Fatal("there is no demo workspace")
	return demo.Result{}
}

// ana finds Ana's conversation about something.
func (r *running) ana(subject string) *inbox.Item {
	r.t.Helper()
	items, _, err := r.app.Inbox.List(ctx, r.workspace().Workspace, inbox.Filter{View: inbox.All, Limit: 30})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, i := range items {
		if i.Subject == subject && i.Customer.Name == demo.CustomerName {
			return &i
		}
	}
	return nil
}

func (r *running) reply(conversation holdfast.ID, text string) holdfast.ID {
	r.t.Helper()
	res := r.workspace()
	by := desk.By{Workspace: res.Workspace, Operator: res.Administrator, Actor: holdfast.Actor{Kind: holdfast.ActorOperator, ID: res.Administrator}}
	m, err := r.app.Desk.Reply(ctx, by, conversation, desk.Reply{ID: holdfast.NewID(), Text: text})
	if err != nil {
		r.t.Fatal(err)
	}
	return m.ID
}

func (r *running) state(message holdfast.ID) holdfast.Delivery {
	m, err := r.app.Inbox.Message(ctx, r.workspace().Workspace, message)
	if err != nil || m.Delivery == nil {
		r.t.Fatal(m, err)
	}
	return m.Delivery.State
}

var letterLink = regexp.MustCompile(`href="/demo/mail/(\d+)`)

func TestAnaWritesAndIsAnswered(t *testing.T) {
	dir := t.TempDir()
	r := mustRun(t, dir, true)
	r.write("No light", "The light is off.\nCan you help? Привет, سلام", demo.SupportAddress, "", 200)
	eventually(t, "Ana's mail is a conversation", func() bool { return r.ana("No light") != nil })
	talk := r.ana("No light")
	r.reply(talk.ID, "Please press the <button> & wait.")

	var inboxPage string
	eventually(t, "the answer is in Ana's mailbox", func() bool {
		inboxPage = r.get("/demo/mail?lang=en", 200)
		return strings.Contains(inboxPage, "Re: No light")
	})
	link := letterLink.FindStringSubmatch(inboxPage)
	if link == nil || !strings.Contains(inboxPage, `class="unread"`) {
		t.Fatalf("the answer is no unread letter:\n%s", inboxPage)
	}
	page := r.get("/demo/mail/"+link[1]+"?lang=ru", 200)
	for _, want := range []string{"Please press the &lt;button&gt; &amp; wait.", "Ответить", `name="to" type="email" dir="ltr" value="support&#43;`} {
		if !strings.Contains(page, want) {
			t.Errorf("the letter's page lacks %q:\n%s", want, page)
		}
	}
	if again := r.get("/demo/mail?lang=en", 200); strings.Contains(again, `class="unread"`) {
		t.Error("a letter that was read is unread")
	}

	to := strings.ReplaceAll(regexp.MustCompile(`value="(support[^"]+)"`).FindStringSubmatch(page)[1], "&#43;", "+")
	r.write("Another subject", "It works, thank you!", to, link[1], 200)
	eventually(t, "Ana's answer joins her conversation", func() bool {
		i := r.ana("No light")
		return i != nil && strings.HasPrefix(i.Preview, "It works") && i.PreviewDir == "in"
	})
	if r.ana("Another subject") != nil {
		t.Error("the answer to an answer opened another conversation")
	}

	// The next start has other ports and an empty mailbox, and mail still comes in.
	r.stop()
	second := mustRun(t, dir, false)
	if strings.Contains(second.get("/demo/mail?lang=en", 200), "No light") {
		t.Error("the letters of the run before are still there")
	}
	second.write("After the restart", "Are you there?", demo.SupportAddress, "", 200)
	eventually(t, "mail comes in after a restart", func() bool { return second.ana("After the restart") != nil })
	sent := second.reply(second.ana("After the restart").ID, "Always.")
	eventually(t, "mail goes out after a restart", func() bool {
		return second.state(sent) == holdfast.Accepted && strings.Contains(second.get("/demo/mail?lang=en", 200), "Re: After the restart")
	})
}

func TestTheRunningDemo(t *testing.T) {
	dir := t.TempDir()
	r := mustRun(t, dir, true)
	t.Run("its pages speak three languages", func(t *testing.T) { pagesSpeak(t, r) })
	t.Run("its mail server carries nothing outside", func(t *testing.T) { nothingOutside(t, r) })
	t.Run("in a browser", func(t *testing.T) {
		tab, complaints := browser(t)
		t.Run("the answer appears by itself", func(t *testing.T) { answerAppears(t, r, tab) })
		t.Run("a letter half written is not lost", func(t *testing.T) { halfWritten(t, r, tab) })
		t.Run("the shop carries the chat", func(t *testing.T) { shopCarriesChat(t, r, tab) })
		if list := complaints(); len(list) > 0 {
			t.Errorf("the browser complains: %q", list)
		}
	})
	t.Run("a mailbox of one's own is not taken away", func(t *testing.T) { ownMailbox(t, r, dir) }) // ends it
}

func pagesSpeak(t *testing.T, r *running) {
	for lang, words := range map[string][]string{"en": {"Open the console", "Helen Morris"}, "ru": {"Открыть консоль", "оператор"}, "fa": {`dir="rtl"`, "باز کردن میز کار"}} {
		for _, path := range []string{"/demo/", "/demo/mail", "/demo/mail/write"} {
			page := r.get(path+"?lang="+lang, 200)
			if strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "&lt;no value") || strings.Contains(page, "<no value>") {
				t.Errorf("%s in %s has holes", path, lang)
			}
			if !strings.Contains(page, `lang="`+lang+`"`) {
				t.Errorf("%s does not speak %s", path, lang)
			}
		}
		index := r.get("/demo/?lang="+lang, 200)
		for _, w := range words {
			if !strings.Contains(index, w) {
				t.Errorf("the index in %s lacks %q", lang, w)
			}
		}
	}
	for _, path := range []string{"/demo/demo.css", "/demo/mail.js"} {
		r.get(path, 200)
	}
	if page := r.get("/demo?lang=fa", 200); !strings.Contains(page, `lang="fa"`) || !strings.Contains(page, "باز کردن میز کار") {
		t.Error("/demo without its slash is not the demo")
	}
	direct := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := direct.Get("http://" + r.app.Addr() + "/demo?lang=fa")
	r.body(res, err, 308)
	if to := res.Header.Get("Location"); to != "/demo/?lang=fa" {
		t.Errorf("/demo leads to %q", to)
	}
	r.get("/demo/mail/999", 404)
	r.get("/demo/pages.go", 404)
}

func nothingOutside(t *testing.T, r *running) {
	before := r.get("/demo/mail?box=sent&lang=en", 200)
	if page := r.write("Hello", "To the world.", "somebody@gmail.com", "", 422); !strings.Contains(page, "To the world.") {
		t.Error("what Ana wrote is lost when the server refuses it")
	}
	r.write("", "no subject", demo.SupportAddress, "", 422)
	r.write("No text", "  ", demo.SupportAddress, "", 422)
	r.write("Long", strings.Repeat("x", 20_001), demo.SupportAddress, "", 413)
	if r.get("/demo/mail?box=sent&lang=en", 200) != before {
		t.Error("a letter that was refused is among the sent ones")
	}
	req, err := http.NewRequest("POST", "http://"+r.app.Addr()+"/demo/mail", strings.NewReader("to=support@northline.example&subject=x&text=y"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://elsewhere.example")
	res, err := r.http.Do(req)
	r.body(res, err, 403)
}

func TestWithoutADemoThereIsNone(t *testing.T) {
	r := mustRun(t, t.TempDir(), false)
	for _, path := range []string{"/demo/", "/demo/mail", "/demo/shop", "/demo/mail/version"} {
		r.get(path, 404)
	}
	ws, operator, err := r.app.Demo(ctx)
	if err != nil || ws.IsZero() || operator.IsZero() {
		t.Fatal(ws, operator, err)
	}
	r.get("/demo/", 200)
	r.write("Filled while running", "Hello", demo.SupportAddress, "", 200)
	eventually(t, "mail comes into a demo that was filled while running", func() bool { return r.ana("Filled while running") != nil })
	if _, _, err := r.app.Demo(ctx); holdfast.CodeOf(err) != "setup.done" {
		t.Errorf("a second demo: %v", err)
	}
}

func TestADeskInUseIsNotFilled(t *testing.T) {
	dir := t.TempDir()
	r := mustRun(t, dir, false)
	if err := r.app.EnsureWorkspace(ctx); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.app.Demo(ctx); holdfast.CodeOf(err) != "setup.done" {
		t.Errorf("the start page filled a desk that is set up: %v", err)
	}
	list, err := r.app.Setup.Workspaces(ctx, access.System(holdfast.ID{}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.app.Guard.CreateOperator(ctx, access.System(list[0].ID), access.NewOperator{Email: "real@example.com", Name: "Real", Role: holdfast.Administrator})
	if err != nil {
		t.Fatal(err)
	}
	r.stop()
	if _, err := run(t, dir, true); holdfast.KindOf(err) != holdfast.Conflict {
		t.Errorf("imaginary customers in a real desk: %v", err)
	}
}

func TestADemoGoesBesideAnEmptyWorkspace(t *testing.T) {
	dir := t.TempDir()
	r := mustRun(t, dir, false)
	if err := r.app.EnsureWorkspace(ctx); err != nil { // "holdfast token create" came first
		t.Fatal(err)
	}
	r.stop()
	second := mustRun(t, dir, true)
	second.get("/demo/", 200)
}

func ownMailbox(t *testing.T, r *running, dir string) {
	res := r.workspace()
	_, err := r.app.Setup.ChangeChannel(ctx, access.System(res.Workspace), res.Mail, setup.ChannelChange{Settings: []byte(`{"address":"me@real.example","imap_host":"imap.real.example","smtp_host":"smtp.real.example"}`)})
	if err != nil {
		t.Fatal(err)
	}
	r.stop()
	second := mustRun(t, dir, false)
	v, err := second.app.Setup.Channel(ctx, res.Workspace, res.Mail)
	if err != nil || v.Settings["imap_host"] != "imap.real.example" {
		t.Errorf("the start changed it: %v %v", v.Settings, err)
	}
}
