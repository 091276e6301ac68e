package journeys

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/hooks"
)

// receiver is another program that takes webhooks.
type receiver struct {
	url string

	mu     sync.Mutex
	events []received
	refuse int // answer this many with 500 first
}

type received struct {
	id, signature string
	body          []byte
	taken         bool
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	r.url = s.URL
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	b, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.refuse == 0
	if !taken {
		r.refuse--
		w.WriteHeader(http.StatusInternalServerError)
	}
	r.events = append(r.events, received{q.Header.Get("Holdfast-Event-Id"), q.Header.Get("Holdfast-Signature"), b, taken})
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.events...)
}

func (r *receiver) has(n int) bool { return len(r.all()) >= n }

func TestWebhooksAreSignedAndComeAtLeastOnceAndAgain(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	r := newReceiver(t)
	var hook struct {
		ID     holdfast.ID
		Secret string
	}
	id := holdfast.NewID()
	h.must("POST", "/webhooks", map[string]any{"id": id, "url": r.url, "kinds": []string{"message.received"}}, &hook)
	if hook.ID != id || hook.Secret == "" {
		t.Fatalf("the new webhook is %+v", hook)
	}
	var again struct{ ID holdfast.ID }
	if h.must("POST", "/webhooks", map[string]any{"id": id, "url": r.url, "kinds": []string{"message.received"}}, &again); again.ID != id {
		t.Errorf("the same webhook once more is %v", again.ID)
	}
	h.mailbox("help@desk.example", "")
	line := dial(t, h.smtp)
	const n = 20
	for i := range n {
		line.send("help@desk.example", goodMail(i, fmt.Sprintf("Event %d", i)))
	}
	h.until("the events arrive", func() bool { return r.has(n) })
	texts, ids := map[string]int{}, map[string]bool{}
	for _, e := range r.all() {
		if !hooks.Verify(hook.Secret, e.signature, time.Now(), time.Minute, e.body) {
			t.Errorf("the signature %q does not fit", e.signature)
		}
		if hooks.Verify(hook.Secret, e.signature, time.Now(), time.Minute, append([]byte(" "), e.body...)) {
			t.Error("the signature fits another body")
		}
		var v struct {
			ID, Workspace holdfast.ID
			Kind          string
			Body          struct{ Text string }
		}
		if err := json.Unmarshal(e.body, &v); err != nil || v.Kind != "message.received" || v.Workspace != h.workspace || v.ID.String() != e.id {
			t.Errorf("%s: %v", e.body, err)
		}
		texts[v.Body.Text]++
		ids[e.id] = true
	}
	if len(texts) != n || len(ids) != n || len(r.all()) != n {
		t.Errorf("%d requests told of %d messages with %d ids, want %d of each", len(r.all()), len(texts), len(ids), n)
	}

	// a receiver that is down for a moment is told later, and says so itself by replay
	r.mu.Lock()
	r.refuse = 1
	r.mu.Unlock()
	line.send("help@desk.example", goodMail(n, "Event that fails"))
	h.until("the refusal is on record", func() bool {
		d := h.deliveries(id)
		return len(d) == n+1 && d[0].Attempts == 1 && d[0].Status == 500
	})
	failed := h.deliveries(id)[0]
	if failed.State != "due" || failed.DueAt.IsZero() {
		t.Errorf("a delivery that was refused is %+v: it must be tried again", failed)
	}
	h.must("POST", "/webhook-deliveries/"+failed.ID+"/replay", nil, nil)
	h.until("it is delivered", func() bool { return r.has(n+2) && h.deliveries(id)[0].State == "sent" })
	h.must("POST", "/webhook-deliveries/"+failed.ID+"/replay", nil, nil)
	h.until("it is delivered once more", func() bool { return r.has(n + 3) })
	same := r.all()[n:]
	for _, e := range same {
		if e.id != same[0].id || string(e.body) != string(same[0].body) {
			t.Errorf("the attempts of one event differ: %s %s", e.id, e.body)
		}
	}
}

// A receiver changes to the new secret when it has the time: until then both sign.
func TestAWebhooksOldSecretGoesOnForAWhile(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	r := newReceiver(t)
	var old, fresh struct {
		ID     holdfast.ID
		Secret string
	}
	h.must("POST", "/webhooks", map[string]any{"id": holdfast.NewID(), "url": r.url, "kinds": []string{"message.received"}}, &old)
	h.must("POST", "/webhooks/"+old.ID.String()+"/secret", nil, &fresh)
	if fresh.ID != old.ID || fresh.Secret == "" || fresh.Secret == old.Secret {
		t.Fatal("the webhook got no new secret")
	}
	h.mailbox("help@desk.example", "")
	dial(t, h.smtp).send("help@desk.example", goodMail(1, "After the change"))
	h.until("the event arrives", func() bool { return r.has(1) })
	e := r.all()[0]
	for name, secret := range map[string]string{"the new secret": fresh.Secret, "the old secret": old.Secret} {
		if !hooks.Verify(secret, e.signature, time.Now(), time.Minute, e.body) {
			t.Errorf("%s does not fit %q", name, e.signature)
		}
	}
}

type webhookDelivery struct {
	ID, State        string
	Attempts, Status int
	DueAt            time.Time `json:"due_at"`
}

func (h *house) deliveries(webhook holdfast.ID) []webhookDelivery {
	h.t.Helper()
	return all[webhookDelivery](h, "/webhooks/"+webhook.String()+"/deliveries?")
}
