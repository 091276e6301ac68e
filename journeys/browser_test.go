package journeys

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast"
)

// play runs a script in a real browser; its failure is the test's.
func play(t testing.TB, script string, env ...string) string {
	t.Helper()
	for _, need := range []struct{ path, why string }{{"../web/node_modules/playwright-core", "the browser's driver is not installed: run npm ci in web/"}, {"../web/dist/console/index.html", "the console is not built"}} {
		if _, err := os.Stat(need.path); err != nil {
			skip(t, need.why)
		}
	}
	if _, err := exec.LookPath("node"); err != nil {
		skip(t, "Node is not installed")
	}
	chromium := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && chromium == "" {
			chromium = path
		}
	}
	if chromium == "" {
		skip(t, "Chromium is not installed")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", script)
	cmd.WaitDelay = 5 * time.Second
	out := os.Getenv("HOLDFAST_TEST_PICTURES")
	cmd.Env = append(os.Environ(), append(env, "CHROMIUM="+chromium, "OUT="+out)...)
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, said)
	}
	t.Logf("%s", said)
	return string(said)
}

// TestHostileMailDoesNothing sends every hostile fixture as a mail, and opens them
// all in Chromium as an operator does.
func TestHostileMailDoesNothing(t *testing.T) {
	t.Parallel()
	var fixtures []struct{ Title, Payload string }
	if err := json.Unmarshal(read(t, filepath.Join(corpus(t, "html"), "dompurify-expect.json")), &fixtures); err != nil || len(fixtures) < 200 {
		t.Fatalf("%d fixtures, %v", len(fixtures), err)
	}
	// more than the corpus has: what tries to call home and what tries to leave
	for i, payload := range []string{
		`<img src="http://elsewhere.example/pixel.gif">`, `<img srcset="http://elsewhere.example/a.png 2x">`, `<div style="background:url(http://elsewhere.example/bg.png)">x</div>`,
		`<style>@import url(http://elsewhere.example/a.css);body{background:url(//elsewhere.example/b.png)}</style>`, `<link rel=stylesheet href=http://elsewhere.example/c.css>`,
		`<meta http-equiv=refresh content="0;url=http://elsewhere.example/">`, `<base href="http://elsewhere.example/"><img src="x.png">`, `<iframe src="http://elsewhere.example/"></iframe>`,
		`<video poster="http://elsewhere.example/p.png" src="http://elsewhere.example/v.mp4" autoplay></video><audio src="http://elsewhere.example/a.mp3" autoplay></audio>`,
		`<script>alert('script')</script><img src=x onerror=alert(1)>`, `<svg onload=alert(1)><use href="http://elsewhere.example/u.svg#a"/></svg>`, `<object data="http://elsewhere.example/o"></object><embed src="http://elsewhere.example/e">`,
		`<table background="http://elsewhere.example/t.png"><tr><td>x</td></tr></table>`, `<link rel=prefetch href=http://elsewhere.example/p><link rel=dns-prefetch href=//elsewhere.example>`,
		`<form action="http://elsewhere.example/" id=f><button autofocus onfocus=alert(1)>x</button></form>`, `<a href="javascript:alert(1)" ping="http://elsewhere.example/ping">x</a>`,
	} {
		fixtures = append(fixtures, struct{ Title, Payload string }{fmt.Sprint("calling home ", i), payload})
	}
	h := open(t, t.TempDir())
	h.mailbox("help@desk.example", "")
	admin := h.newOperator(h.workspace, holdfast.Administrator, "admin@desk.example")
	line := dial(t, h.smtp)
	type mail struct {
		Title   string      `json:"title"`
		Payload string      `json:"payload"`
		Cleaned string      `json:"cleaned"`
		Message holdfast.ID `json:"message"`
	}
	var mails []mail
	for i, f := range fixtures {
		var body bytes.Buffer
		e := base64.NewEncoder(base64.StdEncoding, wrap{&body})
		e.Write([]byte(f.Payload))
		e.Close()
		line.send("help@desk.example", fmt.Appendf(nil, "From: Eve %d <eve%d@customer.example>\r\nSubject: Hostile %d\r\nMessage-ID: <hostile-%d@customer.example>\r\nMIME-Version: 1.0\r\n"+
			"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nplain\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n--b--\r\n", i, i, i, i, body.Bytes()))
		mails = append(mails, mail{Title: fmt.Sprintf("%d %s", i, f.Title), Payload: f.Payload})
	}
	for _, c := range all[struct{ ID, Subject string }](h, "/conversations?view=all") {
		i := number(strings.TrimPrefix(c.Subject, "Hostile "))
		id, err := holdfast.ParseID(c.ID)
		if err != nil {
			t.Fatal(err)
		}
		m := h.messages(id)[0]
		page := string(h.must("GET", "/messages/"+m.ID.String()+"/html", nil, nil).body)
		_, cleaned, _ := strings.Cut(page, "<body>")
		cleaned, _, _ = strings.Cut(cleaned, "</body>")
		mails[i].Message, mails[i].Cleaned = m.ID, cleaned
	}
	with := 0
	for i, m := range mails {
		if m.Message.IsZero() {
			t.Fatalf("the mail %d is not there", i)
		}
		if m.Cleaned != "" {
			with++
		}
	}
	if with < 100 {
		t.Errorf("only %d mails have anything left to show", with)
	}
	file := filepath.Join(t.TempDir(), "mails.json")
	b, err := json.Marshal(mails)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	play(t, "hostile.mjs", "HOLDFAST_URL="+h.base, "HOLDFAST_LINK="+h.link(admin), "MAILS="+file)
}

// wrap breaks base64 into lines.
type wrap struct{ to *bytes.Buffer }

func (w wrap) Write(p []byte) (int, error) {
	for i := 0; i < len(p); i += 76 {
		w.to.Write(p[i:min(i+76, len(p))])
		w.to.WriteString("\r\n")
	}
	return len(p), nil
}

// TestTheConsolesJourney is the console's own script, at a desk with the demo in it.
func TestTheConsolesJourney(t *testing.T) {
	t.Parallel()
	h := openDemo(t)
	play(t, "../web/test/journey.mjs", "HOLDFAST_URL="+h.base, "HOLDFAST_LINK="+h.link(h.newOperator(h.workspace, holdfast.Administrator, "walker@desk.example")))
}
