package setup

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/channel"
	"holdfast/store"
)

// View is a channel account as the console may show it.
type View struct {
	ID      holdfast.ID `json:"id"`
	Kind    string      `json:"kind"`
	Name    string      `json:"name"`
	Enabled bool        `json:"enabled"`
	Removed bool        `json:"removed"` // listed for the names in old conversations
	Team    holdfast.ID `json:"team,omitzero"`
	// Settings by field name; a secret is {"set": true} or {"set": false}.
	Settings map[string]any `json:"settings,omitempty"`
	// Problem is the code of why the settings cannot be read, "" when they can.
	Problem   string    `json:"problem,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	ChangedAt time.Time `json:"changed_at"`
}

// row is a channel account as stored.
type row struct {
	View
	workspace holdfast.ID
	sealed    []byte
	language  string
}

// A team that is gone is no team.
const accountColumns = `SELECT c.id, c.workspace, c.kind, c.name, c.settings, c.enabled, c.removed, t.id, c.created_at, c.changed_at, w.language
	FROM channel_account c JOIN workspace w ON w.id = c.workspace LEFT JOIN team t ON t.id = c.team AND t.workspace = c.workspace `

func (a *row) scan(r interface{ Scan(...any) error }) error {
	err := r.Scan(&a.ID, &a.workspace, &a.Kind, &a.Name, &a.sealed, &a.Enabled, &a.Removed, &a.Team, &a.CreatedAt, &a.ChangedAt, &a.language)
	if errors.Is(err, store.ErrNoRows) {
		return errNoChannel()
	}
	return err
}

func errNoChannel() error {
	return holdfast.Errorf(holdfast.NotFound, "channel.not_found", "there is no such channel")
}

// stored opens an account's settings.
func (s *Setup) stored(a *row) (fields, error) {
	raw, err := s.seal.Open(sealPurpose, a.ID, a.sealed)
	if err != nil {
		return nil, err
	}
	return parseFields(raw)
}

func (s *Setup) view(a *row) View {
	v := a.View
	if a.Removed {
		return v
	}
	kind, err := s.Kind(a.Kind)
	var f fields
	if err == nil {
		f, err = s.stored(a)
	}
	var settings any
	if err == nil {
		if f, _, err = merge(kind, f, nil); err == nil {
			settings, _, err = decode(kind, f)
		}
	}
	if err == nil {
		v.Settings, err = shown(kind, settings)
	}
	if err != nil {
		v.Problem = holdfast.CodeOf(err)
	}
	return v
}

// Channels lists a workspace's channel accounts, by name, the removed ones included.
func (s *Setup) Channels(ctx context.Context, workspace holdfast.ID) ([]View, error) {
	rows, err := s.db.Query(ctx, accountColumns+"WHERE c.workspace = $1 ORDER BY c.name, c.id", workspace)
	list, err := store.Collect(rows, err, func(r *store.Rows, a *row) error { return a.scan(r) })
	views := make([]View, len(list))
	for i := range list {
		views[i] = s.view(&list[i])
	}
	return views, err
}

// Channel is one account of a workspace, NotFound for any other.
func (s *Setup) Channel(ctx context.Context, workspace, id holdfast.ID) (View, error) {
	var a row
	if err := a.scan(s.db.QueryRow(ctx, accountColumns+"WHERE c.id = $1 AND c.workspace = $2", id, workspace)); err != nil {
		return View{}, err
	}
	return s.view(&a), nil
}

// Enabled lists every account that should be running, of all workspaces.
func (s *Setup) Enabled(ctx context.Context) ([]holdfast.ID, error) {
	rows, err := s.db.Query(ctx, "SELECT id FROM channel_account WHERE enabled AND NOT removed ORDER BY created_at, id")
	return store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
}

func (s *Setup) enabledOf(ctx context.Context, workspace holdfast.ID) ([]holdfast.ID, error) {
	rows, err := s.db.Query(ctx, "SELECT id FROM channel_account WHERE workspace = $1 AND enabled AND NOT removed ORDER BY created_at, id", workspace)
	return store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
}

// IsEnabled reports whether an account should be running; false when there is none.
func (s *Setup) IsEnabled(ctx context.Context, id holdfast.ID) (bool, error) {
	var is bool
	err := s.db.QueryRow(ctx, "SELECT enabled AND NOT removed FROM channel_account WHERE id = $1", id).Scan(&is)
	if errors.Is(err, store.ErrNoRows) {
		err = nil
	}
	return is, err
}

// Open is an account with its secrets, for its adapter, enabled or not. NotFound
// when there is none or it was removed; Invalid when this build lacks its kind or
// its settings no longer fit.
func (s *Setup) Open(ctx context.Context, id holdfast.ID) (channel.Account, *channel.Kind, error) {
	var a row
	if err := a.scan(s.db.QueryRow(ctx, accountColumns+"WHERE c.id = $1 AND NOT c.removed", id)); err != nil {
		return channel.Account{}, nil, err
	}
	if _, err := s.Kind(a.Kind); err != nil {
		return channel.Account{}, nil, err
	}
	f, err := s.stored(&a)
	if err != nil {
		return channel.Account{}, nil, err
	}
	return s.assemble(&a, f, nil)
}

// assemble lays given settings over stored ones and makes the account an adapter takes.
func (s *Setup) assemble(a *row, stored, given fields) (channel.Account, *channel.Kind, error) {
	kind, err := s.Kind(a.Kind)
	if err != nil {
		return channel.Account{}, nil, err
	}
	f, _, err := merge(kind, stored, given)
	if err != nil {
		return channel.Account{}, nil, err
	}
	settings, _, err := decode(kind, f)
	if err != nil {
		return channel.Account{}, nil, err
	}
	return channel.Account{ID: a.ID, Workspace: a.workspace, Name: a.Name, Language: a.language, Settings: settings}, kind, nil
}

// Draft is an account as it would be with other settings, for trying them before
// they are stored. Of a zero id it is a new account of the kind; otherwise kind is
// the account's own and empty secrets are the stored ones.
func (s *Setup) Draft(ctx context.Context, by access.Identity, id holdfast.ID, kind string, settings json.RawMessage) (channel.Account, *channel.Kind, error) {
	if err := by.Require(holdfast.ManageChannels); err != nil {
		return channel.Account{}, nil, err
	}
	given, err := parseFields(settings)
	if err != nil {
		return channel.Account{}, nil, err
	}
	if id.IsZero() {
		w, err := s.Workspace(ctx, by.Workspace)
		if err != nil {
			return channel.Account{}, nil, err
		}
		a := row{View: View{ID: holdfast.NewID(), Kind: kind, Name: kind}, workspace: w.ID, language: w.Language}
		return s.assemble(&a, nil, given)
	}
	var a row
	if err := a.scan(s.db.QueryRow(ctx, accountColumns+"WHERE c.id = $1 AND c.workspace = $2 AND NOT c.removed", id, by.Workspace)); err != nil {
		return channel.Account{}, nil, err
	}
	stored, err := s.stored(&a)
	if err != nil {
		return channel.Account{}, nil, err
	}
	return s.assemble(&a, stored, given)
}

// NewChannel is what CreateChannel needs. ID is made by the client; zero lets us make one.
type NewChannel struct {
	ID       holdfast.ID
	Kind     string
	Name     string
	Team     holdfast.ID // that its conversations go to; zero for none
	Disabled bool
	Settings json.RawMessage
}

// CreateChannel connects an account. The same id again gives what there is and
// changes nothing. Invalid names the field at fault.
func (s *Setup) CreateChannel(ctx context.Context, by access.Identity, n NewChannel) (View, error) {
	if err := by.Require(holdfast.ManageChannels); err != nil {
		return View{}, err
	}
	if n.ID.IsZero() {
		n.ID = holdfast.NewID()
	}
	name, err := checkName(n.Name)
	if err != nil {
		return View{}, err
	}
	w, err := s.Workspace(ctx, by.Workspace)
	if err != nil {
		return View{}, err
	}
	kind, err := s.Kind(n.Kind)
	if err != nil {
		return View{}, err
	}
	given, err := parseFields(n.Settings)
	if err != nil {
		return View{}, err
	}
	f, _, err := merge(kind, nil, given)
	if err != nil {
		return View{}, err
	}
	a := row{View: View{ID: n.ID, Kind: n.Kind, Name: name}, workspace: w.ID, language: w.Language}
	sealed, err := s.sealed(&a, kind, f)
	if err != nil {
		return View{}, err
	}
	made := false
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		made = false
		var had row
		err := had.scan(tx.QueryRow(accountColumns+"WHERE c.id = $1", n.ID))
		if err == nil && had.workspace == by.Workspace && had.Kind == n.Kind && !had.Removed {
			return nil
		}
		if err == nil {
			return errIDTaken()
		}
		if holdfast.KindOf(err) != holdfast.NotFound {
			return err
		}
		if err := teamThere(tx, by.Workspace, n.Team); err != nil {
			return err
		}
		made = true
		if err := tx.Exec(`INSERT INTO channel_account (id, workspace, kind, name, settings, enabled, team, created_at, changed_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)`, n.ID, by.Workspace, n.Kind, name, sealed, !n.Disabled, n.Team, tx.Now); err != nil {
			return err
		}
		return s.note(tx, by, "channel", n.ID, "channel.created", "added", map[string]any{"kind": n.Kind, "name": name, "enabled": !n.Disabled})
	})
	if err != nil {
		return View{}, err
	}
	if made {
		s.restart(n.ID)
	}
	return s.Channel(ctx, by.Workspace, n.ID)
}

// sealed checks settings as far as can be without asking the provider, and seals them.
func (s *Setup) sealed(a *row, kind *channel.Kind, f fields) ([]byte, error) {
	settings, raw, err := decode(kind, f)
	if err != nil {
		return nil, err
	}
	if s.o.Validate != nil {
		err := s.o.Validate(channel.Account{ID: a.ID, Workspace: a.workspace, Name: a.Name, Language: a.language, Settings: settings}, kind)
		if err != nil {
			return nil, err
		}
	}
	return s.seal.Seal(sealPurpose, a.ID, raw), nil
}

func teamThere(tx *store.Tx, workspace, team holdfast.ID) error {
	if team.IsZero() {
		return nil
	}
	var id holdfast.ID
	err := tx.QueryRow("SELECT id FROM team WHERE id = $1 AND workspace = $2", team, workspace).Scan(&id)
	if errors.Is(err, store.ErrNoRows) {
		err = holdfast.Errorf(holdfast.NotFound, "team.not_found", "there is no such team").WithField("team")
	}
	return err
}

// ChannelChange is what ChangeChannel changes; nil keeps what there is.
type ChannelChange struct {
	Name    *string
	Enabled *bool
	Team    *holdfast.ID // zero for none
	// Settings are laid over the stored ones: a field that is absent stays, a secret
	// also when it is empty or {"set": true}; null takes a field back to its default.
	Settings json.RawMessage
}

// ChangeChannel changes an account of by's workspace.
func (s *Setup) ChangeChannel(ctx context.Context, by access.Identity, id holdfast.ID, c ChannelChange) (View, error) {
	if err := by.Require(holdfast.ManageChannels); err != nil {
		return View{}, err
	}
	given, err := parseFields(c.Settings)
	if err != nil {
		return View{}, err
	}
	restart := false
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		restart = false
		var a row
		if err := a.scan(tx.QueryRow(accountColumns+"WHERE c.id = $1 AND c.workspace = $2 AND NOT c.removed", id, by.Workspace)); err != nil {
			return err
		}
		detail := map[string]any{}
		if c.Name != nil {
			name, err := checkName(*c.Name)
			if err != nil {
				return err
			}
			if name != a.Name {
				detail["name"] = map[string]string{"from": a.Name, "to": name}
				a.Name = name
			}
		}
		if c.Enabled != nil && *c.Enabled != a.Enabled {
			a.Enabled = *c.Enabled
			detail["enabled"] = a.Enabled
		}
		if c.Team != nil && *c.Team != a.Team {
			if err := teamThere(tx, by.Workspace, *c.Team); err != nil {
				return err
			}
			a.Team = *c.Team
			detail["team"] = a.Team
		}
		if len(given) > 0 {
			kind, err := s.Kind(a.Kind)
			if err != nil {
				return err
			}
			stored, err := s.stored(&a)
			if err != nil {
				return err
			}
			f, changed, err := merge(kind, stored, given)
			if err != nil {
				return err
			}
			if len(changed) > 0 {
				if a.sealed, err = s.sealed(&a, kind, f); err != nil {
					return err
				}
				detail["settings"] = changed // which, never what
			}
		}
		if len(detail) == 0 {
			return nil
		}
		restart = true
		if err := tx.Exec(`UPDATE channel_account SET name = $3, enabled = $4, team = $5, settings = $6, changed_at = $7
			WHERE id = $1 AND workspace = $2`, id, by.Workspace, a.Name, a.Enabled, a.Team, a.sealed, tx.Now); err != nil {
			return err
		}
		return s.note(tx, by, "channel", id, "channel.changed", "changed", detail)
	})
	if err != nil {
		return View{}, err
	}
	if restart {
		s.restart(id)
	}
	return s.Channel(ctx, by.Workspace, id)
}

// DeleteChannel stops an account for good: its settings, secrets and state are
// erased. Its name stays, for the conversations that came through it.
func (s *Setup) DeleteChannel(ctx context.Context, by access.Identity, id holdfast.ID) error {
	if err := by.Require(holdfast.ManageChannels); err != nil {
		return err
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		var a row
		if err := a.scan(tx.QueryRow(accountColumns+"WHERE c.id = $1 AND c.workspace = $2 AND NOT c.removed", id, by.Workspace)); err != nil {
			return err
		}
		if err := tx.Exec(`UPDATE channel_account SET removed = $3, enabled = $4, settings = $5, changed_at = $6 WHERE id = $1 AND workspace = $2`,
			id, by.Workspace, true, false, []byte{}, tx.Now); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM channel_state WHERE account = $1", id); err != nil {
			return err
		}
		return s.note(tx, by, "channel", id, "channel.removed", "removed", map[string]any{"kind": a.Kind, "name": a.Name})
	})
	if err == nil {
		s.restart(id)
	}
	return err
}
