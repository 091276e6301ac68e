package setup

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/store"
)

// Workspace is one company's desk.
type Workspace struct {
	ID        holdfast.ID `json:"id"`
	Name      string      `json:"name"`
	Language  string      `json:"language"`
	TimeZone  string      `json:"time_zone"` // IANA: "Asia/Tehran"
	Demo      bool        `json:"demo"`      // filled with imaginary people
	Settings  Settings    `json:"settings"`
	CreatedAt time.Time   `json:"created_at"`
}

// Settings of a workspace that have a sensible default.
type Settings struct {
	// PublicName is how the desk calls itself to customers; "" is the workspace's name.
	PublicName string `json:"public_name"`
	// Calendar of dates on screens: "gregorian" or "persian".
	Calendar string `json:"calendar"`
	// FirstWeekday of calendars and weekly figures: 0 is Sunday, 6 Saturday.
	FirstWeekday int `json:"first_weekday"`
}

// DefaultSettings are a new workspace's, by its language.
func DefaultSettings(language string) Settings {
	if language == "fa" {
		return Settings{Calendar: "persian", FirstWeekday: 6}
	}
	return Settings{Calendar: "gregorian", FirstWeekday: 1}
}

func (s *Settings) check() error {
	bad := func(field, text string) error {
		return holdfast.Errorf(holdfast.Invalid, "workspace.setting_invalid", "%s", text).WithField("settings." + field)
	}
	if s.PublicName != "" {
		name, err := checkName(s.PublicName)
		if err != nil {
			return bad("public_name", "a name has 1 to 100 characters on one line")
		}
		s.PublicName = name
	}
	if s.Calendar != "gregorian" && s.Calendar != "persian" {
		return bad("calendar", "the calendar is gregorian or persian")
	}
	if s.FirstWeekday < 0 || s.FirstWeekday > 6 {
		return bad("first_weekday", "a weekday is 0 (Sunday) to 6 (Saturday)")
	}
	return nil
}

// NewWorkspace is what CreateWorkspace needs. ID is made by the client; zero lets us make one.
type NewWorkspace struct {
	ID       holdfast.ID
	Name     string
	Language string
	TimeZone string
	Demo     bool
	Settings *Settings // nil: DefaultSettings of the language
}

func (n *NewWorkspace) check() (err error) {
	if n.ID.IsZero() {
		n.ID = holdfast.NewID()
	}
	if n.Name, err = checkName(n.Name); err != nil {
		return err
	}
	if err = checkLanguage(n.Language); err != nil {
		return err
	}
	if err = checkTimeZone(n.TimeZone); err != nil {
		return err
	}
	settings := DefaultSettings(n.Language)
	if n.Settings != nil {
		settings = *n.Settings
	}
	n.Settings = &settings
	return n.Settings.check()
}

func checkLanguage(lang string) error {
	if !holdfast.KnownLanguage(lang) {
		return holdfast.Errorf(holdfast.Invalid, "language.unknown", "there are no texts in this language").
			WithNext("Use " + strings.Join(holdfast.Languages, ", ") + ".").WithField("language")
	}
	return nil
}

// checkTimeZone takes names of the IANA database alone: "Local" would mean another
// zone on another machine, and "right/…" counts leap seconds.
func checkTimeZone(name string) error {
	_, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" || name == "Factory" || strings.HasPrefix(name, "posix/") || strings.HasPrefix(name, "right/") {
		return holdfast.Errorf(holdfast.Invalid, "workspace.time_zone_unknown", "there is no such time zone").
			WithNext("Use a name such as Asia/Tehran or Europe/Moscow.").WithField("time_zone")
	}
	return nil
}

const workspaceColumns = "SELECT w.id, w.name, w.language, w.time_zone, w.demo, w.settings, w.created_at FROM workspace w "

func scanWorkspace(r interface{ Scan(...any) error }, w *Workspace) error {
	var settings []byte
	if err := r.Scan(&w.ID, &w.Name, &w.Language, &w.TimeZone, &w.Demo, &settings, &w.CreatedAt); err != nil {
		return err
	}
	w.Settings = DefaultSettings(w.Language)
	if settings == nil {
		return nil
	}
	return json.Unmarshal(settings, &w.Settings)
}

// Empty reports whether nothing has been set up yet.
func (s *Setup) Empty(ctx context.Context) (bool, error) {
	var n int
	err := s.db.QueryRow(ctx, "SELECT COUNT(*) FROM workspace").Scan(&n)
	return n == 0, err
}

// Workspaces lists those that by belongs to, the oldest first; all of them for the
// system and the installation's tokens.
func (s *Setup) Workspaces(ctx context.Context, by access.Identity) ([]Workspace, error) {
	const order = " ORDER BY w.created_at, w.id"
	var rows *store.Rows
	var err error
	switch {
	case by.Everywhere():
		rows, err = s.db.Query(ctx, workspaceColumns+order)
	case !by.Operator.IsZero():
		rows, err = s.db.Query(ctx, workspaceColumns+"JOIN member m ON m.workspace = w.id WHERE m.operator = $1 AND NOT m.former"+order, by.Operator)
	default:
		rows, err = s.db.Query(ctx, workspaceColumns+"WHERE w.id = $1"+order, by.Workspace)
	}
	return store.Collect(rows, err, func(r *store.Rows, w *Workspace) error { return scanWorkspace(r, w) })
}

// Workspace is one workspace, NotFound when there is none.
func (s *Setup) Workspace(ctx context.Context, id holdfast.ID) (Workspace, error) {
	var w Workspace
	err := scanWorkspace(s.db.QueryRow(ctx, workspaceColumns+"WHERE w.id = $1", id), &w)
	if errors.Is(err, store.ErrNoRows) {
		err = errNoWorkspace()
	}
	return w, err
}

// CreateWorkspace makes another workspace; an operator who makes one is its
// administrator. The same id again gives what there is. A token of one
// workspace cannot: Forbidden.
func (s *Setup) CreateWorkspace(ctx context.Context, by access.Identity, n NewWorkspace) (Workspace, error) {
	if err := by.Require(holdfast.ManageWorkspace); err != nil {
		return Workspace{}, err
	}
	if by.Operator.IsZero() && !by.Everywhere() {
		return Workspace{}, holdfast.Errorf(holdfast.Forbidden, "workspace.token_bound", "a token of one workspace cannot make another").
			WithNext("Sign in as an administrator, or use a token of the installation.")
	}
	if err := n.check(); err != nil {
		return Workspace{}, err
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		var id holdfast.ID
		err := tx.QueryRow("SELECT id FROM workspace WHERE id = $1", n.ID).Scan(&id)
		if err == nil && by.Everywhere() {
			return nil
		}
		if err == nil {
			err = tx.QueryRow("SELECT operator FROM member WHERE workspace = $1 AND operator = $2 AND NOT former", n.ID, by.Operator).Scan(&id)
			if errors.Is(err, store.ErrNoRows) {
				return errIDTaken()
			}
			return err
		}
		if !errors.Is(err, store.ErrNoRows) {
			return err
		}
		if err := insertWorkspace(tx, &n); err != nil {
			return err
		}
		if err := s.guard.Enter(tx, by, n.ID); err != nil {
			return err
		}
		there := by
		there.Workspace = n.ID
		return s.note(tx, there, "workspace", n.ID, "workspace.created", "added", map[string]any{"name": n.Name})
	})
	if err != nil {
		return Workspace{}, err
	}
	return s.Workspace(ctx, n.ID)
}

func insertWorkspace(tx *store.Tx, n *NewWorkspace) error {
	settings, err := json.Marshal(n.Settings)
	if err != nil {
		return err
	}
	return tx.Exec("INSERT INTO workspace (id, name, language, time_zone, demo, settings, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		n.ID, n.Name, n.Language, n.TimeZone, n.Demo, settings, tx.Now)
}

// WorkspaceChange is what ChangeWorkspace changes; nil keeps what there is.
type WorkspaceChange struct {
	Name     *string
	Language *string
	TimeZone *string
	Settings *Settings // as a whole
}

// ChangeWorkspace changes by's own workspace.
func (s *Setup) ChangeWorkspace(ctx context.Context, by access.Identity, c WorkspaceChange) (Workspace, error) {
	if err := by.Require(holdfast.ManageWorkspace); err != nil {
		return Workspace{}, err
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		var w Workspace
		err := scanWorkspace(tx.QueryRow(workspaceColumns+"WHERE w.id = $1", by.Workspace), &w)
		if errors.Is(err, store.ErrNoRows) {
			return errNoWorkspace()
		}
		if err != nil {
			return err
		}
		old := w
		if c.Name != nil {
			w.Name = *c.Name
		}
		if c.Language != nil {
			w.Language = *c.Language
		}
		if c.TimeZone != nil {
			w.TimeZone = *c.TimeZone
		}
		if c.Settings != nil {
			w.Settings = *c.Settings
		}
		n := NewWorkspace{ID: w.ID, Name: w.Name, Language: w.Language, TimeZone: w.TimeZone, Settings: &w.Settings}
		if err := n.check(); err != nil {
			return err
		}
		w.Name, w.Settings = n.Name, *n.Settings
		if w == old {
			return nil
		}
		settings, err := json.Marshal(w.Settings)
		if err != nil {
			return err
		}
		if err := tx.Exec("UPDATE workspace SET name = $2, language = $3, time_zone = $4, settings = $5 WHERE id = $1",
			w.ID, w.Name, w.Language, w.TimeZone, settings); err != nil {
			return err
		}
		return s.note(tx, by, "workspace", w.ID, "workspace.changed", "changed", map[string]any{"from": brief(old), "to": brief(w)})
	})
	if err != nil {
		return Workspace{}, err
	}
	if c.Language != nil || c.Name != nil {
		// Adapters know the workspace's language.
		ids, err := s.enabledOf(ctx, by.Workspace)
		if err != nil {
			return Workspace{}, err
		}
		for _, id := range ids {
			s.restart(id)
		}
	}
	return s.Workspace(ctx, by.Workspace)
}

func brief(w Workspace) map[string]any {
	return map[string]any{"name": w.Name, "language": w.Language, "time_zone": w.TimeZone, "settings": w.Settings}
}

// Founding is what the first set-up of an empty installation needs.
type Founding struct {
	Link      string // the first-run link's secret; "" for the system's own use
	Workspace NewWorkspace
	Operator  access.NewOperator // becomes the administrator, with a password
	Address   string
	Agent     string
}

// Found sets up an empty installation: the workspace, its administrator and a
// session of theirs, all or nothing. Conflict "setup.done" when there is a
// workspace already; Unauthenticated "link.unknown".
func (s *Setup) Found(ctx context.Context, f Founding) (Workspace, access.SignedIn, error) {
	var in access.SignedIn
	empty, err := s.Empty(ctx)
	if err == nil && !empty {
		err = errDone()
	}
	if err == nil {
		err = f.Workspace.check()
	}
	if err != nil {
		return Workspace{}, in, err
	}
	if f.Operator.Language == "" {
		f.Operator.Language = f.Workspace.Language
	}
	enter, err := s.guard.Founder(ctx, f.Link, f.Operator, f.Address, f.Agent)
	if err != nil {
		return Workspace{}, in, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		var n int
		if err := tx.QueryRow("SELECT COUNT(*) FROM workspace").Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return errDone()
		}
		if err := insertWorkspace(tx, &f.Workspace); err != nil {
			return err
		}
		by := access.System(f.Workspace.ID)
		by.Address = f.Address
		if err := s.note(tx, by, "workspace", f.Workspace.ID, "workspace.created", "added", map[string]any{"name": f.Workspace.Name}); err != nil {
			return err
		}
		var err error
		in, err = enter(tx, f.Workspace.ID)
		return err
	})
	if err != nil {
		return Workspace{}, access.SignedIn{}, err
	}
	w, err := s.Workspace(ctx, f.Workspace.ID)
	return w, in, err
}

func errDone() error {
	return holdfast.Errorf(holdfast.Conflict, "setup.done", "this installation is set up already").
		WithNext("Sign in.")
}
