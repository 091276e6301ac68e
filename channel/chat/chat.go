// Package chat is the channel of a site's own chat: the far end of the widget
// and the visitor's API below /chat/v1. What a visitor writes goes to
// channel.Sink; what operators answer is read back from channel.Feed by number,
// over WebSocket, server-sent events or long-poll.
//
// It refuses to store anything itself, to believe a visitor's word about who he
// is (only a signature counts), to show one visitor what belongs to another, and
// to tell a visitor that a message has arrived before Sink.Accept has said so.
package chat

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"holdfast"
	"holdfast/channel"
)

const (
	scheme     = "visitor"
	textLimit  = 10_000 // characters of one message
	fileLimit  = 40 << 20
	filesLimit = 10
	labelLimit = 24 // characters on the button
)

//go:embed icon.svg
var icon string

//go:embed texts.json
var textsJSON []byte

// Settings is what an administrator sets for one site's chat.
type Settings struct {
	Heading   string   `json:"heading" form:"section=look"`
	Greeting  string   `json:"greeting" form:"section=look"`
	Offline   string   `json:"offline" form:"section=look"`
	Color     string   `json:"color" form:"section=look"`
	Position  string   `json:"position" form:"section=look,options=end;start"`
	Theme     string   `json:"theme" form:"section=look,options=auto;light;dark"`
	Label     string   `json:"label" form:"section=look"`
	Languages []string `json:"languages" form:"section=look"`

	// Form is what is asked before the first message; see parseQuestions.
	Form []string `json:"form" form:"section=form"`

	// Invites are said to visitors who have not asked yet; see parseInvites.
	Invites    []string `json:"invites" form:"section=invites"`
	InviteDays int      `json:"invite_days" form:"section=invites"`

	// Requests switches the hosted form on.
	Requests bool `json:"requests" form:"section=form"`
	// CountryCode is what telephone numbers without one are dialled with.
	CountryCode string `json:"country_code" form:"section=form"`

	// Numbers that a visitor is shown while the desk cannot be reached.
	Phone string `json:"phone" form:"section=reach"`
	SMS   string `json:"sms" form:"section=reach"`

	AllowedOrigins  []string       `json:"allowed_origins" form:"section=access"`
	IdentitySecret  channel.Secret `json:"identity_secret" form:"section=access"`
	RequireIdentity bool           `json:"require_identity" form:"section=access"`

	// Messages and uploads a minute; 0 switches the limit off.
	VisitorRate int `json:"visitor_per_minute" form:"section=limits"`
	AddressRate int `json:"address_per_minute" form:"section=limits"`
}

// Kind describes the site chat to the rest of the desk.
func Kind() *channel.Kind {
	texts := channel.ParseTexts(textsJSON)
	return &channel.Kind{
		Name:   "chat",
		Icon:   icon,
		Texts:  texts,
		Needs:  holdfast.Local, // the desk and the site may share one building
		Scheme: scheme,
		Mount:  "/chat/v1",
		Settings: func() any {
			return &Settings{
				Color:       "#0b6e5f",
				Position:    "end",
				Theme:       "auto",
				Languages:   append([]string(nil), holdfast.Languages...),
				VisitorRate: 120,
				InviteDays:  7,
				AddressRate: 3000,
			}
		},
		Limits:   channel.Limits{Text: textLimit, Attachments: filesLimit, AttachmentBytes: fileLimit},
		Resend:   channel.ResendSame, // the far end is ours and reads by number
		Receipts: true,
		New: func(acc channel.Account, env channel.Env) (channel.Adapter, error) {
			return newAdapter(acc, env, texts)
		},
	}
}

// Adapter is one site's chat: a channel.Adapter, channel.Webhook and channel.Listener.
type Adapter struct {
	account  channel.Account
	set      *Settings
	env      channel.Env
	texts    channel.Texts
	origins  origins
	form     []question
	invites  []invite
	tokens   signer
	seal     string // changes with the identity secret; see claims.Seal
	limits   limits
	receipts receipts
	crowd    crowd
}

func newAdapter(acc channel.Account, env channel.Env, texts channel.Texts) (*Adapter, error) {
	set, ok := acc.Settings.(*Settings)
	if !ok {
		return nil, holdfast.Errorf(holdfast.Internal, "chat.settings_type", "chat got settings of type %T", acc.Settings)
	}
	if len(env.Key) < 32 {
		return nil, holdfast.Errorf(holdfast.Internal, "chat.key_short", "chat needs a key of 32 bytes and got %d", len(env.Key))
	}
	if err := set.check(); err != nil {
		return nil, err
	}
	allowed, err := parseOrigins(set.AllowedOrigins, env.PublicURL)
	if err != nil {
		return nil, err
	}
	form, err := parseQuestions(set.Form)
	if err != nil {
		return nil, err
	}
	invites, err := parseInvites(set.Invites)
	if err != nil {
		return nil, err
	}
	a := &Adapter{form: form, invites: invites, account: acc, set: set, env: env, texts: texts, origins: allowed}
	a.tokens = signer{key: env.Key, account: acc.ID}
	if set.IdentitySecret != "" {
		mac := hmac.New(sha256.New, env.Key)
		mac.Write([]byte("seal:" + string(set.IdentitySecret)))
		a.seal = hex.EncodeToString(mac.Sum(nil)[:6])
	}
	a.limits = newLimits(set.VisitorRate, set.AddressRate)
	a.receipts = newReceipts(env.Feed)
	a.crowd = newCrowd(env)
	return a, nil
}

// check refuses what the form cannot: the error is Invalid and names the field.
func (s *Settings) check() error {
	bad := func(field, text, next string) error {
		return holdfast.Errorf(holdfast.Invalid, "channel.setting_invalid", "%s", text).WithField("settings." + field).WithNext(next)
	}
	if s.Color != "" && !hexColor(s.Color) {
		return bad("color", "the colour is not of the form #rrggbb", "Write a colour such as #0b6e5f.")
	}
	if s.Position != "" && s.Position != "start" && s.Position != "end" {
		return bad("position", "the position is unknown", "Choose start or end.")
	}
	if utf8.RuneCountInString(s.Label) > labelLimit || cleanLine(s.Label, labelLimit) != s.Label {
		return bad("label", "the button's text is too long", "Write one or two words, or leave it empty.")
	}
	if s.Phone != "" && cleanPhone(s.Phone) == "" {
		return bad("phone", "this is not a telephone number", "Write it as customers dial it, such as +98 21 1234 5678.")
	}
	if code := strings.TrimPrefix(s.CountryCode, "+"); len(code) > 3 || strings.Trim(code, "0123456789") != "" || strings.HasPrefix(code, "0") {
		return bad("country_code", "this is not a country's calling code", "Write it as +98, or leave it empty.")
	}
	if s.SMS != "" && cleanPhone(s.SMS) == "" {
		return bad("sms", "this is not a telephone number", "Write it as customers dial it, such as +98 912 345 6789.")
	}
	for _, lang := range s.Languages {
		if !holdfast.KnownLanguage(lang) {
			return bad("languages", "the language "+lang+" is unknown", "Use "+strings.Join(holdfast.Languages, ", ")+", one a line.")
		}
	}
	if s.RequireIdentity && s.IdentitySecret == "" {
		return bad("identity_secret", "an identity is required but there is no secret to check it with", "Set the identity secret or accept anonymous visitors.")
	}
	if s.IdentitySecret != "" && len(s.IdentitySecret) < 16 {
		return bad("identity_secret", "the identity secret is shorter than 16 characters", "Use a random secret of 32 characters or more.")
	}
	if s.InviteDays < 0 {
		return bad("invite_days", "the days are negative", "Use 7, for example.")
	}
	if s.VisitorRate < 0 || s.AddressRate < 0 {
		return bad("visitor_per_minute", "a limit is negative", "Use 0 to switch a limit off.")
	}
	return nil
}

func hexColor(s string) bool {
	if len(s) != 7 || s[0] != '#' {
		return false
	}
	for _, c := range s[1:] {
		if !strings.ContainsRune("0123456789abcdefABCDEF", c) {
			return false
		}
	}
	return true
}

// Send has nothing to carry: once the outbox has put the message on disk as
// sent, the visitor reads it through the feed. Delivered and Seen follow as
// reports when the visitor's own client says so.
func (a *Adapter) Send(_ context.Context, m channel.Outbound) (channel.Sent, error) {
	if m.To.Scheme != scheme {
		return channel.Sent{}, &channel.Failure{Reason: channel.Permanent, Code: "wrong_address", Text: "This is not the address of a visitor of the site's chat."}
	}
	if _, err := holdfast.ParseID(m.To.Value); err != nil {
		return channel.Sent{}, &channel.Failure{Reason: channel.Permanent, Code: "wrong_address", Text: "The visitor's id is malformed.", Err: err}
	}
	m.Trace.Remark("kept for the visitor, who reads it by number")
	return channel.Sent{}, nil
}

// Listen has nothing to fetch: visitors come by themselves. It holds their streams
// open until ctx ends, when the account changes or the desk stops, and then sends
// them away; they come back and resume by number.
func (a *Adapter) Listen(ctx context.Context, _ channel.Sink) error {
	<-ctx.Done()
	a.crowd.close()
	return nil
}

// text is a word of this kind in lang, with English behind it.
func (a *Adapter) text(lang, key string) string {
	if t := a.texts[lang][key]; t != "" {
		return t
	}
	return a.texts["en"][key]
}
