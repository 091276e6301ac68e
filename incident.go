package holdfast

import "time"

// Texts are the same words in several languages: by language, one of Languages.
type Texts map[string]string

// In is the words in a reader's language, else in the fallback, else in the first
// language of Languages that has some.
func (t Texts) In(language, fallback string) string {
	for _, l := range append([]string{language, fallback}, Languages...) {
		if t[l] != "" {
			return t[l]
		}
	}
	return ""
}

// IncidentState is how far an incident has got.
type IncidentState string

// The states of an incident, in the order in which they usually come.
const (
	IncidentInvestigating IncidentState = "investigating"
	IncidentIdentified    IncidentState = "identified"
	IncidentWatching      IncidentState = "watching"
	IncidentResolved      IncidentState = "resolved"
)

// ParseIncidentState reads a state; the error is Invalid.
func ParseIncidentState(s string) (IncidentState, error) {
	switch i := IncidentState(s); i {
	case IncidentInvestigating, IncidentIdentified, IncidentWatching, IncidentResolved:
		return i, nil
	}
	return "", Errorf(Invalid, "incident.state_unknown", "%q is no state of an incident", clip(s, 32)).
		WithNext("Use investigating, identified, watching or resolved.").WithField("state")
}

// IncidentSaved is what an incident is called and concerns, whole: the latest one of
// an id counts. How far it has got is in its updates. Subject of the entry: the incident.
type IncidentSaved struct {
	Titles    Texts     `json:"titles"`
	Scope     []ID      `json:"scope,omitempty"` // channel accounts that it concerns; empty: everything
	StartedAt time.Time `json:"started_at"`
}

// IncidentUpdated is one word on an incident. Subject of the entry: the incident.
type IncidentUpdated struct {
	Update ID            `json:"update"`
	State  IncidentState `json:"state"`
	Texts  Texts         `json:"texts"`
}

// IncidentRemoved takes an incident away that should not have been written.
type IncidentRemoved struct{}

// Audience is where a banner is read.
type Audience string

// The audiences of banners.
const (
	InConsole    Audience = "console"
	InWidget     Audience = "widget"
	OnStatusPage Audience = "status"
	OnBoard      Audience = "board"
)

// Audiences are all of them.
var Audiences = []Audience{InConsole, InWidget, OnStatusPage, OnBoard}

// Severity is how loud a banner is.
type Severity string

// The severities of banners.
const (
	ForInformation Severity = "info"
	Warning        Severity = "warning"
	Critical       Severity = "critical"
)

// BannerRaised is a line that is shown until it is lowered, or until a moment.
// Subject of the entry: the banner; the latest word on it counts.
type BannerRaised struct {
	Audiences []Audience `json:"audiences"`
	Severity  Severity   `json:"severity"`
	Texts     Texts      `json:"texts"`
	Until     time.Time  `json:"until,omitzero"`
}

// BannerLowered takes a banner down.
type BannerLowered struct{}

func (*IncidentSaved) EntryKind() EntryKind   { return "incident.saved" }
func (*IncidentUpdated) EntryKind() EntryKind { return "incident.updated" }
func (*IncidentRemoved) EntryKind() EntryKind { return "incident.removed" }
func (*BannerRaised) EntryKind() EntryKind    { return "banner.raised" }
func (*BannerLowered) EntryKind() EntryKind   { return "banner.lowered" }
