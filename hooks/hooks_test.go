package hooks_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/hooks"
	"holdfast/journal"
	"holdfast/store"
	"holdfast/store/storetest"
)

var ctx = context.Background()

// receiver is somebody's program behind a webhook, as a transport.
type receiver struct {
	mu     sync.Mutex
	got    []request
	answer func(n int, r request) (status int, err error) // n from 1; nil: 200
	delay  time.Duration
}

type request struct {
	at     time.Time
	url    string
	header http.Header
	body   []byte
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	one := request{time.Now(), req.URL.String(), req.Header, body}
	r.got = append(r.got, one)
	n, answer, delay := len(r.got), r.answer, r.delay
	r.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	status := 200
	if answer != nil {
		if status, err = answer(n, one); err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", Request: req,
		Header: http.Header{"Location": {"http://elsewhere.example/"}}, Body: io.NopCloser(strings.NewReader(strings.Repeat("x", 100_000)))}, nil
}

func (r *receiver) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]request(nil), r.got...)
}

type desk struct {
	t         *testing.T
	db        *store.DB
	journal   *journal.Journal
	hooks     *hooks.Hooks
	receiver  *receiver
	workspace holdfast.ID
	mu        sync.Mutex
	subs      []hooks.Subscription
	stop      func()
}

func newDesk(t *testing.T, kinds ...string) *desk {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(ctx, store.Options{Dir: t.TempDir(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, db: db, journal: journal.New(db, log), receiver: &receiver{}, workspace: holdfast.NewID(), stop: func() {}}
	d.subs = []hooks.Subscription{{ID: holdfast.NewID(), URL: "http://receiver.example/hook?key=hidden", Secret: "s3cret-of-the-hook", Kinds: kinds, Enabled: true}}
	if err := d.journal.Open(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.stop()
		db.Close()
	})
	d.starts()
	return d
}

func (d *desk) starts() {
	d.stop()
	run, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	d.hooks = hooks.New(d.journal, d.db, func(_ context.Context, ws holdfast.ID) ([]hooks.Subscription, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if ws != d.workspace {
			return nil, nil
		}
		return append([]hooks.Subscription(nil), d.subs...), nil
	}, &http.Client{Transport: d.receiver}, slog.New(slog.DiscardHandler))
	h := d.hooks
	go func() {
		defer close(done)
		h.Run(run)
	}()
	d.stop = func() { cancel(); <-done }
	synctest.Wait()
}

func (d *desk) change(f func(s *hooks.Subscription)) {
	d.mu.Lock()
	f(&d.subs[0])
	d.mu.Unlock()
	d.says(&holdfast.SetupChanged{What: "webhook", ID: d.subs[0].ID, Action: "changed"})
}

func (d *desk) says(b holdfast.Body) *holdfast.Entry { return d.saysIn(d.workspace, b) }

func (d *desk) saysIn(workspace holdfast.ID, b holdfast.Body) (e *holdfast.Entry) {
	d.t.Helper()
	_, err := d.journal.Do(ctx, journal.Command{Workspace: workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) (err error) {
		e, err = tx.Append(holdfast.NewID(), b)
		return err
	}})
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

func (d *desk) passes(t time.Duration) {
	if t > 0 {
		time.Sleep(t)
	}
	synctest.Wait()
}

func (d *desk) list(state string) []hooks.Delivery {
	d.t.Helper()
	list, err := d.hooks.List(ctx, d.workspace, d.subs[0].ID, state, 0, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

func TestAnEventIsPostedSignedAndOnlyToThoseWhoWantIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "message.*")
		e := d.says(&holdfast.MessageFailed{Message: holdfast.ID{7}, Code: "550", Reason: "no such person"})
		d.says(&holdfast.ConversationSubject{Subject: "secret plans"})
		d.saysIn(holdfast.NewID(), &holdfast.MessageFailed{Message: holdfast.ID{8}})
		d.passes(time.Minute)
		got := d.receiver.requests()
		if len(got) != 1 {
			t.Fatalf("%d requests, want 1", len(got))
		}
		r := got[0]
		if !hooks.Verify("s3cret-of-the-hook", r.header.Get("Holdfast-Signature"), r.at, time.Minute, r.body) {
			t.Errorf("signature %q does not hold", r.header.Get("Holdfast-Signature"))
		}
		for name, ok := range map[string]bool{
			"another secret": hooks.Verify("wrong", r.header.Get("Holdfast-Signature"), r.at, time.Minute, r.body),
			"another body":   hooks.Verify("s3cret-of-the-hook", r.header.Get("Holdfast-Signature"), r.at, time.Minute, append(r.body, ' ')),
			"an old one":     hooks.Verify("s3cret-of-the-hook", r.header.Get("Holdfast-Signature"), r.at.Add(time.Hour), time.Minute, r.body),
			"none":           hooks.Verify("s3cret-of-the-hook", "", r.at, time.Minute, r.body),
		} {
			if ok {
				t.Errorf("the signature holds for %s", name)
			}
		}
		var ev struct {
			ID        holdfast.ID
			LSN       holdfast.LSN
			Kind      holdfast.EntryKind
			At        time.Time
			Workspace holdfast.ID
			Subject   holdfast.ID
			Actor     holdfast.Actor
			Body      holdfast.MessageFailed
		}
		if err := json.Unmarshal(r.body, &ev); err != nil {
			t.Fatal(err)
		}
		if ev.ID.String() != r.header.Get("Holdfast-Event-Id") || ev.ID.IsZero() || ev.LSN != e.LSN || ev.Kind != "message.failed" || !ev.At.Equal(e.At) ||
			ev.Workspace != d.workspace || ev.Subject != e.Subject || ev.Actor != holdfast.System || ev.Body.Code != "550" {
			t.Errorf("event %s", r.body)
		}
		list := d.list("")
		if len(list) != 1 || list[0].State != "sent" || list[0].Status != 200 || list[0].Attempts != 1 {
			t.Errorf("deliveries %+v", list)
		}
		if list, _ := d.hooks.List(ctx, holdfast.NewID(), d.subs[0].ID, "", 0, 0); len(list) != 0 {
			t.Error("a stranger's workspace reads the deliveries")
		}
	})
}

func TestAReceiverThatIsAwayIsTriedForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "*")
		d.receiver.answer = func(int, request) (int, error) { return 503, nil }
		d.says(&holdfast.MessageFailed{Message: holdfast.ID{7}})
		d.passes(48 * time.Hour)
		got := d.receiver.requests()
		span := got[len(got)-1].at.Sub(got[0].at)
		if span < 19*time.Hour || span > 30*time.Hour || len(got) > 40 {
			t.Errorf("%d attempts over %v, want about a day", len(got), span)
		}
		for i := 2; i < len(got); i++ {
			if gap := got[i].at.Sub(got[i-1].at); gap < 8*time.Second || gap > 73*time.Minute {
				t.Errorf("attempt %d came after %v", i+1, gap)
			}
		}
		list := d.list("failed")
		if len(list) != 1 || list[0].Status != 503 || !strings.Contains(list[0].Error, "x") || len(list[0].Error) > 1200 {
			t.Fatalf("deliveries %+v", list)
		}
		// The receiver is repaired; somebody asks for it again.
		d.receiver.mu.Lock()
		d.receiver.answer = nil
		d.receiver.mu.Unlock()
		if err := d.hooks.Replay(ctx, holdfast.NewID(), list[0].ID); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("a stranger replays: %v", err)
		}
		if err := d.hooks.Replay(ctx, d.workspace, list[0].ID); err != nil {
			t.Fatal(err)
		}
		d.passes(0)
		again := d.receiver.requests()
		if len(again) != len(got)+1 || again[len(got)].header.Get("Holdfast-Event-Id") != got[0].header.Get("Holdfast-Event-Id") {
			t.Errorf("the replay is not the same event")
		}
		if list := d.list("sent"); len(list) != 1 {
			t.Errorf("deliveries %+v", d.list(""))
		}
	})
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "*")
		d.receiver.answer = func(int, request) (int, error) { return 302, nil }
		d.says(&holdfast.MessageFailed{Message: holdfast.ID{7}})
		d.passes(5 * time.Second)
		for _, r := range d.receiver.requests() {
			if strings.Contains(r.url, "elsewhere") {
				t.Fatal("the event went where the receiver pointed")
			}
		}
		if list := d.list("due"); len(list) != 1 || list[0].Status != 302 {
			t.Errorf("deliveries %+v", list)
		}
	})
}

func TestErrorsNeverShowTheAddressOrTheSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "*")
		d.receiver.answer = func(int, request) (int, error) { return 0, errors.New("connection refused") }
		d.says(&holdfast.MessageFailed{Message: holdfast.ID{7}})
		d.passes(time.Second)
		list := d.list("due")
		if len(list) != 1 || !strings.Contains(list[0].Error, "refused") || strings.Contains(list[0].Error, "hidden") || strings.Contains(list[0].Error, "s3cret") {
			t.Errorf("deliveries %+v", list)
		}
	})
}

func TestASlowReceiverDoesNotHoldUpAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "*")
		d.receiver.delay = time.Hour // the deadline ends it
		d.says(&holdfast.MessageFailed{Message: holdfast.ID{7}})
		d.passes(time.Second)
		d.mu.Lock()
		d.subs = append(d.subs, hooks.Subscription{ID: holdfast.NewID(), URL: "http://quick.example/", Secret: "other", Kinds: []string{"message.seen"}, Enabled: true})
		d.mu.Unlock()
		d.receiver.mu.Lock()
		d.receiver.delay = 0
		d.receiver.mu.Unlock()
		d.says(&holdfast.SetupChanged{What: "webhook", Action: "added"})
		d.says(&holdfast.MessageSeen{Message: holdfast.ID{7}})
		d.passes(time.Second)
		quick := 0
		for _, r := range d.receiver.requests() {
			if r.url == "http://quick.example/" {
				quick++
			}
		}
		if quick != 1 {
			t.Fatalf("the quick receiver got %d events while the slow one was waited for", quick)
		}
		d.passes(time.Minute)
		if list := d.list("sent"); len(list) != 3 {
			t.Errorf("the slow one got %d of 3 in the end", len(list))
		}
	})
}

func TestARestartPostsWhatWasLeftAndNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "*")
		for range 5 {
			d.says(&holdfast.MessageFailed{Message: holdfast.ID{7}})
		}
		d.passes(time.Second)
		d.stop()
		for range 5 {
			d.says(&holdfast.MessageFailed{Message: holdfast.ID{8}})
		}
		// As after a crash: the follower sees everything again.
		if err := d.db.Write(ctx, func(tx *store.Tx) error { return tx.Exec("UPDATE follower SET lsn = 0") }); err != nil {
			t.Fatal(err)
		}
		d.starts()
		d.passes(time.Minute)
		got := d.receiver.requests()
		ids := map[string]bool{}
		for _, r := range got {
			ids[r.header.Get("Holdfast-Event-Id")] = true
		}
		if len(got) != 10 || len(ids) != 10 {
			t.Errorf("%d requests about %d events, want 10 about 10", len(got), len(ids))
		}
	})
}

func TestWhatIsOffOrRemovedGetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "message.*")
		write := func(sql string, args ...any) {
			t.Helper()
			if err := d.db.Write(ctx, func(tx *store.Tx) error { return tx.Exec(sql, args...) }); err != nil {
				t.Fatal(err)
			}
		}
		write("INSERT INTO webhook (id, workspace, url, secret, kinds, created_at) VALUES ($1, $2, '', $3, $3, 0)", d.subs[0].ID, d.workspace, []byte("{}"))
		d.receiver.answer = func(int, request) (int, error) { return 500, nil }
		d.says(&holdfast.MessageFailed{Message: holdfast.ID{7}})
		d.passes(time.Second)
		d.change(func(s *hooks.Subscription) { s.Enabled = false })
		d.says(&holdfast.MessageFailed{Message: holdfast.ID{8}})
		d.passes(time.Hour)
		if n := len(d.receiver.requests()); n != 1 {
			t.Errorf("%d requests, want only the one before it was switched off", n)
		}
		if list := d.list("due"); len(list) != 1 || list[0].Error != "the webhook is switched off" {
			t.Errorf("deliveries %+v: it may be switched on again", list)
		}
		write("DELETE FROM webhook")
		d.change(func(s *hooks.Subscription) { s.ID = holdfast.NewID() })
		d.passes(2 * time.Hour)
		var state, reason string
		if err := d.db.QueryRow(ctx, "SELECT state, error FROM webhook_delivery").Scan(&state, &reason); err != nil {
			t.Fatal(err)
		}
		if state != "failed" || reason != "the webhook was removed" {
			t.Errorf("the delivery is %s: %s", state, reason)
		}
		if n := len(d.receiver.requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestAReceiverMayTakeItsTimeToChangeTheSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "*")
		d.subs[0].Former = []string{"the one before", "the one before that"}
		d.says(&holdfast.MessageFailed{Message: holdfast.ID{7}})
		d.passes(time.Minute)
		got := d.receiver.requests()
		if len(got) != 1 {
			t.Fatalf("%d requests, want 1", len(got))
		}
		header := got[0].header.Get("Holdfast-Signature")
		for _, secret := range []string{"s3cret-of-the-hook", "the one before", "the one before that"} {
			if !hooks.Verify(secret, header, got[0].at, time.Minute, got[0].body) {
				t.Errorf("%q does not hold for %q", header, secret)
			}
		}
		if hooks.Verify("another", header, got[0].at, time.Minute, got[0].body) || hooks.Verify("s3cret-of-the-hook", header, got[0].at, time.Minute, []byte("{}")) {
			t.Error("the signature holds for anything")
		}
		// A receiver that knows of one signature alone reads the first, the new secret's.
		if one, _, _ := strings.Cut(header[strings.Index(header, "v1="):], ","); one != header[strings.Index(header, "v1="):][:len("v1=")+64] || !hooks.Verify("s3cret-of-the-hook", header[:strings.Index(header, "v1=")]+one, got[0].at, time.Minute, got[0].body) {
			t.Errorf("the first signature of %q is not the new secret's", header)
		}
	})
}

// TestTheWayOutOnBothDatabases walks one event through every question that is
// asked of the database, in real time.
func TestTheWayOutOnBothDatabases(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		log := slog.New(slog.DiscardHandler)
		j := journal.New(db, log)
		if err := j.Open(ctx); err != nil {
			t.Fatal(err)
		}
		ws, webhook := holdfast.NewID(), holdfast.NewID()
		arrived := make(chan request, 4)
		r := &receiver{answer: func(_ int, r request) (int, error) { arrived <- r; return 200, nil }}
		h := hooks.New(j, db, func(context.Context, holdfast.ID) ([]hooks.Subscription, error) {
			return []hooks.Subscription{{ID: webhook, URL: "http://receiver.example/", Secret: "s", Kinds: []string{"*"}, Enabled: true}}, nil
		}, &http.Client{Transport: r}, log)
		run, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.Run(run)
		}()
		defer func() { cancel(); <-done }()
		say := func() {
			t.Helper()
			_, err := j.Do(ctx, journal.Command{Workspace: ws, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
				_, err := tx.Append(holdfast.NewID(), &holdfast.MessageFailed{Message: holdfast.ID{7}})
				return err
			}})
			if err != nil {
				t.Fatal(err)
			}
		}
		next := func() request {
			t.Helper()
			for {
				select {
				case r := <-arrived:
					return r
				case <-time.After(100 * time.Millisecond):
					say() // the follower begins where the journal ends; it may not have begun yet
				case <-time.After(20 * time.Second):
					t.Fatal("nothing arrives")
				}
			}
		}
		first := next()
		var list []hooks.Delivery
		for deadline := time.Now().Add(20 * time.Second); len(list) == 0; {
			var err error
			if list, err = h.List(ctx, ws, webhook, "sent", 0, 10); err != nil {
				t.Fatal(err)
			}
			if time.Now().After(deadline) {
				t.Fatal("the delivery is not on record as sent")
			}
		}
		id := first.header.Get("Holdfast-Event-Id")
		if err := h.Replay(ctx, ws, list[len(list)-1].ID); err != nil {
			t.Fatal(err)
		}
		for next().header.Get("Holdfast-Event-Id") != id {
		}
	})
}

func TestWhatAnotherRoomPostsIsSignedAndSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "message.*")
		event := holdfast.NewID()
		if err := d.hooks.Post(ctx, d.workspace, d.subs[0].ID, event, []byte(`{"kind":"plan.step"}`)); err != nil {
			t.Fatal(err)
		}
		d.passes(time.Hour)
		got := d.receiver.requests()
		if len(got) != 1 || got[0].header.Get("Holdfast-Event-Id") != event.String() ||
			!hooks.Verify("s3cret-of-the-hook", got[0].header.Get("Holdfast-Signature"), got[0].at, time.Minute, got[0].body) {
			t.Fatalf("%+v", got)
		}
		d.receiver.answer = func(int, request) (int, error) { return 503, nil }
		err := d.hooks.Post(ctx, d.workspace, d.subs[0].ID, event, nil)
		if holdfast.KindOf(err) != holdfast.Unavailable || strings.Contains(err.Error(), "hidden") {
			t.Errorf("a receiver that is away: %v", err)
		}
		if err := d.hooks.Post(ctx, d.workspace, holdfast.NewID(), event, nil); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("a webhook that is not there: %v", err)
		}
	})
}
