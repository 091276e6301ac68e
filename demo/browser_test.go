package demo_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"

	"holdfast/demo"
	"holdfast/web"
)

// browser opens a Chromium that reports what it refuses to do.
func browser(t *testing.T) (tab context.Context, complaints func() []string) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("HOLDFAST_TEST_REQUIRE") == "all" {
			t.Fatal("Chromium is not installed, and all tests are required")
		}
		t.Skip("Chromium is not installed")
	}
	alloc, stop := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)...)
	t.Cleanup(stop)
	tab, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	tab, cancel = context.WithTimeout(tab, 90*time.Second)
	t.Cleanup(cancel)
	var mu sync.Mutex
	var list []string
	err = chromedp.Listen(tab, func(event any) {
		if e, ok := event.(*cdplog.EventEntryAdded); ok && e.Entry.Level == cdplog.EntryLevelError {
			mu.Lock()
			list = append(list, e.Entry.Text+" "+e.Entry.URL)
			mu.Unlock()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return tab, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return list
	}
}

func answerAppears(t *testing.T, r *running, tab context.Context) {
	at := "http://" + r.app.Addr()
	err := chromedp.Do(tab,
		chromedp.Navigate(at+"/demo/mail/write?lang=en"),
		chromedp.SendKeys(chromedp.CSS(`input[name=subject]`), "From a browser"),
		chromedp.SendKeys(chromedp.CSS(`textarea[name=text]`), "Is anybody there?"),
		chromedp.Click(chromedp.CSS(`form .button`)),
		chromedp.WaitVisible(chromedp.CSS(`.done`)),
		chromedp.Navigate(at+"/demo/mail?lang=en"),
		chromedp.WaitVisible(chromedp.CSS(`.empty`)),
	)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the mail is a conversation", func() bool { return r.ana("From a browser") != nil })
	r.reply(r.ana("From a browser").ID, "We are.")
	if err := chromedp.Do(tab, chromedp.WaitVisible(chromedp.CSS(`.letters .unread`))); err != nil {
		t.Fatalf("the answer did not appear: %v", err)
	}
	title, err := chromedp.Run(tab, chromedp.Title())
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(tab, chromedp.Navigate(at+"/demo/?lang=fa"), chromedp.WaitVisible(chromedp.CSS(`.doors`))); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(title, "(1)") {
		t.Errorf("the tab does not tell of the letter: %q", title)
	}
}

func halfWritten(t *testing.T, r *running, tab context.Context) {
	err := chromedp.Do(tab,
		chromedp.Navigate("http://"+r.app.Addr()+"/demo/mail/write?lang=en"),
		chromedp.SendKeys(chromedp.CSS(`textarea[name=text]`), "I have just begun"),
	)
	if err == nil {
		_, err = chromedp.Run(tab, chromedp.Evaluate[int](`window.looks = 0; new PerformanceObserver(() => window.looks++).observe({type: 'resource'}); 0`))
	}
	if err != nil {
		t.Fatal(err)
	}
	r.write("News", "from another tab", demo.SupportAddress, "", 200)
	looks := 0
	eventually(t, "the page has looked twice", func() bool {
		looks, err = chromedp.Run(tab, chromedp.Evaluate[int](`window.looks ?? 99`))
		if err != nil {
			t.Fatal(err)
		}
		return looks >= 2
	})
	text, err := chromedp.Run(tab, chromedp.Value(chromedp.CSS(`textarea[name=text]`)))
	if err != nil || text != "I have just begun" || looks == 99 {
		t.Errorf("the letter was lost: %q %v", text, err)
	}
}

func shopCarriesChat(t *testing.T, r *running, tab context.Context) {
	if _, err := web.Files().Open("widget/widget.js"); err != nil {
		t.Skip("the widget is not built into this binary: run make with Node installed")
	}
	if page := r.get("/demo/shop", 200); !strings.Contains(page, r.workspace().Chat.String()) || strings.Contains(page, "{{") {
		t.Fatal("the shop's page does not name the demo's chat")
	}
	err := chromedp.Do(tab, chromedp.Navigate("http://"+r.app.Addr()+"/demo/shop?lang=ru"), chromedp.WaitVisible(chromedp.CSS(`.plans li`)))
	if err == nil {
		_, err = chromedp.Run(tab, chromedp.Poll[bool](`!!(window.holdfast && window.holdfast.open)`))
	}
	if err == nil {
		err = chromedp.Do(tab, chromedp.Click(chromedp.CSS(`.talk`)))
	}
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // for what the opened chat loads
}
