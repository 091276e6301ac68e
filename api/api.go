// Package api is the desk over HTTP: who is asking, may they, what do they want,
// and what came of it. routes.go is its table of contents.
//
// It refuses to hold rules of its own: a handler decodes, calls and encodes. It
// does not touch the database and knows no channel by name.
package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"holdfast"
	"holdfast/access"
	"holdfast/blob"
	"holdfast/broadcasts"
	"holdfast/calls"
	"holdfast/channel"
	"holdfast/continuity"
	"holdfast/desk"
	"holdfast/fallback"
	"holdfast/feedback"
	"holdfast/hooks"
	"holdfast/importer"
	"holdfast/inbox"
	"holdfast/intake"
	"holdfast/journal"
	"holdfast/live"
	"holdfast/losses"
	"holdfast/notices"
	"holdfast/outbox"
	"holdfast/paper"
	"holdfast/plans"
	"holdfast/presets"
	"holdfast/search"
	"holdfast/setup"
	"holdfast/status"
	"holdfast/traffic"
	"holdfast/transcript"
)

// Deps are the rooms that the API opens to the world.
type Deps struct {
	Log     *slog.Logger
	Guard   *access.Guard
	Setup   *setup.Setup
	Desk    *desk.Desk
	Inbox   *inbox.Inbox
	Outbox  *outbox.Worker
	Search  *search.Index
	Journal *journal.Journal
	Hooks   *hooks.Hooks
	Hub     *live.Hub
	Files   *blob.Files
	Intake  *intake.Intake
	// Presets are canned replies, macros, saved views and custom fields.
	Presets *presets.Presets
	// Feedback asks customers to rate and keeps what they say.
	Feedback *feedback.Feedback
	// Transcripts mails conversations to who had them.
	Transcripts *transcript.Transcripts
	// Importer brings the history of other desks.
	Importer *importer.Importer
	// Broadcasts tells many customers at once.
	Broadcasts *broadcasts.Broadcasts
	// Status keeps what customers and colleagues are told of how the desk is.
	Status *status.Status
	// Paper makes sheets for when no screen works, and takes in what was written on them.
	Paper *paper.Paper
	// Calls hands out whom to call.
	Calls *calls.Calls
	// Losses works out what outages cost.
	Losses *losses.Losses
	// Channels is what runs: health, tests, webhooks, replays.
	Channels Channels
	// Demo fills a demo workspace and returns it with its administrator.
	Demo func(ctx context.Context) (workspace, operator holdfast.ID, err error)
	// Ready is nil when the desk can take messages, else why not.
	Ready func() error
	// Figures writes the metrics of this desk.
	Figures func(w io.Writer)
	Notices *notices.Notices
	// Continuity knows how far this node gets.
	Continuity *continuity.Continuity
	// Traffic says which uplink carries what.
	Traffic *traffic.Traffic
	// Fallback is which way reaches whom, and who has agreed to what.
	Fallback *fallback.Fallback
	Plans    *plans.Plans
	// Vouching is who signs people in by their word.
	Vouching Vouching
	// PublicURL is where the world reaches this desk, without a trailing slash.
	PublicURL string
	// Proxies are believed when they say whom they forward.
	Proxies []netip.Prefix
	// Pages serves what is not the API: the console, the widget.
	Pages http.Handler
	Limit int64 // of an upload, in bytes
	// AttachmentKey signs what was uploaded (see attachmentID).
	AttachmentKey []byte
	// Uploaded is told of every file that was uploaded for a message not yet written.
	Uploaded func(at holdfast.Attachment)
	// Clean makes HTML safe to show.
	Clean func(html string) (clean string, remote bool)
}

// Channels is the running side of channel accounts.
type Channels interface {
	Health(account holdfast.ID) channel.Health
	Test(ctx context.Context, workspace, account holdfast.ID) ([]channel.Check, error)
	// Estimate says what a text comes to; nil for accounts that do not bill by its
	// length.
	Estimate(account holdfast.ID, text string) *channel.Estimate
	Replay(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, arrival *inbox.Arrival) (channel.Accepted, error)
}

// API serves HTTP. Make one with New.
type API struct {
	Deps
	mux  *http.ServeMux
	huma huma.API
	// routes remembers every route's permission, for the document and the tests.
	routes []Route
	// described is the document, written once: many may ask, and some read slowly.
	described func() ([]byte, error)
	mounts    []mount
}

// Route is one line of the table of contents.
type Route struct {
	Method     string
	Path       string
	Permission holdfast.Permission // "" for the routes that sign somebody in
	Summary    string
}

// The library keeps these for the whole process: they are set before anybody can read them.
func init() {
	huma.NewError = newError
	huma.DefaultArrayNullable = false // lists are empty, never null
}

// New wires the routes. It does no I/O.
func New(d Deps) *API {
	a := &API{Deps: d, mux: http.NewServeMux()}
	c := huma.DefaultConfig("Holdfast", holdfast.Version)
	c.Info.Description = "A customer-service desk that keeps serving customers when the internet does not.\n\n" +
		"Every create takes a client-made id (a UUID): sending the same one again gives the same thing. " +
		"Errors carry a stable code and the next step. Lists are read page by page with the cursor in \"next\"."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", Description: "An API token: hf_…"},
		"session": {Type: "apiKey", In: "cookie", Name: sessionCookie},
	}
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[holdfast.Clock](), reflect.TypeFor[string]())
	c.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[holdfast.ID](), reflect.TypeFor[string]())
	a.huma = humago.New(a.mux, c)
	a.register()
	a.described = sync.OnceValues(func() ([]byte, error) { return a.huma.OpenAPI().MarshalJSON() })
	return a
}

// schemaName tells types of the same name in two rooms apart: InboxAddress, Address.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if strings.HasPrefix(t.Name(), "page[") {
		return schemaName(t.Field(0).Type.Elem(), "") + "Page"
	}
	room := t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:]
	if t.Name() == "" || room == "api" || room == "holdfast" || room == "" {
		return name
	}
	return strings.ToUpper(room[:1]) + room[1:] + name
}

// Routes lists every route of the API, for the document and the tests that walk them.
func (a *API) Routes() []Route { return a.routes }

// OpenAPI is the document that describes the API.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

type mount struct {
	prefix  string
	handler http.Handler
}

// Mount hands a path prefix to another handler: channels' webhooks. It is
// called before the first request.
func (a *API) Mount(prefix string, h http.Handler) {
	a.mounts = append(a.mounts, mount{strings.TrimSuffix(prefix, "/") + "/", h})
}

type requestKey struct{}

// request is what a handler may know of the HTTP request: who says they ask, and from where.
type request struct {
	secret    string
	byCookie  bool
	workspace holdfast.ID
	badSpace  bool
	command   holdfast.ID
	address   string
	agent     string
	client    string
	method    string
	secure    bool
}

const sessionCookie = "hf_session"

// ServeHTTP serves everything: API, channels' webhooks, pages.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address, secure := a.origin(r)
	r.RemoteAddr = address
	for _, m := range a.mounts {
		if strings.HasPrefix(r.URL.Path, m.prefix) {
			m.handler.ServeHTTP(w, r)
			return
		}
	}
	if !strings.HasPrefix(r.URL.Path, "/api/") && !fixedPaths[r.URL.Path] {
		a.Pages.ServeHTTP(w, r)
		return
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	q := &request{address: address, agent: r.UserAgent(), client: r.Header.Get("Holdfast-Client"), method: r.Method, secure: secure}
	if t, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		q.secret = strings.TrimSpace(t)
	} else if c, err := r.Cookie(sessionCookie); err == nil {
		q.secret, q.byCookie = c.Value, true
	}
	if ws := r.Header.Get("Holdfast-Workspace"); ws != "" {
		id, err := holdfast.ParseID(ws)
		q.workspace, q.badSpace = id, err != nil
	} else if ws := r.URL.Query().Get("workspace"); ws != "" && r.Method == http.MethodGet {
		id, err := holdfast.ParseID(ws)
		q.workspace, q.badSpace = id, err != nil
	}
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		id, err := holdfast.ParseID(key)
		if err != nil {
			id = holdfast.DeriveID(holdfast.ID{}, key)
		}
		q.command = id
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		r.Body = http.MaxBytesReader(w, r.Body, a.Limit+1<<20)
	}
	a.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, q)))
}

var fixedPaths = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true, "/openapi.json": true, "/docs": true, "/docs.js": true}

// origin is the client's address without its port, and whether it came over TLS;
// a trusted proxy's word is taken for both.
func (a *API) origin(r *http.Request) (address string, secure bool) {
	secure = r.TLS != nil
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr, secure
	}
	ip := peer.Addr().Unmap()
	if !a.trusted(ip) {
		return ip.String(), secure
	}
	secure = secure || r.Header.Get("X-Forwarded-Proto") == "https"
	hops := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		ip = hop.Unmap()
		if !a.trusted(ip) {
			break
		}
	}
	return ip.String(), secure
}

func (a *API) trusted(ip netip.Addr) bool {
	for _, p := range a.Proxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// who authenticates a request and checks that it may do p.
func (a *API) who(ctx context.Context, p holdfast.Permission) (access.Identity, error) {
	q := ctx.Value(requestKey{}).(*request)
	if q.secret == "" {
		return access.Identity{}, holdfast.Errorf(holdfast.Unauthenticated, "signin.needed", "sign in first").
			WithNext("Sign in, or send an API token as \"Authorization: Bearer hf_…\".")
	}
	if q.byCookie && q.method != http.MethodGet && q.method != http.MethodHead && q.client == "" {
		return access.Identity{}, holdfast.Errorf(holdfast.Forbidden, "request.forged", "a browser's request must come from the console").
			WithNext("Send the header Holdfast-Client, which another site cannot.")
	}
	id, err := a.Guard.Authenticate(ctx, q.secret, q.workspace, q.address, q.agent)
	if err != nil {
		return id, err
	}
	if q.badSpace {
		return access.Identity{}, holdfast.Errorf(holdfast.Invalid, "workspace.malformed", "the workspace is not an id")
	}
	return id, id.Require(p)
}

// admit lets a request in before anything of it is read: whoever may not ask is
// told that, and nothing about how to ask.
func (a *API) admit(p holdfast.Permission) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		id, err := a.who(hc.Context(), p)
		if err != nil {
			r, w := humago.Unwrap(hc)
			a.writeProblem(w, r, err)
			return
		}
		next(huma.WithValue(hc, identityKey{}, id))
	}
}

type identityKey struct{}

// by is who asks, in the desk's words.
func by(ctx context.Context, id access.Identity) desk.By {
	q := ctx.Value(requestKey{}).(*request)
	return desk.By{Workspace: id.Workspace, Actor: id.Actor, Operator: id.Operator, Command: q.command}
}

// handle registers one route that names its permission.
func handle[I, O any](a *API, method, path string, p holdfast.Permission, summary string, h func(ctx context.Context, id access.Identity, in *I) (*O, error)) {
	a.operation(method, path, p, summary)
	op := a.describe(method, path, p, summary)
	op.Middlewares = huma.Middlewares{a.admit(p)}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, ctx.Value(identityKey{}).(access.Identity), in)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return out, nil
	})
}

// open registers one of the few routes that nobody has signed in for yet.
func open[I, O any](a *API, method, path, summary string, h func(ctx context.Context, in *I) (*O, error)) {
	a.operation(method, path, "", summary)
	huma.Register(a.huma, a.describe(method, path, "", summary), func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return out, nil
	})
}

func (a *API) operation(method, path string, p holdfast.Permission, summary string) {
	a.routes = append(a.routes, Route{method, "/api/v1" + path, p, summary})
}

func (a *API) describe(method, path string, p holdfast.Permission, summary string) huma.Operation {
	tag, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	op := huma.Operation{
		Method: method, Path: "/api/v1" + path, Summary: summary, Tags: []string{tag},
		OperationID:  operationID(method, path),
		MaxBodyBytes: 4 << 20,
		Errors:       []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict},
	}
	if p != "" {
		op.Security = []map[string][]string{{"token": {}}, {"session": {}}}
		op.Description = "Needs the permission `" + string(p) + "`."
	}
	return op
}

func operationID(method, path string) string {
	words := []string{strings.ToLower(method)}
	for part := range strings.SplitSeq(path, "/") {
		part = strings.Trim(part, "{}")
		if part != "" {
			words = append(words, part)
		}
	}
	return strings.Join(words, "-")
}

// nothing is the answer to a command that has no other.
type nothing struct{ Status int }

var done = &nothing{Status: http.StatusNoContent}

// body wraps an answer in JSON.
type body[T any] struct{ Body T }

// created is an answer to a create.
type created[T any] struct {
	Status int
	Body   T
}

func ok[T any](v T, err error) (*body[T], error) {
	if err != nil {
		return nil, err
	}
	return &body[T]{v}, nil
}

func made[T any](v T, err error) (*created[T], error) {
	if err != nil {
		return nil, err
	}
	return &created[T]{http.StatusCreated, v}, nil
}

func end(err error) (*nothing, error) {
	if err != nil {
		return nil, err
	}
	return done, nil
}

// page is a part of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next" doc:"Cursor of the next page; empty at the end."`
}

func paged[T any](items []T, next string, err error) (*body[page[T]], error) {
	if err != nil {
		return nil, err
	}
	if items == nil {
		items = []T{}
	}
	return &body[page[T]]{page[T]{items, next}}, nil
}

// PageIn is how a list is asked for.
type PageIn struct {
	Cursor string `query:"cursor" doc:"From the previous page's \"next\"."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// IDIn names one thing.
type IDIn struct {
	ID string `path:"id" format:"uuid"`
}

func (in IDIn) id() holdfast.ID { id, _ := holdfast.ParseID(in.ID); return id }

// parseID reads an id in a body or a query; empty is the zero ID.
func parseID(s, field string) (holdfast.ID, error) {
	if s == "" {
		return holdfast.ID{}, nil
	}
	id, err := holdfast.ParseID(s)
	if err != nil {
		return id, holdfast.Errorf(holdfast.Invalid, "id.malformed", "%s is not an id", field).WithField(field)
	}
	return id, nil
}

// requestTime bounds an ordinary request.
const requestTime = 30 * time.Second

// plain registers a route whose answer is not JSON: a file, a page, a stream. Its
// handler checks the permission itself, with who.
func (a *API) plain(method, path string, p holdfast.Permission, summary string, h http.HandlerFunc) {
	a.operation(method, path, p, summary)
	op := a.describe(method, path, p, summary)
	op.Responses = map[string]*huma.Response{"200": {Description: "See the summary."}}
	for part := range strings.SplitSeq(path, "/") {
		if name, found := strings.CutPrefix(part, "{"); found {
			op.Parameters = append(op.Parameters, &huma.Param{Name: strings.TrimSuffix(name, "}"), In: "path", Required: true, Schema: &huma.Schema{Type: "string"}})
		}
	}
	a.huma.OpenAPI().AddOperation(&op)
	a.mux.HandleFunc(method+" /api/v1"+path, h)
}

func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	a.writeProblem(w, r, &Problem{Status: http.StatusNotFound, Code: "route.missing", Message: "there is no " + r.Method + " " + r.URL.Path, Next: "Read /docs for the routes there are."})
}
