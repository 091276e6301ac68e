package notices

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"holdfast"
	"holdfast/store"
)

// Kind is what somebody is told of.
type Kind string

// What there is to be told of.
const (
	Opened   Kind = "new"      // a conversation in one's teams, or in no team
	Assigned Kind = "assigned" // a conversation handed to one by somebody else
	Reply    Kind = "reply"    // the customer wrote in a conversation of one's own
	Mention  Kind = "mention"  // a note mentions one
	Channel  Kind = "channel"  // a channel went down; administrators alone
	Plan     Kind = "plan"     // a plan needs one; whoever has a role in it cannot switch that off
	Drill    Kind = "drill"    // the same, rehearsed
)

// Ways are how somebody is told of one kind.
type Ways struct {
	Desktop bool `json:"desktop"` // by a window of the system, while the console is open
	Sound   bool `json:"sound"`
	Push    bool `json:"push"` // on the devices that take pushes, the console open or not
}

// Quiet are hours in which nobody is told anything; From later than To goes over midnight.
type Quiet struct {
	On   bool   `json:"on"`
	From string `json:"from"` // "22:00", in the person's time zone
	To   string `json:"to"`
}

// Settings are one operator's in one workspace.
type Settings struct {
	New      Ways  `json:"new"`
	Assigned Ways  `json:"assigned"`
	Reply    Ways  `json:"reply"`
	Mention  Ways  `json:"mention"`
	Channel  Ways  `json:"channel"`
	Quiet    Quiet `json:"quiet"`
	// TimeZone is an IANA name; "" means the workspace's.
	TimeZone string `json:"time_zone"`
	// Mail tells by mail, while one is on duty, what reached one in no other way.
	Mail   bool       `json:"mail" required:"false"`
	Digest DigestPlan `json:"digest" required:"false"`
}

// DigestPlan is when one is mailed what waits for one and what one has missed.
type DigestPlan struct {
	Every string `json:"every" enum:"off,daily,weekly"`
	At    string `json:"at"`                          // "08:00", in the person's time zone
	Day   int    `json:"day" minimum:"0" maximum:"6"` // of the weekly one; 0 is Sunday
}

// Defaults are the settings of whoever has said nothing.
func Defaults() Settings {
	all := Ways{Desktop: true, Sound: true, Push: true}
	return Settings{New: Ways{Desktop: true, Sound: true}, Assigned: all, Reply: all, Mention: all, Channel: all, Quiet: Quiet{From: "22:00", To: "08:00"},
		Digest: DigestPlan{Every: "off", At: "08:00", Day: 1}}
}

// ways are those of a kind.
func (s *Settings) ways(k Kind) Ways {
	switch k {
	case Opened:
		return s.New
	case Assigned:
		return s.Assigned
	case Reply:
		return s.Reply
	case Mention:
		return s.Mention
	case Channel:
		return s.Channel
	case Plan, Drill:
		return Ways{Push: true}
	}
	return Ways{}
}

// minute reads "22:00" as minutes after midnight.
func minute(s string) (int, bool) {
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil && len(s) == 5
}

func (s *Settings) check() error {
	for _, at := range []string{s.Quiet.From, s.Quiet.To} {
		if _, ok := minute(at); !ok {
			return holdfast.Errorf(holdfast.Invalid, "notices.hour_invalid", "write an hour as 22:00").WithField("quiet")
		}
	}
	if err := s.Digest.check(); err != nil {
		return err
	}
	if _, err := time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "Local" {
		return holdfast.Errorf(holdfast.Invalid, "workspace.time_zone_unknown", "there is no such time zone").
			WithNext("Use a name such as Asia/Tehran or Europe/Moscow.").WithField("time_zone")
	}
	return nil
}

// quiet reports whether now is in the quiet hours, in the zone of the settings or else in theirs.
func (s *Settings) quiet(now time.Time, theirs string) bool {
	if !s.Quiet.On {
		return false
	}
	now = now.In(s.zone(theirs))
	from, _ := minute(s.Quiet.From)
	to, _ := minute(s.Quiet.To)
	at := now.Hour()*60 + now.Minute()
	if from <= to {
		return from <= at && at < to
	}
	return at >= from || at < to
}

// zone is the person's time zone, or else theirs.
func (s *Settings) zone(theirs string) *time.Location {
	name := s.TimeZone
	if name == "" {
		name = theirs
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Settings are how an operator wants to be told of things in a workspace.
func (n *Notices) Settings(ctx context.Context, workspace, operator holdfast.ID) (Settings, error) {
	s := Defaults()
	var raw []byte
	err := n.db.QueryRow(ctx, "SELECT settings FROM notice_setting WHERE workspace = $1 AND operator = $2", workspace, operator).Scan(&raw)
	if errors.Is(err, store.ErrNoRows) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	return s, err
}

// SetSettings stores them as a whole. Errors: Invalid.
func (n *Notices) SetSettings(ctx context.Context, workspace, operator holdfast.ID, s Settings) error {
	if operator.IsZero() {
		return errOperators()
	}
	if err := s.check(); err != nil {
		return err
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	defer n.forgetNone()
	return n.db.Write(ctx, func(tx *store.Tx) error {
		if err := n.planMail(tx, workspace, operator, &s); err != nil {
			return err
		}
		return tx.Exec(`INSERT INTO notice_setting (workspace, operator, settings) VALUES ($1, $2, $3)
			ON CONFLICT (workspace, operator) DO UPDATE SET settings = excluded.settings`, workspace, operator, raw)
	})
}

func errOperators() error {
	return holdfast.Errorf(holdfast.Forbidden, "account.operators_only", "only a signed-in operator has an account of their own").
		WithNext("Sign in as an operator; a token cannot do this.")
}
