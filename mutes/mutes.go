// Package mutes remembers which addresses do not want which mail, and makes the
// signed links that say so with one click: of a visitor who wants no answers by
// mail, of an operator who wants no digest.
//
// It refuses to mute anything because a link was merely opened (mail scanners open
// them all), and to believe a link that is not ours.
package mutes

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"

	"holdfast"
	"holdfast/access"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/store"
)

// Table is the projection: the latest word of an address about a topic.
type Table struct{}

// Name is the projection's name.
func (Table) Name() string { return "mutes" }

// Version changes when the same entries must give other rows.
func (Table) Version() int { return 1 }

// Tables are the ones that only Apply writes.
func (Table) Tables() []string { return []string{"mute"} }

// Apply keeps the latest word.
func (Table) Apply(tx *store.Tx, e *holdfast.Entry) error {
	b, ok := e.Body.(*holdfast.AddressMuted)
	if !ok {
		return nil
	}
	return tx.Exec(`INSERT INTO {mute} (workspace, scheme, value, topic, muted, via, at, stamp) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (workspace, scheme, value, topic) DO UPDATE SET muted = excluded.muted, via = excluded.via, at = excluded.at, stamp = excluded.stamp
		WHERE excluded.stamp > {mute}.stamp`,
		e.Workspace, b.Address.Scheme, store.Text(b.Address.Value), b.Topic, !b.Again, store.Text(b.Via), e.At, store.Stamp(e))
}

// Deps is what it works with.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Log     *slog.Logger
	// Key signs the links: 32 bytes.
	Key []byte
	// PublicURL is where the world reaches this desk, without a trailing slash.
	PublicURL string
	// Language is a workspace's, and what it calls itself to customers.
	Language func(ctx context.Context, workspace holdfast.ID) (lang, name string, err error)
	// SetDigest switches an operator's digest off, or on again; HasDigest says how it
	// is and in which language they read.
	SetDigest func(ctx context.Context, workspace, operator holdfast.ID, on bool) error
	HasDigest func(ctx context.Context, workspace, operator holdfast.ID) (on bool, language string, err error)
}

// Mutes keeps who wants no mail. Make one with New over a journal that Table is a projection of.
type Mutes struct{ Deps }

// New makes it. It does no I/O.
func New(d Deps) *Mutes { return &Mutes{d} }

// Muted reports whether an address wants no mail about a topic.
func (m *Mutes) Muted(ctx context.Context, workspace holdfast.ID, a holdfast.Address, topic holdfast.Topic) (bool, error) {
	var muted bool
	err := m.DB.QueryRow(ctx, "SELECT muted FROM mute WHERE workspace = $1 AND scheme = $2 AND value = $3 AND topic = $4", workspace, a.Scheme, a.Value, topic).Scan(&muted)
	if errors.Is(err, store.ErrNoRows) {
		return false, nil
	}
	return muted, err
}

// set writes the word of an address. What is so already is not said again.
func (m *Mutes) set(ctx context.Context, w wish, on bool, via string) error {
	_, err := m.Journal.Do(ctx, journal.Command{Workspace: w.workspace, Actor: holdfast.Actor{Kind: holdfast.ActorCustomer}, Run: func(tx *journal.Tx) error {
		a := holdfast.Address{Scheme: "mailto", Value: w.address}
		var muted bool
		err := tx.QueryRow("SELECT muted FROM mute WHERE workspace = $1 AND scheme = $2 AND value = $3 AND topic = $4", w.workspace, a.Scheme, a.Value, w.topic).Scan(&muted)
		if err != nil && !errors.Is(err, store.ErrNoRows) {
			return err
		}
		if muted == !on {
			return nil
		}
		place, err := inbox.FindPlace(tx.Tx, w.workspace, holdfast.ID{}, a)
		if err != nil {
			return err
		}
		subject := place.Customer
		if subject.IsZero() {
			subject = holdfast.DeriveID(w.workspace, a.String())
		}
		body := &holdfast.AddressMuted{Address: a, Topic: w.topic, Again: on, Via: via}
		action := "address.muted"
		if on {
			action = "address.unmuted"
		}
		by := access.Identity{Workspace: w.workspace, Actor: holdfast.Actor{Kind: holdfast.ActorCustomer, ID: place.Customer}}
		if err := access.Record(tx.Tx, by, action, subject, body); err != nil {
			return err
		}
		_, err = tx.AppendAs(by.Actor, subject, body)
		return err
	}})
	return err
}

// wish is what a link is about: mail to an address, or an operator's digest.
type wish struct {
	workspace holdfast.ID
	topic     holdfast.Topic
	address   string
	operator  holdfast.ID
}

const (
	macSize  = 16
	answers  = 1 // what the byte before the address says
	digests  = 2
	addrSize = 254
)

var b64 = base64.RawURLEncoding

// Link is where mail to an address about a topic is refused.
func (m *Mutes) Link(workspace holdfast.ID, a holdfast.Address, _ holdfast.Topic) string {
	return m.link(workspace, answers, []byte(a.Value))
}

// DigestLink is where an operator's digest is refused.
func (m *Mutes) DigestLink(workspace, operator holdfast.ID) string {
	return m.link(workspace, digests, operator[:])
}

func (m *Mutes) link(workspace holdfast.ID, kind byte, whose []byte) string {
	b := append(append(append([]byte{}, workspace[:]...), kind), whose...)
	return m.PublicURL + "/mail-off/" + b64.EncodeToString(append(b, m.mac(b)...))
}

func (m *Mutes) mac(b []byte) []byte {
	h := hmac.New(sha256.New, m.Key)
	h.Write([]byte("mail-off\x00"))
	h.Write(b)
	return h.Sum(nil)[:macSize]
}

// open reads what link made. The error is NotFound.
func (m *Mutes) open(token string) (wish, error) {
	var w wish
	b, err := b64.Strict().DecodeString(token)
	n := len(b) - macSize
	if err != nil || n < 18 || n > 17+addrSize || !hmac.Equal(b[n:], m.mac(b[:n])) {
		return w, holdfast.Errorf(holdfast.NotFound, "mail_off.link_unknown", "this link is not one of ours, or not whole").WithNext("Open it from the mail again.")
	}
	copy(w.workspace[:], b)
	switch {
	case b[16] == answers:
		w.topic, w.address = holdfast.Answers, string(b[17:n])
	case b[16] == digests && n == 33:
		copy(w.operator[:], b[17:])
	default:
		return w, holdfast.Errorf(holdfast.NotFound, "mail_off.link_unknown", "this link is not one of ours, or not whole").WithNext("Open it from the mail again.")
	}
	return w, nil
}
