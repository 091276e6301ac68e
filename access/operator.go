package access

import (
	"context"
	"encoding/json"
	"errors"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"holdfast"
	"holdfast/store"
)

// Member is an operator as a workspace sees one.
type Member struct {
	ID          holdfast.ID     `json:"id"`
	Email       string          `json:"email,omitempty"`
	Name        string          `json:"name"`
	Language    string          `json:"language"`
	Role        holdfast.Role   `json:"role"`
	Disabled    bool            `json:"disabled"` // former members count as disabled, too
	Former      bool            `json:"former"`   // has left this workspace; listed for the names in old conversations
	Password    bool            `json:"password"` // whether one is set
	TOTP        bool            `json:"totp_on"`  // whether a second factor is in use
	Teams       []holdfast.ID   `json:"teams"`    // of this workspace
	CreatedAt   time.Time       `json:"created_at"`
	SeenAt      time.Time       `json:"seen_at,omitzero"` // to the minute; zero when not signed in
	Preferences json.RawMessage `json:"-"`                // an object, for the operator alone; nil for none
}

// NewOperator is what CreateOperator needs. ID is made by the client; zero lets us make one.
type NewOperator struct {
	ID       holdfast.ID
	Email    string
	Name     string
	Language string // "" means en
	Role     holdfast.Role
	Password string // "" means that a link lets them in first
}

// NormalEmail is an address as it is stored and compared: trimmed, composed,
// in lower case. Invalid "operator.email_invalid" when it is none.
func NormalEmail(s string) (string, error) {
	s = strings.ToLower(norm.NFC.String(strings.TrimSpace(s)))
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" || len(s) > 254 || s != store.Text(s) {
		return "", holdfast.Errorf(holdfast.Invalid, "operator.email_invalid", "this is not an e-mail address").
			WithNext("Write it like ana@example.com.")
	}
	return s, nil
}

func checkName(name string) (string, error) {
	name = strings.TrimSpace(store.Text(name))
	if name == "" || utf8.RuneCountInString(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", holdfast.Errorf(holdfast.Invalid, "name.invalid", "a name has 1 to 100 characters on one line").WithField("name")
	}
	return name, nil
}

func checkLanguage(lang string) error {
	if !holdfast.KnownLanguage(lang) {
		return holdfast.Errorf(holdfast.Invalid, "language.unknown", "there are no texts in this language").
			WithNext("Use " + strings.Join(holdfast.Languages, ", ") + ".").WithField("language")
	}
	return nil
}

func (o *NewOperator) check() (err error) {
	if o.ID.IsZero() {
		o.ID = holdfast.NewID()
	}
	if o.Language == "" {
		o.Language = "en"
	}
	if o.Email, err = NormalEmail(o.Email); err != nil {
		return err
	}
	if o.Name, err = checkName(o.Name); err != nil {
		return err
	}
	if err = checkLanguage(o.Language); err != nil {
		return err
	}
	_, err = holdfast.ParseRole(string(o.Role))
	return err
}

func errNoOperator() error {
	return holdfast.Errorf(holdfast.NotFound, "operator.not_found", "there is no such operator")
}

// CreateOperator makes an operator and a member of by's workspace. The same id
// and e-mail address again gives what there is and changes nothing. Conflict
// "operator.email_taken" when another operator has the address: whoever
// administers both workspaces adds them with SetRole.
func (g *Guard) CreateOperator(ctx context.Context, by Identity, o NewOperator) (Member, error) {
	if err := by.Require(holdfast.ManageOperators); err != nil {
		return Member{}, err
	}
	if by.Workspace.IsZero() {
		return Member{}, errNoWorkspace()
	}
	if err := o.check(); err != nil {
		return Member{}, err
	}
	if err := mayGrant(by, o.Role); err != nil {
		return Member{}, err
	}
	stored := ""
	if o.Password != "" {
		var err error
		if stored, err = g.hash(ctx, o.Password); err != nil {
			return Member{}, err
		}
	}
	err := g.write(ctx, func(tx *store.Tx) error { return g.addOperator(tx, by, o, stored) })
	if err != nil {
		return Member{}, err
	}
	return g.Operator(ctx, by.Workspace, o.ID)
}

// addOperator stores a checked operator, or does nothing when it is there.
func (g *Guard) addOperator(tx *store.Tx, by Identity, o NewOperator, password string) error {
	var email string
	var mine int
	err := tx.QueryRow(`SELECT o.email, COUNT(m.operator) FROM operator o LEFT JOIN member m ON m.operator = o.id AND m.workspace = $2 AND NOT m.former
		WHERE o.id = $1 GROUP BY o.email`, o.ID, by.Workspace).Scan(&email, &mine)
	switch {
	case err == nil && email == o.Email && mine > 0:
		return nil
	case err == nil && email != o.Email:
		return holdfast.Errorf(holdfast.Conflict, "operator.id_taken", "this id belongs to something else").
			WithNext("Make a new id.").WithField("id")
	case err != nil && !errors.Is(err, store.ErrNoRows):
		return err
	}
	var other holdfast.ID
	var former int
	err = tx.QueryRow(`SELECT o.id, COUNT(m.operator) FROM operator o LEFT JOIN member m ON m.operator = o.id AND m.workspace = $2 AND m.former
		WHERE o.email = $1 GROUP BY o.id`, o.Email, by.Workspace).Scan(&other, &former)
	if err == nil && former > 0 {
		return holdfast.Errorf(holdfast.Conflict, "operator.former", "this e-mail address belongs to a former member").
			WithNext("Give the former member a role again.")
	}
	if err == nil {
		return holdfast.Errorf(holdfast.Conflict, "operator.email_taken", "another operator has this e-mail address").
			WithNext("Use another address. Somebody who administers both workspaces can add them here.")
	}
	if !errors.Is(err, store.ErrNoRows) {
		return err
	}
	err = tx.Exec("INSERT INTO operator (id, email, name, language, password, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
		o.ID, o.Email, o.Name, o.Language, password, tx.Now)
	if err != nil {
		return err
	}
	if err := tx.Exec("INSERT INTO member (workspace, operator, role) VALUES ($1, $2, $3)", by.Workspace, o.ID, o.Role); err != nil {
		return err
	}
	if err := Record(tx, by, "operator.created", o.ID, created{o.Email, o.Name, o.Role}); err != nil {
		return err
	}
	return g.changed(tx, by.Workspace, by.Actor, "operator", o.ID, "added")
}

// Profile is what can be changed of an operator; nil keeps what there is.
type Profile struct {
	Name        *string
	Language    *string
	Email       *string         // by an administrator
	Preferences json.RawMessage // by the operator alone: an object of at most 16 KiB
}

// ChangeOperator changes another operator's (or one's own) name, language or
// address. It needs what SetPassword needs.
func (g *Guard) ChangeOperator(ctx context.Context, by Identity, operator holdfast.ID, p Profile) (Member, error) {
	if err := by.Require(holdfast.ManageOperators); err != nil {
		return Member{}, err
	}
	p.Preferences = nil
	if err := g.changeProfile(ctx, by, operator, p); err != nil {
		return Member{}, err
	}
	return g.Operator(ctx, by.Workspace, operator)
}

// ChangeSelf changes one's own name, language and preferences.
func (g *Guard) ChangeSelf(ctx context.Context, id Identity, p Profile) (Member, error) {
	if err := id.requireOperator(); err != nil {
		return Member{}, err
	}
	p.Email = nil
	if err := g.changeProfile(ctx, id, id.Operator, p); err != nil {
		return Member{}, err
	}
	return g.Operator(ctx, id.Workspace, id.Operator)
}

// What the audit keeps of an operator's making and changing.
type (
	created struct {
		Email string        `json:"email,omitempty"`
		Name  string        `json:"name"`
		Role  holdfast.Role `json:"role"`
	}
	change struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	profileChange struct {
		Name     *change `json:"name,omitempty"`
		Language *change `json:"language,omitempty"`
		Email    *change `json:"email,omitempty"`
	}
)

func (g *Guard) changeProfile(ctx context.Context, by Identity, operator holdfast.ID, p Profile) error {
	var name, language, email string
	var err error
	if p.Name != nil {
		if name, err = checkName(*p.Name); err != nil {
			return err
		}
	}
	if p.Language != nil {
		if language = *p.Language; checkLanguage(language) != nil {
			return checkLanguage(language)
		}
	}
	if p.Email != nil {
		if email, err = NormalEmail(*p.Email); err != nil {
			return err
		}
	}
	if p.Preferences != nil {
		var object map[string]json.RawMessage
		if len(p.Preferences) > 16<<10 || json.Unmarshal(p.Preferences, &object) != nil || object == nil {
			return holdfast.Errorf(holdfast.Invalid, "preferences.invalid", "preferences are a JSON object of at most 16 KiB").WithField("preferences")
		}
	}
	return g.write(ctx, func(tx *store.Tx) error {
		if operator != by.Operator {
			if err := commands(tx, by, operator); err != nil {
				return err
			}
		}
		if email != "" {
			var other holdfast.ID
			err := tx.QueryRow("SELECT id FROM operator WHERE email = $1", email).Scan(&other)
			if err == nil && other != operator {
				return holdfast.Errorf(holdfast.Conflict, "operator.email_taken", "another operator has this e-mail address").
					WithNext("Use another address.")
			}
			if err != nil && !errors.Is(err, store.ErrNoRows) {
				return err
			}
		}
		var oldName, oldLanguage, oldEmail string
		err := tx.QueryRow("SELECT name, language, email FROM operator WHERE id = $1", operator).Scan(&oldName, &oldLanguage, &oldEmail)
		if err != nil {
			return err
		}
		var detail profileChange
		set := func(query string, wanted bool, old, value string) (*change, error) {
			if !wanted || old == value {
				return nil, nil
			}
			return &change{old, value}, tx.Exec(query, operator, value)
		}
		if detail.Name, err = set("UPDATE operator SET name = $2 WHERE id = $1", p.Name != nil, oldName, name); err != nil {
			return err
		}
		if detail.Language, err = set("UPDATE operator SET language = $2 WHERE id = $1", p.Language != nil, oldLanguage, language); err != nil {
			return err
		}
		if detail.Email, err = set("UPDATE operator SET email = $2 WHERE id = $1", p.Email != nil, oldEmail, email); err != nil {
			return err
		}
		if p.Preferences != nil {
			// How one's own screen looks is nobody's business: it is stored and not audited.
			if err := tx.Exec("UPDATE operator SET preferences = $2 WHERE id = $1", operator, []byte(p.Preferences)); err != nil {
				return err
			}
		}
		if detail == (profileChange{}) {
			return nil
		}
		return g.changedEverywhere(tx, by, operator, "operator.changed", detail)
	})
}

const memberColumns = `SELECT o.id, o.email, o.name, o.language, m.role, o.disabled OR m.former, m.former, o.password <> '', o.totp_on, o.created_at, o.preferences,
	COALESCE((SELECT MAX(s.seen_at) FROM session s WHERE s.operator = o.id AND NOT s.half), 0)
	FROM member m JOIN operator o ON o.id = m.operator WHERE m.workspace = $1`

func scanMember(r *store.Rows, m *Member) error {
	m.Teams = []holdfast.ID{}
	var preferences []byte
	err := r.Scan(&m.ID, &m.Email, &m.Name, &m.Language, &m.Role, &m.Disabled, &m.Former, &m.Password, &m.TOTP, &m.CreatedAt, &preferences, &m.SeenAt)
	m.Preferences = preferences
	return err
}

// Operators lists a workspace's members, by name, the former ones included.
func (g *Guard) Operators(ctx context.Context, workspace holdfast.ID) ([]Member, error) {
	rows, err := g.db.Query(ctx, memberColumns+" ORDER BY o.name, o.id", workspace)
	list, err := store.Collect(rows, err, scanMember)
	if err != nil {
		return nil, err
	}
	at := make(map[holdfast.ID]*Member, len(list))
	for i := range list {
		at[list[i].ID] = &list[i]
	}
	type pair struct{ team, operator holdfast.ID }
	rows, err = g.db.Query(ctx, `SELECT tm.team, tm.operator FROM team_member tm JOIN team t ON t.id = tm.team
		WHERE t.workspace = $1 ORDER BY t.name, t.id`, workspace)
	pairs, err := store.Collect(rows, err, func(r *store.Rows, p *pair) error { return r.Scan(&p.team, &p.operator) })
	if err != nil {
		return nil, err
	}
	for _, p := range pairs {
		if m := at[p.operator]; m != nil {
			m.Teams = append(m.Teams, p.team)
		}
	}
	return list, nil
}

// Operator is one member or former member of a workspace, NotFound for anybody else.
func (g *Guard) Operator(ctx context.Context, workspace, operator holdfast.ID) (Member, error) {
	rows, err := g.db.Query(ctx, memberColumns+" AND o.id = $2", workspace, operator)
	list, err := store.Collect(rows, err, scanMember)
	if err != nil {
		return Member{}, err
	}
	if len(list) == 0 {
		return Member{}, errNoOperator()
	}
	m := list[0]
	rows, err = g.db.Query(ctx, `SELECT tm.team FROM team_member tm JOIN team t ON t.id = tm.team
		WHERE t.workspace = $1 AND tm.operator = $2 ORDER BY t.name, t.id`, workspace, operator)
	m.Teams, err = store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
	if m.Teams == nil {
		m.Teams = []holdfast.ID{}
	}
	return m, err
}

// Find is the operator with an e-mail address, of whatever workspace, for the
// machine's own console; no request from outside may ask it.
func (g *Guard) Find(ctx context.Context, email string) (id holdfast.ID, err error) {
	if email, err = NormalEmail(email); err != nil {
		return id, err
	}
	err = g.db.QueryRow(ctx, "SELECT id FROM operator WHERE email = $1", email).Scan(&id)
	if errors.Is(err, store.ErrNoRows) {
		err = errNoOperator()
	}
	return id, err
}
