// Package setup keeps how a desk is configured: its workspaces, its channel
// accounts with their sealed settings and small state, and the webhooks that
// other programs subscribe to.
//
// It refuses to show a stored secret to anybody but the adapter and the sender
// that need it, to change anything without an audit row in the same transaction,
// and to run a channel: it says what is configured, app does it.
package setup

import (
	"strings"
	"unicode/utf8"

	"holdfast"
	"holdfast/access"
	"holdfast/channel"
	"holdfast/store"
)

// Options of New; each may be left out.
type Options struct {
	// Changed is told, inside the transaction, of what screens show: what is
	// "workspace", "channel" or "webhook", action "added", "changed" or "removed".
	Changed func(tx *store.Tx, workspace holdfast.ID, by holdfast.Actor, what string, id holdfast.ID, action string) error
	// OnChange is called, after the commit, with each channel account that must be
	// started, restarted or stopped.
	OnChange func(account holdfast.ID)
	// Validate looks at an account's settings beyond their form, before they are
	// stored; it does no I/O. Its error is Invalid and names the field.
	Validate func(channel.Account, *channel.Kind) error
}

// Setup is the desk's configuration. Make one with New.
type Setup struct {
	db    *store.DB
	seal  *store.Sealer
	guard *access.Guard
	kinds []*channel.Kind
	o     Options
}

// New makes a Setup over an open database for the kinds of channels in this
// build. It does no I/O.
func New(db *store.DB, seal *store.Sealer, guard *access.Guard, kinds []*channel.Kind, o Options) *Setup {
	return &Setup{db: db, seal: seal, guard: guard, kinds: kinds, o: o}
}

// Kinds lists the kinds of channels in this build.
func (s *Setup) Kinds() []*channel.Kind { return s.kinds }

// Kind is the kind of a name. Invalid "channel.kind_unknown" when this build has none.
func (s *Setup) Kind(name string) (*channel.Kind, error) {
	for _, k := range s.kinds {
		if k.Name == name {
			return k, nil
		}
	}
	return nil, holdfast.Errorf(holdfast.Invalid, "channel.kind_unknown", "this build has no such kind of channel").WithField("kind")
}

// note records a change of by's workspace and tells the screens.
func (s *Setup) note(tx *store.Tx, by access.Identity, what string, id holdfast.ID, action, told string, detail any) error {
	if err := access.Record(tx, by, action, id, detail); err != nil || s.o.Changed == nil {
		return err
	}
	return s.o.Changed(tx, by.Workspace, by.Actor, what, id, told)
}

func (s *Setup) restart(account holdfast.ID) {
	if s.o.OnChange != nil {
		s.o.OnChange(account)
	}
}

func checkName(name string) (string, error) {
	name = strings.TrimSpace(store.Text(name))
	if name == "" || utf8.RuneCountInString(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", holdfast.Errorf(holdfast.Invalid, "name.invalid", "a name has 1 to 100 characters on one line").WithField("name")
	}
	return name, nil
}

func errIDTaken() error {
	return holdfast.Errorf(holdfast.Conflict, "setup.id_taken", "this id belongs to something else").
		WithNext("Make a new id.").WithField("id")
}

func errNoWorkspace() error {
	return holdfast.Errorf(holdfast.NotFound, "workspace.not_found", "there is no such workspace")
}
