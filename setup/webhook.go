package setup

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/store"
)

// webhookPurpose is what a webhook's secret is sealed for, with the webhook as subject.
const webhookPurpose = "webhook"

// Webhook is a subscription as its workspace sees one. The secret is shown once,
// when it is made.
type Webhook struct {
	ID        holdfast.ID          `json:"id"`
	URL       string               `json:"url"`
	Kinds     []holdfast.EntryKind `json:"kinds"` // empty: every kind
	Enabled   bool                 `json:"enabled"`
	CreatedAt time.Time            `json:"created_at"`
	Secret    string               `json:"secret,omitempty"`
}

// Subscription is what the sender of webhooks needs to know of an enabled one.
type Subscription struct {
	ID        holdfast.ID
	Workspace holdfast.ID
	URL       string
	Secret    string // as it was shown
	// Former are the secrets that it replaced in the last 24 hours, the newest first:
	// they sign as well, until the receivers have changed over.
	Former []string
	Kinds  []holdfast.EntryKind
}

// Wants reports whether entries of a kind are subscribed to.
func (s Subscription) Wants(kind holdfast.EntryKind) bool {
	return len(s.Kinds) == 0 || slices.Contains(s.Kinds, kind)
}

// NewWebhook is what CreateWebhook needs. ID is made by the client; zero lets us make one.
type NewWebhook struct {
	ID    holdfast.ID
	URL   string
	Kinds []holdfast.EntryKind // empty: every kind
}

func errNoWebhook() error {
	return holdfast.Errorf(holdfast.NotFound, "webhook.not_found", "there is no such webhook")
}

func checkURL(raw string) error {
	bad := func(text string) error {
		return holdfast.Errorf(holdfast.Invalid, "webhook.url_invalid", "%s", text).
			WithNext("Use an address such as https://example.com/holdfast.").WithField("url")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || len(raw) > 2048 || raw != store.Text(raw):
		return bad("this is not a web address")
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Opaque != "":
		return bad("the address begins with https:// or http:// and names a host")
	case u.User != nil:
		return bad("the address must not hold a name or a password")
	case u.Fragment != "":
		return bad("the address must not hold a #")
	}
	return nil
}

// host is what the audit keeps of an address: the rest of it is often a password.
func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

// checkKinds sorts the wanted kinds, each once.
func checkKinds(kinds []holdfast.EntryKind) ([]holdfast.EntryKind, error) {
	known := holdfast.EntryKinds()
	for _, k := range kinds {
		if !slices.Contains(known, k) {
			return nil, holdfast.Errorf(holdfast.Invalid, "webhook.kind_unknown", "there are no entries of the kind %q", firstBytes(string(k), 64)).WithField("kinds")
		}
	}
	kinds = slices.Clone(kinds)
	slices.Sort(kinds)
	if kinds = slices.Compact(kinds); kinds == nil {
		kinds = []holdfast.EntryKind{}
	}
	return kinds, nil
}

func firstBytes(s string, n int) string { return s[:min(n, len(s))] }

func newSecret() string {
	var b [32]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // crypto/rand never fails on the systems we run on
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(b[:])
}

// How long a replaced secret goes on signing, and how many of them.
const (
	formerLife    = 24 * time.Hour
	formerMaximum = 3
)

// keyring is what is sealed for a webhook: its secret and those that it has
// replaced. Written, it is the secret, then for each former one the moment it ends,
// in seconds, and itself; all parted by spaces, which no secret has.
type keyring struct {
	secret string
	former []former
}

type former struct {
	secret string
	until  time.Time
}

func (k keyring) String() string {
	words := []string{k.secret}
	for _, f := range k.former {
		words = append(words, strconv.FormatInt(f.until.Unix(), 10), f.secret)
	}
	return strings.Join(words, " ")
}

// readKeyring reads what String wrote, without what is over by now.
func readKeyring(raw string, now time.Time) keyring {
	words := strings.Fields(raw)
	if len(words) == 0 {
		return keyring{}
	}
	k := keyring{secret: words[0]}
	for rest := words[1:]; len(rest) >= 2; rest = rest[2:] {
		unix, err := strconv.ParseInt(rest[0], 10, 64)
		if until := time.Unix(unix, 0); err == nil && now.Before(until) {
			k.former = append(k.former, former{rest[1], until})
		}
	}
	return k
}

// turned is the keyring with a new secret in the place of the one in use.
func (k keyring) turned(secret string, now time.Time) keyring {
	list := append([]former{{k.secret, now.Add(formerLife)}}, k.former...)
	return keyring{secret: secret, former: list[:min(len(list), formerMaximum)]}
}

// CreateWebhook subscribes an address to entries. The answer alone holds the
// secret; the same id again gives what there is, without it.
func (s *Setup) CreateWebhook(ctx context.Context, by access.Identity, n NewWebhook) (Webhook, error) {
	if err := by.Require(holdfast.ManageWebhooks); err != nil {
		return Webhook{}, err
	}
	if by.Workspace.IsZero() {
		return Webhook{}, errNoWorkspace()
	}
	if n.ID.IsZero() {
		n.ID = holdfast.NewID()
	}
	if err := checkURL(n.URL); err != nil {
		return Webhook{}, err
	}
	kinds, err := checkKinds(n.Kinds)
	if err != nil {
		return Webhook{}, err
	}
	raw, err := json.Marshal(kinds)
	if err != nil {
		return Webhook{}, err
	}
	secret := newSecret()
	made := false
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		made = false
		var workspace holdfast.ID
		err := tx.QueryRow("SELECT workspace FROM webhook WHERE id = $1", n.ID).Scan(&workspace)
		if err == nil && workspace == by.Workspace {
			return nil
		}
		if err == nil {
			return errIDTaken()
		}
		if !errors.Is(err, store.ErrNoRows) {
			return err
		}
		made = true
		if err := tx.Exec("INSERT INTO webhook (id, workspace, url, secret, kinds, enabled, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			n.ID, by.Workspace, n.URL, s.seal.Seal(webhookPurpose, n.ID, []byte(keyring{secret: secret}.String())), raw, true, tx.Now); err != nil {
			return err
		}
		return s.note(tx, by, "webhook", n.ID, "webhook.created", "added", map[string]any{"host": host(n.URL), "kinds": kinds})
	})
	if err != nil {
		return Webhook{}, err
	}
	w, err := s.Webhook(ctx, by.Workspace, n.ID)
	if made {
		w.Secret = secret
	}
	return w, err
}

const webhookColumns = "SELECT id, url, kinds, enabled, created_at FROM webhook WHERE workspace = $1"

func (w *Webhook) scan(r interface{ Scan(...any) error }) error {
	var kinds []byte
	err := r.Scan(&w.ID, &w.URL, &kinds, &w.Enabled, &w.CreatedAt)
	if errors.Is(err, store.ErrNoRows) {
		return errNoWebhook()
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(kinds, &w.Kinds)
}

// Webhooks lists a workspace's subscriptions, the oldest first.
func (s *Setup) Webhooks(ctx context.Context, workspace holdfast.ID) ([]Webhook, error) {
	rows, err := s.db.Query(ctx, webhookColumns+" ORDER BY created_at, id", workspace)
	return store.Collect(rows, err, func(r *store.Rows, w *Webhook) error { return w.scan(r) })
}

// Webhook is one subscription of a workspace, NotFound for any other.
func (s *Setup) Webhook(ctx context.Context, workspace, id holdfast.ID) (Webhook, error) {
	var w Webhook
	err := w.scan(s.db.QueryRow(ctx, webhookColumns+" AND id = $2", workspace, id))
	return w, err
}

// WebhookChange is what ChangeWebhook changes; nil keeps what there is.
type WebhookChange struct {
	URL     *string
	Kinds   *[]holdfast.EntryKind // empty: every kind
	Enabled *bool
}

// ChangeWebhook changes a subscription of by's workspace.
func (s *Setup) ChangeWebhook(ctx context.Context, by access.Identity, id holdfast.ID, c WebhookChange) (Webhook, error) {
	if err := by.Require(holdfast.ManageWebhooks); err != nil {
		return Webhook{}, err
	}
	var kinds []holdfast.EntryKind
	if c.URL != nil {
		if err := checkURL(*c.URL); err != nil {
			return Webhook{}, err
		}
	}
	if c.Kinds != nil {
		var err error
		if kinds, err = checkKinds(*c.Kinds); err != nil {
			return Webhook{}, err
		}
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		var w Webhook
		if err := w.scan(tx.QueryRow(webhookColumns+" AND id = $2", by.Workspace, id)); err != nil {
			return err
		}
		detail := map[string]any{}
		if c.URL != nil && *c.URL != w.URL {
			detail["host"] = map[string]string{"from": host(w.URL), "to": host(*c.URL)}
			w.URL = *c.URL
		}
		if c.Kinds != nil && !slices.Equal(kinds, w.Kinds) {
			w.Kinds = kinds
			detail["kinds"] = kinds
		}
		if c.Enabled != nil && *c.Enabled != w.Enabled {
			w.Enabled = *c.Enabled
			detail["enabled"] = w.Enabled
		}
		if len(detail) == 0 {
			return nil
		}
		raw, err := json.Marshal(w.Kinds)
		if err != nil {
			return err
		}
		if err := tx.Exec("UPDATE webhook SET url = $3, kinds = $4, enabled = $5 WHERE id = $1 AND workspace = $2",
			id, by.Workspace, w.URL, raw, w.Enabled); err != nil {
			return err
		}
		return s.note(tx, by, "webhook", id, "webhook.changed", "changed", detail)
	})
	if err != nil {
		return Webhook{}, err
	}
	return s.Webhook(ctx, by.Workspace, id)
}

// RotateWebhook gives a subscription a new secret, in use from the next delivery
// on; the answer alone holds it. For 24 hours the one that it replaces signs too.
func (s *Setup) RotateWebhook(ctx context.Context, by access.Identity, id holdfast.ID) (Webhook, error) {
	if err := by.Require(holdfast.ManageWebhooks); err != nil {
		return Webhook{}, err
	}
	secret := newSecret()
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		var sealed []byte
		err := tx.QueryRow("SELECT secret FROM webhook WHERE id = $1 AND workspace = $2", id, by.Workspace).Scan(&sealed)
		if errors.Is(err, store.ErrNoRows) {
			return errNoWebhook()
		}
		if err != nil {
			return err
		}
		next := keyring{secret: secret}
		if raw, err := s.seal.Open(webhookPurpose, id, sealed); err == nil { // else a new secret is what heals it
			next = readKeyring(string(raw), tx.Now).turned(secret, tx.Now)
		}
		if err := tx.Exec("UPDATE webhook SET secret = $3 WHERE id = $1 AND workspace = $2", id, by.Workspace, s.seal.Seal(webhookPurpose, id, []byte(next.String()))); err != nil {
			return err
		}
		return s.note(tx, by, "webhook", id, "webhook.rotated", "changed", nil)
	})
	if err != nil {
		return Webhook{}, err
	}
	w, err := s.Webhook(ctx, by.Workspace, id)
	w.Secret = secret
	return w, err
}

// DeleteWebhook ends a subscription and drops what was still to be delivered to it.
func (s *Setup) DeleteWebhook(ctx context.Context, by access.Identity, id holdfast.ID) error {
	if err := by.Require(holdfast.ManageWebhooks); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		var w Webhook
		if err := w.scan(tx.QueryRow(webhookColumns+" AND id = $2", by.Workspace, id)); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM webhook WHERE id = $1 AND workspace = $2", id, by.Workspace); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM webhook_delivery WHERE webhook = $1 AND workspace = $2", id, by.Workspace); err != nil {
			return err
		}
		return s.note(tx, by, "webhook", id, "webhook.deleted", "removed", map[string]any{"host": host(w.URL)})
	})
}

// Subscriptions lists a workspace's enabled webhooks with their secrets opened,
// for the follower that delivers to them.
func (s *Setup) Subscriptions(ctx context.Context, workspace holdfast.ID) ([]Subscription, error) {
	type sealed struct {
		Subscription
		secret []byte
	}
	rows, err := s.db.Query(ctx, "SELECT id, workspace, url, secret, kinds FROM webhook WHERE workspace = $1 AND enabled ORDER BY created_at, id", workspace)
	list, err := store.Collect(rows, err, func(r *store.Rows, w *sealed) error {
		var kinds []byte
		if err := r.Scan(&w.ID, &w.Workspace, &w.URL, &w.secret, &kinds); err != nil {
			return err
		}
		return json.Unmarshal(kinds, &w.Kinds)
	})
	if err != nil {
		return nil, err
	}
	out := make([]Subscription, 0, len(list))
	for _, w := range list {
		raw, err := s.seal.Open(webhookPurpose, w.ID, w.secret)
		if err != nil {
			return nil, err
		}
		keys := readKeyring(string(raw), s.db.Now())
		w.Secret = keys.secret
		for _, f := range keys.former {
			w.Former = append(w.Former, f.secret)
		}
		out = append(out, w.Subscription)
	}
	return out, nil
}
