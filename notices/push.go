package notices

import (
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"

	"holdfast"
	"holdfast/store"
)

const (
	deviceMaximum = 20
	pushAttempts  = 6
	pushBatch     = 50
	pushAtOnce    = 8
	pushTime      = 20 * time.Second // one request
	pushLife      = time.Hour        // how long a push service may keep it, and we try
	keepPushes    = 24 * time.Hour   // against pushing an entry twice
)

// Device is one that takes pushes of an operator.
type Device struct {
	ID        holdfast.ID `json:"id"`
	Agent     string      `json:"agent"` // the browser, as it calls itself
	CreatedAt time.Time   `json:"created_at"`
	UsedAt    time.Time   `json:"used_at,omitzero"` // when a push was last taken
}

// Subscription is what a browser says of itself: its address at its maker's push
// service, and the keys that a push to it is encrypted by (base64url).
type Subscription struct {
	Endpoint string
	P256dh   string
	Auth     string
}

type pushKey struct{ public, private string }

func errSubscription() error {
	return holdfast.Errorf(holdfast.Invalid, "push.subscription_invalid", "this is not a device's subscription").
		WithNext("Turn pushes off and on again on this device.")
}

func (s *Subscription) check() error {
	u, err := url.Parse(s.Endpoint)
	if err != nil || u.Host == "" || u.User != nil || len(s.Endpoint) > 2000 || u.Scheme != "https" && u.Scheme != "http" {
		return errSubscription()
	}
	b64 := base64.RawURLEncoding
	point, err := b64.DecodeString(strings.TrimRight(s.P256dh, "="))
	if err != nil {
		return errSubscription()
	}
	if _, err := ecdh.P256().NewPublicKey(point); err != nil {
		return errSubscription()
	}
	if auth, err := b64.DecodeString(strings.TrimRight(s.Auth, "=")); err != nil || len(auth) != 16 {
		return errSubscription()
	}
	return nil
}

// keys are this installation's, made when they are first asked for.
func (n *Notices) keys(ctx context.Context) (*pushKey, error) {
	n.mu.Lock()
	k := n.key
	n.mu.Unlock()
	if k != nil {
		return k, nil
	}
	private, public, err := webpush.GenerateVAPIDKeys()
	if err != nil {
		return nil, err
	}
	var sealed []byte
	err = n.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Exec("INSERT INTO push_key (id, public, sealed) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING",
			public, n.seal.Seal("push key", holdfast.ID{}, []byte(private))); err != nil {
			return err
		}
		return tx.QueryRow("SELECT public, sealed FROM push_key WHERE id = 1").Scan(&public, &sealed)
	})
	if err != nil {
		return nil, err
	}
	plain, err := n.seal.Open("push key", holdfast.ID{}, sealed)
	if err != nil {
		return nil, err
	}
	k = &pushKey{public, string(plain)}
	n.mu.Lock()
	n.key = k
	n.mu.Unlock()
	return k, nil
}

// PublicKey is what a browser must know to subscribe, base64url.
func (n *Notices) PublicKey(ctx context.Context) (string, error) {
	k, err := n.keys(ctx)
	if err != nil {
		return "", err
	}
	return k.public, nil
}

// Subscribe adds a device of an operator, or brings it up to date. A device that
// another operator signs in on is theirs from then on. Errors: Invalid
// "push.subscription_invalid"; Conflict "push.too_many".
func (n *Notices) Subscribe(ctx context.Context, operator holdfast.ID, s Subscription, agent string) (Device, error) {
	if operator.IsZero() {
		return Device{}, errOperators()
	}
	if err := s.check(); err != nil {
		return Device{}, err
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return Device{}, err
	}
	if len(agent) > 300 {
		agent = agent[:300]
	}
	address := sha256.Sum256([]byte(s.Endpoint))
	var d Device
	err = n.db.Write(ctx, func(tx *store.Tx) error {
		d = Device{ID: holdfast.NewID(), Agent: store.Text(agent), CreatedAt: tx.Now}
		if err := tx.Exec("DELETE FROM push_subscription WHERE address = $1", address[:]); err != nil {
			return err
		}
		var have int
		if err := tx.QueryRow("SELECT COUNT(*) FROM push_subscription WHERE operator = $1", operator).Scan(&have); err != nil {
			return err
		}
		if have >= deviceMaximum {
			return holdfast.Errorf(holdfast.Conflict, "push.too_many", "there are %d devices already", have).WithNext("Remove one that you do not use.")
		}
		return tx.Exec("INSERT INTO push_subscription (id, operator, address, sealed, agent, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
			d.ID, operator, address[:], n.seal.Seal("push", d.ID, raw), d.Agent, tx.Now)
	})
	if err != nil {
		return Device{}, err
	}
	n.forgetNone()
	return d, nil
}

// Unsubscribe removes a device of an operator. NotFound for another's.
func (n *Notices) Unsubscribe(ctx context.Context, operator, device holdfast.ID) error {
	return n.db.Write(ctx, func(tx *store.Tx) error {
		gone, err := tx.ExecN("DELETE FROM push_subscription WHERE id = $1 AND operator = $2", device, operator)
		if err == nil && gone == 0 {
			err = holdfast.Errorf(holdfast.NotFound, "push.device_missing", "there is no such device")
		}
		return err
	})
}

// Devices lists those of an operator, the oldest first.
func (n *Notices) Devices(ctx context.Context, operator holdfast.ID) ([]Device, error) {
	return n.devices(ctx, operator)
}

func (n *Notices) devices(ctx context.Context, operator holdfast.ID) ([]Device, error) {
	rows, err := n.db.Query(ctx, "SELECT id, agent, created_at, used_at FROM push_subscription WHERE operator = $1 ORDER BY created_at, id", operator)
	list, err := store.Collect(rows, err, func(r *store.Rows, d *Device) error { return r.Scan(&d.ID, &d.Agent, &d.CreatedAt, &d.UsedAt) })
	if list == nil {
		list = []Device{}
	}
	return list, err
}

// Tried is how many devices a test reached.
type Tried struct {
	Sent   int `json:"sent"`
	Gone   int `json:"gone"`   // had unsubscribed and were forgotten
	Failed int `json:"failed"` // their push service was not reached or refused
}

// Test pushes to each device of an operator at once, quiet hours or not.
func (n *Notices) Test(ctx context.Context, workspace, operator holdfast.ID, language string) (Tried, error) {
	if operator.IsZero() {
		return Tried{}, errOperators()
	}
	var name string
	if err := n.db.QueryRow(ctx, "SELECT name FROM workspace WHERE id = $1", workspace).Scan(&name); err != nil {
		return Tried{}, err
	}
	devices, err := n.devices(ctx, operator)
	if err != nil {
		return Tried{}, err
	}
	raw, err := json.Marshal(payload{Kind: "test", Title: name, Body: n.text(language, "test"), Language: language, Workspace: workspace})
	if err != nil {
		return Tried{}, err
	}
	var t Tried
	for _, d := range devices {
		switch n.push(ctx, d.ID, "test", raw) {
		case taken:
			t.Sent++
		case gone:
			t.Gone++
		default:
			t.Failed++
		}
	}
	return t, nil
}

// outcome is what came of one push.
type outcome int

const (
	again   outcome = iota // surely or maybe not taken; the device shows one of several with the same topic
	taken                  // by the push service
	gone                   // the device has unsubscribed; it is forgotten
	refused                // for good
)

// push makes one request, and forgets a device that has gone.
func (n *Notices) push(ctx context.Context, device holdfast.ID, topic string, raw []byte) outcome {
	k, err := n.keys(ctx)
	if err != nil {
		n.log.Warn("the push key cannot be read", "err", err)
		return again
	}
	var sealed []byte
	err = n.db.QueryRow(ctx, "SELECT sealed FROM push_subscription WHERE id = $1", device).Scan(&sealed)
	if errors.Is(err, store.ErrNoRows) {
		return gone
	}
	if err != nil {
		return again
	}
	var s Subscription
	plain, err := n.seal.Open("push", device, sealed)
	if err == nil {
		err = json.Unmarshal(plain, &s)
	}
	if err != nil {
		n.log.Warn("a device's subscription cannot be read", "device", device.String(), "err", err)
		return refused
	}
	ctx, cancel := context.WithTimeout(ctx, pushTime)
	defer cancel()
	res, err := webpush.SendNotificationWithContext(ctx, raw, &webpush.Subscription{Endpoint: s.Endpoint, Keys: webpush.Keys{Auth: s.Auth, P256dh: s.P256dh}},
		&webpush.Options{HTTPClient: n.http, Subscriber: n.subscriber(), Topic: topic, TTL: int(pushLife / time.Second), Urgency: webpush.UrgencyHigh,
			VAPIDPublicKey: k.public, VAPIDPrivateKey: k.private})
	if err != nil {
		var u *url.Error // the address is a secret of the device's
		if errors.As(err, &u) {
			err = u.Err
		}
		if ctx.Err() == nil {
			n.log.Info("a push service was not reached", "device", device.String(), "err", err)
		}
		return again
	}
	res.Body.Close()
	switch {
	case res.StatusCode/100 == 2:
		return n.record(ctx, device, "UPDATE push_subscription SET used_at = $2 WHERE id = $1", taken, n.db.Now())
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone:
		return n.record(ctx, device, "DELETE FROM push_subscription WHERE id = $1", gone)
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500:
		return again
	}
	n.log.Warn("a push service refused a push", "device", device.String(), "status", res.StatusCode)
	return refused
}

func (n *Notices) record(ctx context.Context, device holdfast.ID, query string, o outcome, args ...any) outcome {
	err := n.db.Write(ctx, func(tx *store.Tx) error { return tx.Exec(query, append([]any{device}, args...)...) })
	if err != nil && ctx.Err() == nil {
		n.log.Warn("what came of a push was not stored", "device", device.String(), "err", err)
	}
	return o
}

// subscriber is whom a push service may turn to.
func (n *Notices) subscriber() string {
	u, err := url.Parse(n.url)
	if err == nil && u.Scheme == "https" {
		return n.url
	}
	return "holdfast@localhost.invalid"
}

// send pushes what is due until ctx ends.
func (n *Notices) send(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	cleaned := time.Time{}
	for {
		select {
		case <-n.kick:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		timer.Reset(time.Minute)
		if now := n.db.Now(); now.Sub(cleaned).Abs() > time.Hour {
			cleaned = now
			if err := n.db.Write(ctx, func(tx *store.Tx) error {
				return tx.Exec("DELETE FROM push_delivery WHERE created_at < $1", now.Add(-keepPushes))
			}); err != nil && ctx.Err() == nil {
				n.log.Warn("old pushes were not dropped", "err", err)
			}
		}
		full, next, err := n.round(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			n.log.Warn("pushes cannot be read", "err", err)
			timer.Reset(5 * time.Second)
		case full:
			n.poke()
		case !next.IsZero():
			timer.Reset(min(time.Minute, max(next.Sub(n.db.Now()), 10*time.Millisecond)))
		}
	}
}

type delivery struct {
	id, device holdfast.ID
	payload    []byte
	attempts   int
	created    time.Time
}

// round pushes what is due now; full reports that there may be more, next when one
// that is put off is due (zero: none is).
func (n *Notices) round(ctx context.Context) (full bool, next time.Time, err error) {
	rows, err := n.db.Query(ctx, `SELECT id, subscription, payload, attempts, created_at FROM push_delivery
		WHERE state = 'due' AND due_at <= $1 ORDER BY due_at, created_at LIMIT $2`, n.db.Now(), pushBatch)
	list, err := store.Collect(rows, err, func(r *store.Rows, d *delivery) error {
		return r.Scan(&d.id, &d.device, &d.payload, &d.attempts, &d.created)
	})
	if err != nil {
		return false, next, err
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, pushAtOnce)
	for _, d := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			n.deliver(ctx, d)
		})
	}
	wg.Wait()
	err = n.db.QueryRow(ctx, "SELECT COALESCE((SELECT due_at FROM push_delivery WHERE state = 'due' ORDER BY due_at LIMIT 1), 0)").Scan(&next)
	return len(list) == pushBatch, next, err
}

// deliver makes one attempt and stores how it ended.
func (n *Notices) deliver(ctx context.Context, d delivery) {
	var p payload
	topic := ""
	if json.Unmarshal(d.payload, &p) == nil && !p.Conversation.IsZero() {
		// A device that was off shows one notice for a conversation, not twenty.
		topic = strings.ReplaceAll(p.Conversation.String(), "-", "")
	}
	o := n.push(ctx, d.device, topic, d.payload)
	if ctx.Err() != nil {
		return // the next run makes it again
	}
	state, due := "done", time.Time{}
	now := n.db.Now()
	if o != taken {
		state = "failed"
	}
	if o == again && d.attempts+1 < pushAttempts && now.Sub(d.created) < pushLife {
		state, due = "due", now.Add(10*time.Second<<(2*d.attempts))
	}
	err := n.db.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("UPDATE push_delivery SET state = $2, attempts = $3, due_at = $4 WHERE id = $1", d.id, state, d.attempts+1, due)
	})
	if err != nil && ctx.Err() == nil {
		n.log.Warn("what came of a push was not stored; it will be made again", "err", err)
	}
}
