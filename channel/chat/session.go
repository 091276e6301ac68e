package chat

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"holdfast"
)

// configWire is what a widget needs to draw itself.
type configWire struct {
	Title     string   `json:"title"`
	Greeting  string   `json:"greeting"`
	Offline   string   `json:"offline"`
	Phone     string   `json:"phone"`
	SMS       string   `json:"sms"`
	Color     string   `json:"color"`
	Position  string   `json:"position"`
	Theme     string   `json:"theme,omitempty"`
	Label     string   `json:"label,omitempty"`
	Lang      string   `json:"lang"`
	Languages []string `json:"languages"`
	OnDuty    bool     `json:"on_duty"`
	// Notice is what is wrong with the desk now, in the visitor's language.
	Notice string `json:"notice,omitempty"`
	// When somebody is back, while the desk is closed; and how long a first answer
	// takes at this time of day, in seconds, where enough is known to say so.
	Back       string         `json:"back,omitempty"`
	Reply      int            `json:"reply,omitempty"`
	Identity   bool           `json:"identity_required"`
	Form       []questionWire `json:"form,omitempty"`
	Invites    []inviteWire   `json:"invites,omitempty"`
	InviteDays int            `json:"invite_days,omitempty"`
	Limits     limitsWire     `json:"limits"`
}

type limitsWire struct {
	Text            int   `json:"text"`
	Attachments     int   `json:"attachments"`
	AttachmentBytes int64 `json:"attachment_bytes"`
}

func (a *Adapter) serveConfig(w http.ResponseWriter, r *http.Request) error {
	lang := a.language(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	own := func(set, key string) string {
		if set != "" {
			return set
		}
		return a.text(lang, key)
	}
	service := a.env.Feed.Service(r.Context())
	back := ""
	if service.Known && !service.Open && !service.Back.IsZero() {
		back = service.Back.UTC().Format(time.RFC3339)
	}
	var notices []string
	for _, n := range service.Notices {
		notices = append(notices, n.In(lang, a.account.Language))
	}
	body, err := json.Marshal(configWire{
		Notice:   strings.Join(notices, " "),
		Title:    own(a.set.Heading, "visitor.title"),
		Greeting: own(a.set.Greeting, "visitor.greeting"),
		Offline:  own(a.set.Offline, "visitor.offline"),
		Phone:    a.set.Phone, SMS: a.set.SMS,
		Color: a.set.Color, Position: a.set.Position, Theme: a.set.Theme, Label: a.set.Label, Lang: lang, Languages: a.languages(),
		OnDuty: a.env.Feed.OnDuty(r.Context()), Identity: a.set.RequireIdentity,
		Back: back, Reply: int(service.Reply / time.Second),
		Form: a.questionWires(lang), Invites: a.inviteWires(lang), InviteDays: a.set.InviteDays,
		Limits: limitsWire{Text: textLimit, Attachments: filesLimit, AttachmentBytes: fileLimit},
	})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=60")
	h.Add("Vary", "Accept-Language")
	h.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	writeBody(w, http.StatusOK, append(body, '\n'))
	return nil
}

func (a *Adapter) languages() []string {
	if len(a.set.Languages) == 0 {
		return holdfast.Languages
	}
	return a.set.Languages
}

// language is the first of the wishes that this chat speaks, else the workspace's own.
func (a *Adapter) language(wish, accept string) string {
	spoken := a.languages()
	wishes := []string{wish}
	for part := range strings.SplitSeq(accept, ",") {
		tag, _, _ := strings.Cut(part, ";")
		wishes = append(wishes, tag)
	}
	for _, tag := range append(wishes, a.account.Language) {
		base, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if base != "" && slices.Contains(spoken, base) {
			return base
		}
	}
	return spoken[0]
}

type sessionRequest struct {
	Identity *identity `json:"identity"`
	Name     string    `json:"name"`
	Email    string    `json:"email"`
	Lang     string    `json:"lang"`
	Page     string    `json:"page"`
}

type sessionWire struct {
	Token    string    `json:"token"`
	Visitor  string    `json:"visitor"`
	Expires  time.Time `json:"expires"`
	Verified bool      `json:"verified"`
	Name     string    `json:"name,omitempty"`
	Lang     string    `json:"lang"`
}

// startSession names a visitor, or renews the name of one who comes with a token.
func (a *Adapter) startSession(w http.ResponseWriter, r *http.Request) error {
	if err := a.limits.remote(remoteKey(r), a.env.Now()); err != nil {
		return err
	}
	var req sessionRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	c, err := a.claimsFor(r, &req)
	if err != nil {
		return err
	}
	if c.Lang = a.language(req.Lang, ""); req.Lang == "" {
		c.Lang = a.language("", r.Header.Get("Accept-Language"))
	}
	token := a.visitorToken(c)
	if a.origins.trustsCookie(r) {
		a.setCookie(w, r, token)
	}
	writeJSON(w, http.StatusOK, sessionWire{
		Token: token, Visitor: c.Visitor, Expires: time.Unix(c.Expires, 0).UTC(),
		Verified: c.Seal != "", Name: c.Name, Lang: c.Lang,
	})
	return nil
}

// claimsFor is who asks for a session. A token that is no longer good only means
// that the visitor is new; a signature that is wrong is refused.
func (a *Adapter) claimsFor(r *http.Request, req *sessionRequest) (*claims, error) {
	old, oldErr := a.visitor(r)
	id := req.Identity
	if id != nil && (id.UserID != "" || id.HMAC != "" || id.JWT != "") {
		c, err := a.identify(*id)
		if err != nil {
			return nil, err
		}
		switch {
		case oldErr != nil:
		case old.Seal == "":
			c.Was = old.Visitor // this browser wrote before its owner signed in
		case old.Visitor == c.Visitor:
			c.Was = old.Was
		}
		return c, nil
	}
	if oldErr != nil {
		if a.set.RequireIdentity {
			return nil, errIdentityRequired()
		}
		old = &claims{Visitor: holdfast.NewID().String()}
	}
	if id != nil { // a name and an address without a signature are only claims
		req.Name, req.Email = firstOf(req.Name, id.Name), firstOf(req.Email, id.Email)
	}
	if old.Seal == "" {
		old.Name = firstOf(cleanLine(req.Name, 120), old.Name)
		old.Email = firstOf(cleanEmail(req.Email), old.Email)
	}
	return old, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
