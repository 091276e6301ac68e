package hooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast"
	"holdfast/store"
)

const (
	deadline    = 15 * time.Second
	answerLimit = 1 << 10 // bytes of an answer that are read
	batch       = 200     // deliveries that are read at once
	parallel    = 8       // webhooks that are posted to at once
	backoffMin  = 10 * time.Second
	backoffMax  = time.Hour
	// attempts is a day of them: 10 s doubling to an hour takes 85 minutes and nine
	// attempts, the other 23 hours one each.
	attempts = 32
)

func backoff(n int) time.Duration {
	d := backoffMax
	if n = max(n, 1); n <= 9 {
		d = min(backoffMin<<(n-1), backoffMax)
	}
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

// delivery is one entry on its way to one webhook.
type delivery struct {
	id, webhook, workspace holdfast.ID

	lsn      holdfast.LSN
	attempts int
}

// send starts a round for each webhook with something due, wakes when more falls
// due, and never asks in between.
func (h *Hooks) send(ctx context.Context) {
	var rounds sync.WaitGroup
	defer rounds.Wait()
	slots := make(chan struct{}, parallel)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-h.kick:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		work, full, next, err := h.due(ctx)
		if err != nil {
			if ctx.Err() == nil {
				h.log.Warn("webhook deliveries cannot be read", "err", err)
			}
			timer.Reset(5 * time.Second)
			continue
		}
		for webhook, list := range work {
			h.claim(webhook)
			rounds.Go(func() {
				slots <- struct{}{}
				ok := h.round(ctx, webhook, list)
				<-slots
				if !ok {
					select { // the database is away: not again at once
					case <-time.After(5 * time.Second):
					case <-ctx.Done():
					}
				}
				h.free(webhook)
				h.poke()
			})
		}
		if full {
			h.poke() // there may be others behind one webhook's backlog
		}
		if next > 0 {
			timer.Reset(next)
		} else {
			timer.Stop()
		}
	}
}

func (h *Hooks) claim(webhook holdfast.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy[webhook] = true
}

func (h *Hooks) free(webhook holdfast.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.busy, webhook)
}

// due lists what may be posted now, by webhook, of those that are not being
// posted to; whether there may be more; and how long until the next one (0: nothing is put off).
func (h *Hooks) due(ctx context.Context) (work map[holdfast.ID][]delivery, full bool, next time.Duration, err error) {
	now := time.Now()
	args := []any{now}
	h.mu.Lock()
	for id := range h.busy {
		args = append(args, id)
	}
	h.mu.Unlock()
	query := "SELECT id, webhook, workspace, lsn, attempts FROM webhook_delivery WHERE state = 'due' AND due_at <= $1"
	if len(args) > 1 {
		query += " AND webhook NOT IN " + store.In(2, len(args)-1)
	}
	rows, err := h.db.Unprepared(ctx, query+fmt.Sprintf(" ORDER BY due_at, lsn LIMIT %d", batch), args...)
	list, err := store.Collect(rows, err, func(r *store.Rows, d *delivery) error {
		return r.Scan(&d.id, &d.webhook, &d.workspace, &d.lsn, &d.attempts)
	})
	if err != nil {
		return nil, false, 0, err
	}
	work = map[holdfast.ID][]delivery{}
	for _, d := range list {
		work[d.webhook] = append(work[d.webhook], d)
	}
	var at time.Time
	err = h.db.QueryRow(ctx, "SELECT COALESCE((SELECT due_at FROM webhook_delivery WHERE state = 'due' AND due_at > $1 ORDER BY due_at LIMIT 1), 0)", now).Scan(&at)
	if err == nil && !at.IsZero() {
		next = max(at.Sub(now), time.Millisecond)
	}
	return work, len(list) == batch, next, err
}

// round posts what is due for one webhook. It reports false when the database
// could not be used.
func (h *Hooks) round(ctx context.Context, webhook holdfast.ID, list []delivery) bool {
	for _, d := range list {
		status, reason, final, err := h.post(ctx, webhook, d)
		if ctx.Err() != nil {
			return true
		}
		if err != nil {
			h.log.Warn("a webhook delivery cannot be prepared", "webhook", webhook.String(), "delivery", d.id.String(), "err", err)
			return false
		}
		if err := h.settle(ctx, d, status, reason, final); err != nil {
			h.log.Warn("the result of a webhook delivery was not stored; it will be made again", "webhook", webhook.String(), "delivery", d.id.String(), "err", err)
			return false
		}
	}
	return true
}

// settle stores how an attempt ended; an empty reason is a success.
func (h *Hooks) settle(ctx context.Context, d delivery, status int, reason string, final bool) error {
	state, due := "sent", time.Time{}
	if n := d.attempts + 1; reason != "" {
		state, due = "due", time.Now().Add(backoff(n))
		if final || n >= attempts {
			state, due = "failed", time.Time{}
		}
	}
	return h.db.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("UPDATE webhook_delivery SET state = $1, attempts = $2, due_at = $3, status = $4, error = $5 WHERE id = $6 AND state = 'due'",
			state, d.attempts+1, due, status, store.Text(reason), d.id)
	})
}

// event is what a receiver gets.
type event struct {
	ID        holdfast.ID        `json:"id"`
	LSN       holdfast.LSN       `json:"lsn"`
	Kind      holdfast.EntryKind `json:"kind"`
	At        time.Time          `json:"at"`
	Workspace holdfast.ID        `json:"workspace"`
	Subject   holdfast.ID        `json:"subject"`
	Actor     holdfast.Actor     `json:"actor"`
	Body      holdfast.Body      `json:"body"`
}

// eventID is the same for every attempt, every replay and every webhook.
func eventID(e *holdfast.Entry) holdfast.ID {
	return holdfast.DeriveID(e.Origin, strconv.FormatInt(e.Seq, 10))
}

// post makes one request. An empty reason is a success; final means that no
// later attempt can be one. The error is the database's.
func (h *Hooks) post(ctx context.Context, webhook holdfast.ID, d delivery) (status int, reason string, final bool, err error) {
	list, err := h.find(ctx, d.workspace)
	if err != nil {
		return 0, "", false, err
	}
	var sub *Subscription
	for i := range list {
		if list[i].ID == webhook {
			sub = &list[i]
		}
	}
	if sub == nil || !sub.Enabled {
		var one int
		err := h.db.QueryRow(ctx, "SELECT 1 FROM webhook WHERE id = $1 AND workspace = $2", webhook, d.workspace).Scan(&one)
		if errors.Is(err, store.ErrNoRows) {
			return 0, "the webhook was removed", true, nil
		}
		return 0, "the webhook is switched off", false, err
	}
	e, err := h.journal.Entry(ctx, d.workspace, d.lsn)
	if holdfast.KindOf(err) == holdfast.NotFound {
		return 0, "the entry is not on record any more", true, nil
	}
	if err != nil {
		return 0, "", false, err
	}
	ev := event{ID: eventID(e), LSN: e.LSN, Kind: e.Kind, At: e.At, Workspace: e.Workspace, Subject: e.Subject, Actor: e.Actor, Body: e.Body}
	body, err := json.Marshal(ev)
	if err != nil {
		return 0, "the entry cannot be written as JSON", true, nil
	}
	rctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(rctx, http.MethodPost, sub.URL, bytes.NewReader(body))
	if err != nil {
		return 0, "the webhook's address is not usable", false, nil
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Holdfast/"+holdfast.Version)
	req.Header.Set("Holdfast-Event-Id", ev.ID.String())
	req.Header.Set("Holdfast-Signature", Sign(sub.Secret, time.Now(), body, sub.Former...))
	res, err := h.http.Do(req)
	if err != nil {
		return 0, said(err), false, nil
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if res.StatusCode/100 == 2 {
		return res.StatusCode, "", false, nil
	}
	reason = "the receiver answered " + res.Status
	if text := strings.TrimSpace(string(answer)); text != "" {
		reason += ": " + text
	}
	return res.StatusCode, reason, false, nil
}

// said is a transport error without the URL, which may carry a secret of the receiver's.
func said(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("the receiver did not answer within %v", deadline)
	}
	return "the receiver could not be reached: " + err.Error()
}

// Sign is the value of the header Holdfast-Signature: t=UNIX,v1=HEX, where HEX
// is the HMAC-SHA256 of "UNIX.body" under the webhook's secret. While a replaced
// secret is still good, another v1=HEX follows for it: a receiver is content with any.
func Sign(secret string, at time.Time, body []byte, former ...string) string {
	t := strconv.FormatInt(at.Unix(), 10)
	value := "t=" + t + ",v1=" + mac(secret, t, body)
	for _, f := range former {
		value += ",v1=" + mac(f, t, body)
	}
	return value
}

func mac(secret, t string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(t))
	m.Write([]byte("."))
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

// Verify checks a signature as a receiver should: one of those in the header by
// HMAC, and not older or newer than tolerance. It is here so that receivers written
// in Go need not repeat it.
func Verify(secret, header string, now time.Time, tolerance time.Duration, body []byte) bool {
	var t string
	var signatures []string
	for part := range strings.SplitSeq(header, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch k {
		case "t":
			t = v
		case "v1":
			signatures = append(signatures, v)
		}
	}
	unix, err := strconv.ParseInt(t, 10, 64)
	if err != nil || now.Sub(time.Unix(unix, 0)).Abs() > tolerance {
		return false
	}
	want, good := []byte(mac(secret, t, body)), false
	for _, s := range signatures {
		good = hmac.Equal([]byte(s), want) || good
	}
	return good
}
