// Package app puts the rooms together: it starts them in order, unwinds when one
// fails, stops them in reverse, and watches over what must not stop.
//
// It refuses to hold a rule of the desk: what it decides is who gets whom.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // workspaces have time zones; the machine may know none

	"holdfast"
	"holdfast/access"
	"holdfast/api"
	"holdfast/blob"
	"holdfast/broadcasts"
	"holdfast/bus"
	"holdfast/calls"
	"holdfast/channel"
	"holdfast/channel/all"
	"holdfast/channel/email"
	"holdfast/continuity"
	"holdfast/desk"
	"holdfast/fallback"
	"holdfast/feedback"
	"holdfast/hooks"
	"holdfast/importer"
	"holdfast/inbox"
	"holdfast/intake"
	"holdfast/journal"
	"holdfast/links"
	"holdfast/live"
	"holdfast/losses"
	"holdfast/mutes"
	"holdfast/notices"
	"holdfast/outbox"
	"holdfast/paper"
	"holdfast/plans"
	"holdfast/presets"
	"holdfast/search"
	"holdfast/setup"
	"holdfast/status"
	"holdfast/store"
	"holdfast/traffic"
	"holdfast/transcript"
	"holdfast/unread"
)

// App is the whole desk. Make one with New, then Open, Run, Close.
type App struct {
	Config Config
	Log    *slog.Logger
	// Kinds are the kinds of channels in this build; tests add to them before Open.
	Kinds []*channel.Kind

	DB       *store.DB
	Seal     *store.Sealer
	Journal  *journal.Journal
	Inbox    *inbox.Inbox
	Search   *search.Index
	Intake   *intake.Intake
	Desk     *desk.Desk
	Guard    *access.Guard
	Setup    *setup.Setup
	Outbox   *outbox.Worker
	Hooks    *hooks.Hooks
	Hub      *live.Hub
	Files    *blob.Files
	Importer *importer.Importer
	Notices  *notices.Notices
	Presets  *presets.Presets
	Feedback *feedback.Feedback
	Unread   *unread.Unread
	Mutes    *mutes.Mutes
	// Fallback moves messages on to another way.
	Fallback *fallback.Fallback
	Plans    *plans.Plans
	Status   *status.Status
	Paper    *paper.Paper
	// Calls hands out whom to call.
	Calls *calls.Calls
	// Losses works out what outages cost.
	Losses *losses.Losses
	// Transcripts mails conversations to who had them.
	Transcripts *transcript.Transcripts
	Channels    *Channels
	// Continuity knows how far this node gets.
	Continuity *continuity.Continuity
	// Traffic says which uplink carries what.
	Traffic *traffic.Traffic
	// Broadcasts tells many customers at once.
	Broadcasts *broadcasts.Broadcasts
	API        *api.API

	// Demo fills a demo workspace; set before Open by whoever can.
	Demo func(ctx context.Context) (workspace, operator holdfast.ID, err error)
	// Routes are extra pages, by path prefix; set before Open.
	Routes map[string]http.Handler
	// Prober probes over virtual uplinks, for the demo and tests; nil: the real network.
	Prober func(u links.Uplink) links.Prober
	// OnChannel are told when an account is cut off or carries again, and when what is down
	// is so for its link and no more for itself, or the other way round; set before Run.
	OnChannel []func(account holdfast.ID, state holdfast.ChannelState, code, reason string)
	// PasswordCost is for tests; zero is what a desk runs with.
	PasswordCost access.Cost

	server   *http.Server
	listener net.Listener
	gateway  *email.Gateway
	stamp    net.PacketConn // where other nodes measure their links to this one
	names    names
	uploads  *uploads
}

// New makes a desk of a configuration. It does no I/O.
func New(c Config, log *slog.Logger) *App {
	return &App{Config: c, Log: log, Kinds: all.Kinds(), Routes: map[string]http.Handler{}}
}

// OpenData opens what holds data and nothing that talks to the world: for the
// commands that work beside or without a running desk.
func (a *App) OpenData(ctx context.Context) (err error) {
	if err := os.MkdirAll(a.Config.Data, 0o700); err != nil {
		return holdfast.Errorf(holdfast.Unavailable, "data.folder", "the data folder cannot be made: %w", err)
	}
	if a.Seal, err = store.OpenSealer(a.Config.Data, a.Config.Key); err != nil {
		return err
	}
	if a.DB, err = store.Open(ctx, store.Options{Dir: a.Config.Data, URL: a.Config.DatabaseURL, Log: a.Log}); err != nil {
		return err
	}
	a.Inbox = inbox.New(a.DB)
	a.Search = search.New(a.DB)
	a.Search.Log = a.Log
	a.Journal = journal.New(a.DB, a.Log, a.Inbox, a.Search, outbox.Table{}, presets.Table{}, feedback.Table{}, mutes.Table{}, continuity.Table{}, fallback.Table{}, plans.Table{}, broadcasts.Table{}, status.Table{}, losses.Table{}, calls.Table{})
	changed := func(tx *store.Tx, workspace holdfast.ID, by holdfast.Actor, what string, id holdfast.ID, action string) error {
		_, err := a.Journal.In(tx, workspace, by).Append(id, &holdfast.SetupChanged{What: what, ID: id, Action: action})
		return err
	}
	a.Guard = access.New(a.DB, a.Seal, access.Options{Log: a.Log, Changed: changed, Cost: a.PasswordCost, AddressFailures: 20, PublicURL: a.URL()})
	a.Setup = setup.New(a.DB, a.Seal, a.Guard, a.Kinds, setup.Options{Changed: changed,
		OnChange: func(id holdfast.ID) {
			if a.Channels != nil {
				a.Channels.Changed(id)
			}
		},
		Validate: func(account channel.Account, kind *channel.Kind) error {
			_, err := kind.New(account, channel.Env{Log: a.Log, Now: time.Now, HTTP: http.DefaultClient, Key: a.Seal.Derive("channel key", account.ID), PublicURL: a.URL()})
			return err
		}})
	if err := a.Journal.Open(ctx); err != nil {
		a.DB.Close()
		return err
	}
	return nil
}

// OpenRooms opens the data and makes the rooms over it: everything but sockets.
func (a *App) OpenRooms(ctx context.Context) (err error) {
	if err := a.OpenData(ctx); err != nil {
		return err
	}
	files, err := a.blobs()
	if err != nil {
		a.DB.Close()
		return err
	}
	a.Files = blob.NewFiles(files, a.Config.AttachmentLimit, a.Log)
	a.uploads = &uploads{dir: filepath.Join(a.Config.Data, "uploads"), store: files, inbox: a.Inbox, log: a.Log}
	a.Hub = live.New(a.Journal, bus.New(), a.Log)
	a.Intake = intake.New(a.Journal)
	a.Channels = newChannels(a)
	a.Desk = desk.New(a.Journal, a.Inbox, a.lookup)
	a.Presets = presets.New(a.DB, a.Journal, a.Guard)
	a.Feedback = feedback.New(feedback.Deps{DB: a.DB, Journal: a.Journal, Inbox: a.Inbox, Desk: a.Desk, Log: a.Log,
		Key: a.Seal.Derive("rating links", holdfast.ID{}), PublicURL: a.URL(), Language: a.speaks})
	a.Mutes = mutes.New(mutes.Deps{DB: a.DB, Journal: a.Journal, Log: a.Log, Key: a.Seal.Derive("mail links", holdfast.ID{}), PublicURL: a.URL(), Language: a.speaks,
		SetDigest: func(ctx context.Context, workspace, operator holdfast.ID, on bool) error {
			return a.Notices.SetDigest(ctx, workspace, operator, on)
		},
		HasDigest: func(ctx context.Context, workspace, operator holdfast.ID) (bool, string, error) {
			return a.Notices.HasDigest(ctx, workspace, operator)
		}})
	a.Status = status.New(status.Deps{DB: a.DB, Journal: a.Journal, Log: a.Log, Key: a.Seal.Derive("board links", holdfast.ID{}), PublicURL: a.URL(), House: a.house, Channels: a.shownChannels, Links: a.shownLinks})
	a.Paper = paper.New(paper.Deps{DB: a.DB, Seal: a.Seal, Inbox: a.Inbox, Log: a.Log, Folder: filepath.Join(a.Config.Data, "paper"), Font: persianFace, House: a.house, Workspaces: a.workspaces, Note: a.noteFromPaper, Order: a.callOrder})
	a.Unread = unread.New(unread.Deps{DB: a.DB, Inbox: a.Inbox, Desk: a.Desk, Mutes: a.Mutes, Log: a.Log, Mailbox: a.mailbox, Language: a.speaks})
	a.names = names{guard: a.Guard}
	a.Outbox = outbox.New(a.Journal, a.DB, a.Inbox, a.Channels.Adapter, a.names.of, a.Log)
	a.Fallback = a.newFallback()
	a.Transcripts = transcript.New(transcript.Deps{DB: a.DB, Inbox: a.Inbox, Outbox: a.Outbox, Mailbox: a.mailbox, House: a.house, Author: a.names.of})
	a.Broadcasts = a.broadcasts()
	a.Hooks = hooks.New(a.Journal, a.DB, a.subscriptions, guardedClient(a.Config.AllowPrivate), a.Log)
	a.Notices = notices.New(a.DB, a.Seal, a.Journal, a.Inbox, a.Guard, guardedClient(a.Config.AllowPrivate), a.URL(),
		notices.Mail{Post: a.Outbox.Post, Mailbox: a.mailbox, DigestLink: a.Mutes.DigestLink, Online: a.online, OnDuty: a.onDuty}, a.Log)
	a.Continuity = a.continuity()
	a.Traffic = a.newTraffic()
	a.Plans = a.newPlans()
	a.Losses = a.newLosses()
	a.Calls = a.newCalls()
	a.Importer = importer.New(importer.Deps{DB: a.DB, Seal: a.Seal, Journal: a.Journal, Guard: a.Guard, Setup: a.Setup, Files: a.Files, Log: a.Log,
		Folder: filepath.Join(a.Config.Data, "imports"), Desks: guardedClient(true), Outside: guardedClient(a.Config.AllowPrivate), Clean: email.Clean})
	return nil
}

// Open opens everything and listens, but serves nobody yet. When it fails,
// nothing is left open.
func (a *App) Open(ctx context.Context) (err error) {
	var undo []func()
	defer func() {
		if err != nil {
			for i := len(undo) - 1; i >= 0; i-- {
				undo[i]()
			}
		}
	}()
	// The address first: two desks on one data folder are told apart by it.
	if a.listener, err = net.Listen("tcp", a.Config.Listen); err != nil {
		return holdfast.Errorf(holdfast.Conflict, "listen.failed", "cannot listen on %s: %w", a.Config.Listen, err).
			WithNext("Stop what uses it, or set HOLDFAST_LISTEN to another address.")
	}
	undo = append(undo, func() { a.listener.Close() })
	if err = a.awaitRooms(ctx); err != nil {
		return err
	}
	undo = append(undo, func() { a.DB.Close() })
	var proxies []netip.Prefix
	for _, n := range a.Config.TrustProxy {
		p, err := netip.ParsePrefix(n)
		if err != nil {
			return err
		}
		proxies = append(proxies, p)
	}
	figures := a.figures()
	provider := &vouching{app: a}
	a.API = api.New(api.Deps{Log: a.Log, Guard: a.Guard, Setup: a.Setup, Desk: a.Desk, Inbox: a.Inbox, Outbox: a.Outbox, Search: a.Search,
		Journal: a.Journal, Hooks: a.Hooks, Hub: a.Hub, Files: a.Files, Transcripts: a.Transcripts, Intake: a.Intake, Presets: a.Presets, Feedback: a.Feedback, Importer: a.Importer, Channels: a.Channels, Demo: a.demo, Ready: a.ready,
		Figures:    func(w io.Writer) { a.writeFigures(w, figures) },
		Continuity: a.Continuity,
		Traffic:    a.Traffic,
		Notices:    a.Notices, Vouching: api.Vouching{Now: provider.now, Try: provider.try, File: provider.file},
		Fallback:   a.Fallback,
		Plans:      a.Plans,
		Broadcasts: a.Broadcasts,
		Status:     a.Status,
		Paper:      a.Paper,
		Losses:     a.Losses,
		Calls:      a.Calls,
		PublicURL:  a.URL(), Proxies: proxies, Pages: a.pages(), Limit: a.Config.AttachmentLimit,
		AttachmentKey: a.Seal.Derive("attachment", holdfast.ID{}), Uploaded: a.uploads.note, Clean: email.Clean})
	for prefix, h := range a.Channels.mounts() {
		a.API.Mount(prefix, h)
	}
	a.API.Mount("/rate", a.Feedback)
	a.API.Mount("/mail-off", a.Mutes)
	a.API.Mount("/sent-file", a.Fallback)
	a.API.Mount("/status", a.Status)
	a.API.Mount("/board", http.HandlerFunc(a.Status.Board))
	a.API.Mount("/forms", http.StripPrefix("/forms", http.HandlerFunc(a.Channels.forms)))
	for prefix, h := range a.Routes {
		a.API.Mount(prefix, h)
	}
	if a.Config.SMTPListen != "" {
		a.gateway = email.NewGateway(a.Config.SMTPListen, a.Channels.route, a.Log)
		if err = a.gateway.Open(); err != nil {
			return holdfast.Errorf(holdfast.Conflict, "smtp.listen_failed", "cannot listen for mail on %s: %w", a.Config.SMTPListen, err)
		}
		undo = append(undo, func() { a.gateway.Close() })
	}
	if a.Config.STAMPListen != "" {
		if a.stamp, err = net.ListenPacket("udp", a.Config.STAMPListen); err != nil {
			return holdfast.Errorf(holdfast.Conflict, "stamp.listen_failed", "cannot listen for measurements on %s: %w", a.Config.STAMPListen, err).
				WithNext("Ports below 1024 need a right; set HOLDFAST_STAMP_LISTEN to another address, and the other nodes' target to its port.")
		}
		undo = append(undo, func() { a.stamp.Close() })
	}
	a.server = &http.Server{Handler: patient(a.API), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug)}
	return nil
}

// Run serves until ctx ends or something that must not stop stops.
func (a *App) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	rooms := make(chan error, 1)
	roomsCtx, stopRooms := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRooms()
	go func() {
		err := a.RunRooms(roomsCtx)
		if err != nil {
			cancel(err)
		}
		rooms <- err
	}()
	// Who comes while the channels start waits at the door.
	ready := func() bool {
		select {
		case <-a.Channels.started:
			return true
		case <-ctx.Done():
			return false
		}
	}
	var wg sync.WaitGroup
	if a.gateway != nil {
		wg.Go(func() {
			if !ready() {
				return
			}
			if err := a.gateway.Run(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("smtp: %w", err))
			}
		})
	}
	if a.stamp != nil {
		wg.Go(func() {
			if err := links.Reflect(ctx, a.stamp); err != nil {
				a.Log.Warn("other nodes cannot measure their links to this one any more", "err", err)
			}
		})
	}
	wg.Go(func() {
		if !ready() {
			return
		}
		if err := a.server.Serve(patientListener{a.listener}); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("http: %w", err))
		}
	})
	<-ctx.Done()
	// Nobody is let in any more, then the rooms stop.
	stop, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	if err := a.server.Shutdown(stop); err != nil {
		a.server.Close()
	}
	wg.Wait()
	stopRooms()
	err := <-rooms
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

// RunRooms runs what runs but the sockets, until ctx ends or something that must
// not stop stops: then it stops everything and says what it was.
func (a *App) RunRooms(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	run := func(ctx context.Context, name string, f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	a.Journal.Begin()
	run(ctx, "live", a.Hub.Run)
	run(ctx, "search", a.Search.Run)
	run(ctx, "webhooks", a.Hooks.Run)
	run(ctx, "feedback", a.Feedback.Run)
	run(ctx, "unread", a.Unread.Run)
	run(ctx, "fallback", a.Fallback.Run)
	run(ctx, "plans", a.Plans.Run)
	run(ctx, "channels", a.Channels.Run)
	run(ctx, "timers", a.timers)
	run(ctx, "notices", a.Notices.Run)
	run(ctx, "imports", a.Importer.Run)
	run(ctx, "broadcasts", a.Broadcasts.Run)
	run(ctx, "answers to broadcasts", a.Broadcasts.Follow)
	run(ctx, "alarms", a.alarms)
	run(ctx, "continuity", a.Continuity.Run)
	run(ctx, "traffic", a.Traffic.Run)
	run(ctx, "uploads", a.uploads.run)
	run(ctx, "paper", a.Paper.Run)
	// The outbox stops by Close, which waits for what is in flight; its own context
	// ends only when it did not make it in time.
	outboxCtx, stopOutbox := context.WithCancel(context.WithoutCancel(ctx))
	defer stopOutbox()
	run(outboxCtx, "outbox", func(ctx context.Context) error {
		// What it may do with an attempt that was cut off depends on the account's own
		// settings, and they are known only once it has started.
		select {
		case <-a.Channels.started:
			return a.Outbox.Run(ctx)
		case <-ctx.Done():
			return nil
		}
	})
	select {
	case <-ctx.Done():
	case <-a.DB.Failed():
		cancel(holdfast.Errorf(holdfast.Internal, "store.failed", "the database failed: %w", a.DB.Err()).
			WithNext("What was acknowledged is in the log. Check the disk, then start Holdfast again."))
		stopOutbox() // no result can be recorded any more; the next start resolves what is under way
	}
	stop, done := context.WithTimeout(context.WithoutCancel(ctx), outboxTime)
	defer done()
	if err := a.Outbox.Close(stop); err != nil {
		a.Log.Warn("messages were being sent when the desk stopped; the next start resolves them", "err", err)
	}
	stopOutbox()
	wg.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// Close closes what Open opened. Run must have returned.
func (a *App) Close() error {
	if a.gateway != nil {
		a.gateway.Close()
	}
	if a.stamp != nil {
		a.stamp.Close()
	}
	if a.listener != nil {
		a.listener.Close()
	}
	if a.DB != nil {
		return a.DB.Close()
	}
	return nil
}

// Addr is the address that is listened on, with the port that was found for :0.
func (a *App) Addr() string { return a.listener.Addr().String() }

// URL is where the world reaches this desk, without a trailing slash.
func (a *App) URL() string {
	if a.Config.PublicURL != "" {
		return strings.TrimRight(a.Config.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(a.Config.Listen)
	if a.listener != nil {
		host, port, err = net.SplitHostPort(a.listener.Addr().String())
	}
	if err != nil || host == "" || host == "127.0.0.1" || host == "::" || host == "::1" || host == "0.0.0.0" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

func (a *App) ready() error {
	if err := a.DB.Err(); err != nil {
		return holdfast.Errorf(holdfast.Unavailable, "store.unavailable", "the database does not take writes: %w", err)
	}
	return nil
}

func (a *App) blobs() (blob.Store, error) {
	c := &a.Config
	if c.S3Endpoint == "" {
		return blob.NewDisk(filepath.Join(c.Data, "files")), nil
	}
	return blob.NewS3(blob.S3Options{Endpoint: c.S3Endpoint, Bucket: c.S3Bucket, Region: c.S3Region, AccessKey: c.S3AccessKey, SecretKey: c.S3SecretKey, Spool: filepath.Join(c.Data, "spool")})
}

func (a *App) demo(ctx context.Context) (workspace, operator holdfast.ID, err error) {
	if a.Demo == nil {
		return workspace, operator, holdfast.Errorf(holdfast.Invalid, "demo.missing", "this build has no demo")
	}
	return a.Demo(ctx)
}

// lookup answers the desk's questions about channel accounts.
func (a *App) lookup(ctx context.Context, workspace, account holdfast.ID) (desk.Channel, error) {
	v, err := a.Setup.Channel(ctx, workspace, account)
	if err != nil {
		return desk.Channel{}, err
	}
	k, err := a.Setup.Kind(v.Kind)
	return desk.Channel{ID: v.ID, Name: v.Name, Kind: k, Team: v.Team, Enabled: v.Enabled}, err
}

// mailbox is the oldest running account that mail can go out by; zero for none.
func (a *App) mailbox(ctx context.Context, workspace holdfast.ID) (holdfast.ID, error) {
	list, err := a.Setup.Channels(ctx, workspace)
	if err != nil {
		return holdfast.ID{}, err
	}
	for _, v := range list {
		if k, err := a.Setup.Kind(v.Kind); err == nil && k.Scheme == "mailto" && v.Enabled && !v.Removed {
			return v.ID, nil
		}
	}
	return holdfast.ID{}, nil
}

// speaks is a workspace's language and what it calls itself to customers.
func (a *App) speaks(ctx context.Context, workspace holdfast.ID) (lang, name string, err error) {
	w, err := a.Setup.Workspace(ctx, workspace)
	if name = w.Settings.PublicName; name == "" {
		name = w.Name
	}
	return w.Language, name, err
}

// house is speaks, with the workspace's time zone.
func (a *App) house(ctx context.Context, workspace holdfast.ID) (lang, name string, zone *time.Location, err error) {
	w, err := a.Setup.Workspace(ctx, workspace)
	if err != nil {
		return "", "", nil, err
	}
	if name = w.Settings.PublicName; name == "" {
		name = w.Name
	}
	if zone, err = time.LoadLocation(w.TimeZone); err != nil {
		zone = time.UTC
	}
	return w.Language, name, zone, nil
}

// online reports whether an operator has a console open.
func (a *App) online(workspace, operator holdfast.ID) bool {
	return slices.ContainsFunc(a.Hub.Online(workspace), func(p live.Presence) bool { return p.ID == operator })
}

// onDuty reports whether an operator works now.
func (a *App) onDuty(ctx context.Context, workspace, operator holdfast.ID) (bool, error) {
	duties, err := a.Setup.Duties(ctx, workspace, time.Now())
	return duties[operator].On, err
}

func (a *App) subscriptions(ctx context.Context, workspace holdfast.ID) ([]hooks.Subscription, error) {
	list, err := a.Setup.Subscriptions(ctx, workspace)
	out := make([]hooks.Subscription, 0, len(list))
	for _, s := range list {
		var kinds []string
		for _, k := range s.Kinds {
			kinds = append(kinds, string(k))
		}
		if len(kinds) == 0 {
			kinds = []string{"*"}
		}
		out = append(out, hooks.Subscription{ID: s.ID, URL: s.URL, Secret: s.Secret, Former: s.Former, Kinds: kinds, Enabled: true})
	}
	return out, err
}

// How long records are kept that serve only for asking.
const (
	keepCommands  = 30 * 24 * time.Hour  // ids of commands, against doing them twice
	keepExchanges = 180 * 24 * time.Hour // what was said to providers, and to webhooks
)

// forget drops records that nobody will ask for any more.
func (a *App) forget(ctx context.Context) {
	now := time.Now()
	err := errors.Join(a.Journal.Forget(ctx, now.Add(-keepCommands)), a.Outbox.Forget(ctx, now.Add(-keepExchanges)), a.Hooks.Forget(ctx, now.Add(-keepExchanges)))
	if err != nil && ctx.Err() == nil {
		a.Log.Warn("old records were not dropped", "err", err)
	}
}

// timers does what is due by the clock: snoozes that run out, old records.
func (a *App) timers(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	daily := time.NewTicker(24 * time.Hour)
	defer daily.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-daily.C:
			a.forget(ctx)
			continue
		case <-tick.C:
		}
		due, err := a.Inbox.DueSnoozes(ctx, time.Now())
		if err != nil {
			a.Log.Warn("snoozes cannot be read", "err", err)
			continue
		}
		for _, d := range due {
			if err := a.Desk.Wake(ctx, d[0], d[1]); err != nil && ctx.Err() == nil {
				a.Log.Warn("a snoozed conversation was not opened", "conversation", d[1].String(), "err", err)
			}
		}
	}
}
