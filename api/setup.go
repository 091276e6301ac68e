package api

import (
	"context"
	"encoding/json"
	"html"
	"net/http"

	"holdfast"
	"holdfast/access"
	"holdfast/channel"
	"holdfast/setup"
)

// kindView is a kind of channel in the asker's language.
type kindView struct {
	Name   string         `json:"name"`
	Title  string         `json:"title"`
	About  string         `json:"about"`
	Icon   string         `json:"icon" doc:"An SVG."`
	Scheme string         `json:"scheme"`
	Needs  holdfast.Reach `json:"needs"`
	Limits limitsView     `json:"limits"`
	Fields []fieldView    `json:"fields"`
}

type limitsView struct {
	Text            int   `json:"text"`
	Attachments     int   `json:"attachments"`
	AttachmentBytes int64 `json:"attachment_bytes"`
	HTML            bool  `json:"html"`
	Subject         bool  `json:"subject"`
	CC              bool  `json:"cc"`
}

type fieldView struct {
	Name         string       `json:"name"`
	Label        string       `json:"label"`
	Help         string       `json:"help,omitempty"`
	Type         string       `json:"type" enum:"text,secret,number,bool,select,lines"`
	Section      string       `json:"section,omitempty"`
	SectionLabel string       `json:"section_label,omitempty"`
	Required     bool         `json:"required,omitempty"`
	Options      []optionView `json:"options,omitempty"`
	Show         string       `json:"show,omitempty"`
	Default      any          `json:"default,omitempty"`
}

type optionView struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

func (a *API) listKinds(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[kindView]], error) {
	var list []kindView
	for _, k := range a.Setup.Kinds() {
		list = append(list, describeKind(k, id.Language))
	}
	return paged(list, "", nil)
}

func describeKind(k *channel.Kind, lang string) kindView {
	texts := k.Texts[lang]
	if texts == nil {
		texts = k.Texts["en"]
	}
	text := func(key, otherwise string) string {
		if t := texts[key]; t != "" {
			return t
		}
		return otherwise
	}
	v := kindView{Name: k.Name, Title: text("title", k.Name), About: text("about", ""), Icon: k.Icon, Scheme: k.Scheme, Needs: k.Needs,
		Limits: limitsView{k.Limits.Text, k.Limits.Attachments, k.Limits.AttachmentBytes, k.Limits.HTML, k.Limits.Subject, k.Limits.CC}}
	for _, f := range k.Form() {
		fv := fieldView{Name: f.Name, Label: text(f.Name, f.Name), Help: text(f.Name+".help", ""), Type: f.Type, Section: f.Section,
			Required: f.Required, Show: f.Show, Default: f.Default}
		if f.Section != "" {
			fv.SectionLabel = text("section."+f.Section, f.Section)
		}
		for _, o := range f.Options {
			fv.Options = append(fv.Options, optionView{o, text("option."+o, o)})
		}
		v.Fields = append(v.Fields, fv)
	}
	return v
}

// channelView is a channel account, how it is, and how to put it on a site.
type channelView struct {
	setup.View
	Health channel.Health `json:"health"`
	Embed  string         `json:"embed,omitempty" doc:"A tag for the pages of a site, for kinds that live on one."`
	// Whoever answers all of a letter's readers must know which of them is the desk.
	Address string `json:"address,omitempty" doc:"The address that people write to, for kinds that have one."`
	// Whoever writes must know the price also while the desk cannot be asked.
	Estimate *channel.Estimate `json:"estimate,omitempty" doc:"Of an empty text, for kinds that bill by length: the most parts, and the price of one."`
}

func (a *API) channelView(id access.Identity, v setup.View) channelView {
	cv := channelView{View: v}
	if v.Enabled && !v.Removed {
		cv.Health = a.Channels.Health(v.ID)
		cv.Estimate = a.Channels.Estimate(v.ID, "")
	}
	if k, err := a.Setup.Kind(v.Kind); err == nil && k.Mount != "" {
		cv.Embed = `<script async src="` + html.EscapeString(a.PublicURL) + `/widget.js" data-channel="` + v.ID.String() + `"></script>`
	}
	cv.Address, _ = v.Settings["address"].(string)
	if !id.May(holdfast.ManageChannels) {
		cv.Settings = nil
	}
	return cv
}

func (a *API) listChannels(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[channelView]], error) {
	views, err := a.Setup.Channels(ctx, id.Workspace)
	if err != nil {
		return nil, err
	}
	list := make([]channelView, 0, len(views))
	for _, v := range views {
		list = append(list, a.channelView(id, v))
	}
	return paged(list, "", nil)
}

func (a *API) readChannel(ctx context.Context, id access.Identity, in *IDIn) (*body[channelView], error) {
	v, err := a.Setup.Channel(ctx, id.Workspace, in.id())
	return ok(a.channelView(id, v), err)
}

type createChannelIn struct {
	Body struct {
		ID       string          `json:"id" format:"uuid"`
		Kind     string          `json:"kind"`
		Name     string          `json:"name" maxLength:"100"`
		Team     string          `json:"team,omitempty"`
		Disabled bool            `json:"disabled,omitempty"`
		Settings json.RawMessage `json:"settings,omitempty" doc:"By the fields of the kind; see GET /channel-kinds."`
	}
}

func (a *API) createChannel(ctx context.Context, id access.Identity, in *createChannelIn) (*created[channelView], error) {
	n := setup.NewChannel{Kind: in.Body.Kind, Name: in.Body.Name, Disabled: in.Body.Disabled, Settings: in.Body.Settings}
	var err error
	if n.ID, err = parseID(in.Body.ID, "id"); err != nil {
		return nil, err
	}
	if n.Team, err = parseID(in.Body.Team, "team"); err != nil {
		return nil, err
	}
	v, err := a.Setup.CreateChannel(ctx, id, n)
	return made(a.channelView(id, v), err)
}

type changeChannelIn struct {
	IDIn
	Body struct {
		Name     *string         `json:"name,omitempty" maxLength:"100"`
		Enabled  *bool           `json:"enabled,omitempty"`
		Team     *string         `json:"team,omitempty" doc:"Empty: none."`
		Settings json.RawMessage `json:"settings,omitempty" doc:"Absent fields and empty secrets stay as they are."`
	}
}

func (a *API) changeChannel(ctx context.Context, id access.Identity, in *changeChannelIn) (*body[channelView], error) {
	c := setup.ChannelChange{Name: in.Body.Name, Enabled: in.Body.Enabled, Settings: in.Body.Settings}
	if in.Body.Team != nil {
		team, err := parseID(*in.Body.Team, "team")
		if err != nil {
			return nil, err
		}
		c.Team = &team
	}
	v, err := a.Setup.ChangeChannel(ctx, id, in.id(), c)
	return ok(a.channelView(id, v), err)
}

func (a *API) deleteChannel(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Setup.DeleteChannel(ctx, id, in.id()))
}

type checkView struct {
	channel.Check
	Label string `json:"label"`
}

type checks struct {
	Checks []checkView `json:"checks"`
}

func (a *API) testChannel(ctx context.Context, id access.Identity, in *IDIn) (*body[checks], error) {
	v, err := a.Setup.Channel(ctx, id.Workspace, in.id())
	if err != nil {
		return nil, err
	}
	list, err := a.Channels.Test(ctx, id.Workspace, in.id())
	if err != nil {
		return nil, err
	}
	k, err := a.Setup.Kind(v.Kind)
	if err != nil {
		return nil, err
	}
	out := checks{Checks: []checkView{}}
	for _, c := range list {
		label := k.Texts[id.Language][c.Name]
		if label == "" {
			label = c.Name
		}
		out.Checks = append(out.Checks, checkView{c, label})
	}
	return ok(out, nil)
}

func (a *API) readWorkspace(ctx context.Context, id access.Identity, _ *struct{}) (*body[setup.Workspace], error) {
	return ok(a.Setup.Workspace(ctx, id.Workspace))
}

type changeWorkspaceIn struct {
	Body struct {
		Name     *string         `json:"name,omitempty" maxLength:"100"`
		Language *string         `json:"language,omitempty" enum:"en,ru,fa"`
		TimeZone *string         `json:"time_zone,omitempty" doc:"IANA name: Asia/Tehran."`
		Settings *setup.Settings `json:"settings,omitempty"`
	}
}

func (a *API) changeWorkspace(ctx context.Context, id access.Identity, in *changeWorkspaceIn) (*body[setup.Workspace], error) {
	return ok(a.Setup.ChangeWorkspace(ctx, id, setup.WorkspaceChange{Name: in.Body.Name, Language: in.Body.Language, TimeZone: in.Body.TimeZone, Settings: in.Body.Settings}))
}

func (a *API) listWorkspaces(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[setup.Workspace]], error) {
	list, err := a.Setup.Workspaces(ctx, id)
	return paged(list, "", err)
}

type createWorkspaceIn struct {
	Body struct {
		ID       string `json:"id" format:"uuid"`
		Name     string `json:"name" maxLength:"100"`
		Language string `json:"language" enum:"en,ru,fa"`
		TimeZone string `json:"time_zone"`
	}
}

func (a *API) createWorkspace(ctx context.Context, id access.Identity, in *createWorkspaceIn) (*created[setup.Workspace], error) {
	wid, err := parseID(in.Body.ID, "id")
	if err != nil {
		return nil, err
	}
	return made(a.Setup.CreateWorkspace(ctx, id, setup.NewWorkspace{ID: wid, Name: in.Body.Name, Language: in.Body.Language, TimeZone: in.Body.TimeZone}))
}

func (a *API) listWebhooks(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[setup.Webhook]], error) {
	list, err := a.Setup.Webhooks(ctx, id.Workspace)
	return paged(list, "", err)
}

type createWebhookIn struct {
	Body struct {
		ID    string   `json:"id" format:"uuid"`
		URL   string   `json:"url" maxLength:"2000"`
		Kinds []string `json:"kinds,omitempty" doc:"Kinds of entries; empty: all."`
	}
}

func entryKinds(list []string) []holdfast.EntryKind {
	kinds := make([]holdfast.EntryKind, len(list))
	for i, k := range list {
		kinds[i] = holdfast.EntryKind(k)
	}
	return kinds
}

func (a *API) createWebhook(ctx context.Context, id access.Identity, in *createWebhookIn) (*created[setup.Webhook], error) {
	wid, err := parseID(in.Body.ID, "id")
	if err != nil {
		return nil, err
	}
	return made(a.Setup.CreateWebhook(ctx, id, setup.NewWebhook{ID: wid, URL: in.Body.URL, Kinds: entryKinds(in.Body.Kinds)}))
}

type changeWebhookIn struct {
	IDIn
	Body struct {
		URL     *string   `json:"url,omitempty" maxLength:"2000"`
		Kinds   *[]string `json:"kinds,omitempty"`
		Enabled *bool     `json:"enabled,omitempty"`
	}
}

func (a *API) changeWebhook(ctx context.Context, id access.Identity, in *changeWebhookIn) (*body[setup.Webhook], error) {
	c := setup.WebhookChange{URL: in.Body.URL, Enabled: in.Body.Enabled}
	if in.Body.Kinds != nil {
		kinds := entryKinds(*in.Body.Kinds)
		c.Kinds = &kinds
	}
	return ok(a.Setup.ChangeWebhook(ctx, id, in.id(), c))
}

func (a *API) rotateWebhook(ctx context.Context, id access.Identity, in *IDIn) (*body[setup.Webhook], error) {
	return ok(a.Setup.RotateWebhook(ctx, id, in.id()))
}

func (a *API) deleteWebhook(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Setup.DeleteWebhook(ctx, id, in.id()))
}

// start is what an installation offers before anybody has signed in.
type start struct {
	State     string   `json:"state" enum:"empty,ready"`
	Version   string   `json:"version"`
	Languages []string `json:"languages"`
	Demo      bool     `json:"demo" doc:"The first workspace is the demo."`
}

func (a *API) readStart(ctx context.Context, _ *struct{}) (*body[start], error) {
	s := start{State: "ready", Version: holdfast.Version, Languages: holdfast.Languages}
	empty, err := a.Setup.Empty(ctx)
	if err != nil {
		return nil, err
	}
	if empty {
		s.State = "empty"
		return ok(s, nil)
	}
	list, err := a.Setup.Workspaces(ctx, access.System(holdfast.ID{}))
	if err == nil && len(list) > 0 {
		s.Demo = list[0].Demo
	}
	return ok(s, err)
}

type startDeskIn struct {
	Body struct {
		Code     string `json:"code" maxLength:"200" doc:"From the link that the program printed when it started."`
		Name     string `json:"name" maxLength:"100"`
		Language string `json:"language" enum:"en,ru,fa"`
		TimeZone string `json:"time_zone"`
		Operator struct {
			Name     string `json:"name" maxLength:"200"`
			Email    string `json:"email" maxLength:"254"`
			Password string `json:"password" maxLength:"1024"`
		} `json:"operator"`
		Channel *struct {
			Kind     string          `json:"kind"`
			Name     string          `json:"name" maxLength:"100"`
			Settings json.RawMessage `json:"settings,omitempty"`
		} `json:"channel,omitempty"`
	}
}

type started struct {
	Status    int
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      struct {
		Workspace setup.Workspace `json:"workspace"`
		Channel   *channelView    `json:"channel,omitempty"`
		Problem   *Problem        `json:"problem,omitempty" doc:"Why the first channel could not be connected; the desk itself is there."`
	}
}

func (a *API) startDesk(ctx context.Context, in *startDeskIn) (*started, error) {
	q := ctx.Value(requestKey{}).(*request)
	b := &in.Body
	if b.Code == "" {
		return nil, holdfast.Errorf(holdfast.Unauthenticated, "link.unknown", "setting up needs the link that the program printed").
			WithNext("Look at the terminal where Holdfast was started, or run \"holdfast operator link\".").WithField("code")
	}
	ws, session, err := a.Setup.Found(ctx, setup.Founding{Link: b.Code, Address: q.address, Agent: q.agent,
		Workspace: setup.NewWorkspace{ID: holdfast.NewID(), Name: b.Name, Language: b.Language, TimeZone: b.TimeZone},
		Operator:  access.NewOperator{ID: holdfast.NewID(), Name: b.Operator.Name, Email: b.Operator.Email, Password: b.Operator.Password, Language: b.Language}})
	if err != nil {
		return nil, err
	}
	out := &started{Status: http.StatusCreated, SetCookie: sessionCookieFor(ctx, session)}
	out.Body.Workspace = ws
	if b.Channel != nil && b.Channel.Kind != "" {
		id := access.System(ws.ID)
		v, err := a.Setup.CreateChannel(ctx, id, setup.NewChannel{ID: holdfast.NewID(), Kind: b.Channel.Kind, Name: b.Channel.Name, Settings: b.Channel.Settings})
		if err != nil {
			out.Body.Problem = problem(err)
		} else {
			cv := a.channelView(id, v)
			out.Body.Channel = &cv
		}
	}
	return out, nil
}

func (a *API) startDemo(ctx context.Context, in *codeIn) (*started, error) {
	q := ctx.Value(requestKey{}).(*request)
	operator, err := a.Guard.CheckLink(ctx, in.Body.Code)
	if err != nil {
		return nil, err
	}
	if !operator.IsZero() {
		return nil, holdfast.Errorf(holdfast.Conflict, "setup.done", "this installation is set up already").WithNext("Sign in.")
	}
	ws, admin, err := a.Demo(ctx)
	if err != nil {
		return nil, err
	}
	session, err := a.Guard.OpenSession(ctx, admin, q.address, q.agent)
	if err != nil {
		return nil, err
	}
	out := &started{Status: http.StatusCreated, SetCookie: sessionCookieFor(ctx, session)}
	out.Body.Workspace, err = a.Setup.Workspace(ctx, ws)
	return out, err
}
