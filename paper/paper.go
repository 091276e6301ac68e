// Package paper makes sheets for when no screen works: whom to call in which order,
// what they wait for and what was said last, with blank rows whose printed ids let what
// was written by hand be recorded once.
//
// It refuses to leave a sheet on the disk that is not encrypted, to make one before
// somebody has said for whom, and to record a row twice.
package paper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"holdfast"
	"holdfast/access"
	"holdfast/inbox"
	"holdfast/store"
)

// Deps is what it works with.
type Deps struct {
	DB    *store.DB
	Seal  *store.Sealer
	Inbox *inbox.Inbox
	Log   *slog.Logger
	// Folder is where the sheets lie; it is made when it is needed.
	Folder string
	// Font is a TrueType face for Persian; its error says why there is none.
	Font func() ([]byte, error)
	// House is a workspace's language, what it calls itself, and its zone.
	House func(ctx context.Context, workspace holdfast.ID) (lang, name string, zone *time.Location, err error)
	// Workspaces lists them all.
	Workspaces func(ctx context.Context) ([]holdfast.ID, error)
	// Order puts customers in the order in which they are to be called; nil: by
	// priority, then by how long they have waited.
	Order func(ctx context.Context, workspace holdfast.ID, customers []holdfast.ID) ([]holdfast.ID, error)
	// Note records what happened as a note with this id; the same id twice is one note.
	Note func(ctx context.Context, by access.Identity, conversation, note holdfast.ID, text string) error
}

// Paper makes sheets and takes in rows. Make one with New.
type Paper struct{ Deps }

// New makes it. It does no I/O.
func New(d Deps) *Paper { return &Paper{d} }

// Settings is for whom sheets are made.
type Settings struct {
	Nightly bool `json:"nightly" doc:"Make them every night at three."`
	// Keys are age recipients (age1…): whoever has an identity of theirs can open a sheet.
	Keys []string `json:"keys"`
	// Passphrase opens them where there are no keys.
	Passphrase bool `json:"passphrase" doc:"One is set; it is never shown."`
}

// kept is Settings as they are stored, sealed.
type kept struct {
	Nightly    bool     `json:"nightly"`
	Keys       []string `json:"keys"`
	Passphrase string   `json:"passphrase"`
}

const sealPurpose = "paper"

func (p *Paper) stored(ctx context.Context, workspace holdfast.ID) (kept, error) {
	var k kept
	var sealed []byte
	err := p.DB.QueryRow(ctx, "SELECT sealed FROM paper_settings WHERE workspace = $1", workspace).Scan(&sealed)
	if errors.Is(err, store.ErrNoRows) {
		return k, nil
	}
	if err != nil {
		return k, err
	}
	raw, err := p.Seal.Open(sealPurpose, workspace, sealed)
	if err != nil {
		return k, err
	}
	return k, json.Unmarshal(raw, &k)
}

// Settings is for whom a workspace's sheets are made; a new one's are for nobody.
func (p *Paper) Settings(ctx context.Context, workspace holdfast.ID) (Settings, error) {
	k, err := p.stored(ctx, workspace)
	return Settings{Nightly: k.Nightly, Keys: append([]string{}, k.Keys...), Passphrase: k.Passphrase != ""}, err
}

// SetSettings changes them; a nil passphrase stays as it was, an empty one goes.
// Errors: Forbidden, Invalid.
func (p *Paper) SetSettings(ctx context.Context, by access.Identity, nightly bool, keys []string, passphrase *string) error {
	if err := by.Require(holdfast.ManageWorkspace); err != nil {
		return err
	}
	k, err := p.stored(ctx, by.Workspace)
	if err != nil {
		return err
	}
	k.Nightly, k.Keys = nightly, []string{}
	for _, key := range keys {
		if key = strings.TrimSpace(key); key == "" {
			continue
		}
		if _, err := age.ParseX25519Recipient(key); err != nil {
			return holdfast.Errorf(holdfast.Invalid, "paper.key_invalid", "this is no public key of age").WithField("keys").WithNext("Paste a line that begins with age1, from age-keygen.")
		}
		k.Keys = append(k.Keys, key)
	}
	if passphrase != nil {
		if *passphrase != "" && len([]rune(*passphrase)) < 12 {
			return holdfast.Errorf(holdfast.Invalid, "paper.passphrase_short", "a passphrase has at least 12 characters").WithField("passphrase").WithNext("Use some words.")
		}
		k.Passphrase = *passphrase
	}
	if nightly && len(k.Keys) == 0 && k.Passphrase == "" {
		return errNobody()
	}
	raw, err := json.Marshal(k)
	if err != nil {
		return err
	}
	sealed := p.Seal.Seal(sealPurpose, by.Workspace, raw)
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Exec("INSERT INTO paper_settings (workspace, sealed) VALUES ($1, $2) ON CONFLICT (workspace) DO UPDATE SET sealed = excluded.sealed", by.Workspace, sealed); err != nil {
			return err
		}
		return access.Record(tx, by, "paper.changed", by.Workspace, map[string]any{"nightly": nightly, "keys": len(k.Keys), "passphrase": k.Passphrase != ""})
	})
}

func errMissing() error {
	return holdfast.Errorf(holdfast.NotFound, "paper.missing", "there is no such sheet any more").WithNext("Make a new one.")
}

func errNobody() error {
	return holdfast.Errorf(holdfast.Invalid, "paper.nobody", "nobody could open a sheet").WithField("passphrase").WithNext("Set a passphrase, or the public keys of whoever may open them.")
}

// workFactor of a passphrase: 32 MiB and a tenth of a second, on a desk that has little.
const workFactor = 15

func (k *kept) recipients() ([]age.Recipient, error) {
	var list []age.Recipient
	for _, key := range k.Keys {
		r, err := age.ParseX25519Recipient(key)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	if len(list) == 0 {
		if k.Passphrase == "" {
			return nil, errNobody()
		}
		r, err := age.NewScryptRecipient(k.Passphrase)
		if err != nil {
			return nil, err
		}
		r.SetWorkFactor(workFactor)
		list = append(list, r)
	}
	return list, nil
}

// Sheet is one that was made.
type Sheet struct {
	ID        holdfast.ID `json:"id"`
	MadeAt    time.Time   `json:"made_at"`
	Night     string      `json:"night,omitempty" doc:"The night that it was made for, as 2026-11-30; empty: on demand."`
	Customers int         `json:"customers"`
	Rows      int         `json:"rows"`
}

// nights are how many days a sheet is kept.
const nights = 7

// Sheets lists a workspace's, the latest first.
func (p *Paper) Sheets(ctx context.Context, workspace holdfast.ID) ([]Sheet, error) {
	rows, err := p.DB.Query(ctx, "SELECT id, made_at, night, customers, row_count FROM paper_sheet WHERE workspace = $1 ORDER BY made_at DESC", workspace)
	return store.Collect(rows, err, scanSheet)
}

func scanSheet(r *store.Rows, s *Sheet) error {
	return r.Scan(&s.ID, &s.MadeAt, &s.Night, &s.Customers, &s.Rows)
}

func (p *Paper) path(workspace, id holdfast.ID, form string) string {
	return filepath.Join(p.Folder, workspace.String(), id.String()+"."+form+".age")
}

// Open opens an encrypted sheet, "pdf" or "csv". The error is NotFound.
func (p *Paper) Open(ctx context.Context, workspace, id holdfast.ID, form string) (io.ReadCloser, Sheet, error) {
	rows, err := p.DB.Query(ctx, "SELECT id, made_at, night, customers, row_count FROM paper_sheet WHERE workspace = $1 AND id = $2", workspace, id)
	list, err := store.Collect(rows, err, scanSheet)
	if err != nil {
		return nil, Sheet{}, err
	}
	if len(list) == 0 || form != "pdf" && form != "csv" {
		return nil, Sheet{}, errMissing()
	}
	f, err := os.Open(p.path(workspace, id, form))
	if errors.Is(err, os.ErrNotExist) {
		return nil, list[0], errMissing()
	}
	return f, list[0], err
}

// Make makes a sheet; the same id twice is one sheet. Errors: Invalid "paper.nobody",
// Unavailable.
func (p *Paper) Make(ctx context.Context, by access.Identity, id holdfast.ID) (Sheet, error) {
	if err := by.Require(holdfast.ManageWorkspace); err != nil {
		return Sheet{}, err
	}
	s, err := p.make(ctx, by.Workspace, id, "")
	if err != nil {
		return s, err
	}
	return s, p.DB.Write(ctx, func(tx *store.Tx) error { return access.Record(tx, by, "paper.made", id, s) })
}

func (p *Paper) make(ctx context.Context, workspace, id holdfast.ID, night string) (Sheet, error) {
	if id.IsZero() {
		return Sheet{}, holdfast.Errorf(holdfast.Invalid, "id.missing", "it needs an id").WithField("id")
	}
	list, err := p.Sheets(ctx, workspace)
	if err != nil {
		return Sheet{}, err
	}
	for _, s := range list {
		if s.ID == id {
			return s, nil
		}
	}
	var others int
	if err := p.DB.QueryRow(ctx, "SELECT COUNT(*) FROM paper_sheet WHERE id = $1 AND workspace <> $2", id, workspace).Scan(&others); err != nil {
		return Sheet{}, err
	}
	if others > 0 {
		return Sheet{}, errMissing()
	}
	k, err := p.stored(ctx, workspace)
	if err != nil {
		return Sheet{}, err
	}
	to, err := k.recipients()
	if err != nil {
		return Sheet{}, err
	}
	c, err := p.gather(ctx, workspace, id)
	if err != nil {
		return Sheet{}, err
	}
	font, err := p.Font()
	if err != nil {
		return Sheet{}, holdfast.Errorf(holdfast.Unavailable, "paper.no_font", "the typefaces are not in this binary: %w", err).WithNext("Build it with Node installed.")
	}
	pdf, err := c.pdf(font)
	if err != nil {
		return Sheet{}, fmt.Errorf("drawing a sheet: %w", err)
	}
	csv, err := c.csv()
	if err != nil {
		return Sheet{}, err
	}
	if err := os.MkdirAll(filepath.Join(p.Folder, workspace.String()), 0o700); err != nil {
		return Sheet{}, holdfast.Errorf(holdfast.Unavailable, "data.folder", "the folder of the sheets cannot be made: %w", err)
	}
	for form, content := range map[string][]byte{"pdf": pdf, "csv": csv} {
		if err := seal(p.path(workspace, id, form), content, to); err != nil {
			return Sheet{}, holdfast.Errorf(holdfast.Unavailable, "paper.not_written", "the sheet cannot be written: %w", err)
		}
	}
	s := Sheet{ID: id, Night: night, Customers: len(c.people), Rows: c.rows()}
	err = p.DB.Write(ctx, func(tx *store.Tx) error {
		s.MadeAt = tx.Now
		if err := tx.Exec("INSERT INTO paper_sheet (workspace, id, made_at, night, customers, row_count) VALUES ($1, $2, $3, $4, $5, $6)", workspace, id, tx.Now, night, s.Customers, s.Rows); err != nil {
			return err
		}
		for _, person := range c.people {
			for _, m := range person.matters {
				for _, code := range m.rows {
					if err := tx.Exec("INSERT INTO paper_row (workspace, code, sheet, conversation, made_at) VALUES ($1, $2, $3, $4, $5)", workspace, code, id, m.id, tx.Now); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return s, err
	}
	return s, p.prune(ctx, workspace)
}

// seal writes content encrypted, whole or not at all.
func seal(path string, content []byte, to []age.Recipient) error {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	f, err := os.OpenFile(path+".part", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b.Bytes())
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(path+".part", path)
	}
	return err
}

// prune takes sheets away that are older than a week. What was written on them can still
// be recorded: the rows stay for a year.
func (p *Paper) prune(ctx context.Context, workspace holdfast.ID) error {
	list, err := p.Sheets(ctx, workspace)
	if err != nil {
		return err
	}
	old := p.DB.Now().AddDate(0, 0, -nights)
	for _, s := range list {
		if !s.MadeAt.Before(old) {
			continue
		}
		for _, form := range []string{"pdf", "csv"} {
			if err := os.Remove(p.path(workspace, s.ID, form)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		err := p.DB.Write(ctx, func(tx *store.Tx) error {
			return tx.Exec("DELETE FROM paper_sheet WHERE workspace = $1 AND id = $2", workspace, s.ID)
		})
		if err != nil {
			return err
		}
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("DELETE FROM paper_row WHERE workspace = $1 AND made_at < $2", workspace, tx.Now.AddDate(-1, 0, 0))
	})
}

// atNight is the hour at which sheets are made, by the workspace's clock.
const atNight = 3

// Run makes each night's sheets until ctx ends. A desk that was off at three makes them
// when it is on again before noon.
func (p *Paper) Run(ctx context.Context) error {
	tick := time.NewTicker(15 * time.Minute)
	defer tick.Stop()
	for {
		if err := p.tonight(ctx); err != nil && ctx.Err() == nil {
			p.Log.Warn("a night's sheets were not made", "code", holdfast.CodeOf(err), "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (p *Paper) tonight(ctx context.Context) error {
	list, err := p.Workspaces(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, ws := range list {
		k, err := p.stored(ctx, ws)
		if err != nil || !k.Nightly {
			failed = errors.Join(failed, err)
			continue
		}
		_, _, zone, err := p.House(ctx, ws)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		now := p.DB.Now().In(zone)
		if now.Hour() < atNight || now.Hour() >= 12 {
			continue
		}
		night := now.Format(time.DateOnly)
		_, err = p.make(ctx, ws, holdfast.DeriveID(ws, "paper "+night), night)
		failed = errors.Join(failed, err)
	}
	return failed
}
