package app

import (
	"context"
	"sync"
	"time"

	"holdfast"
	"holdfast/channel"
)

// feed is the far end of one account whose customers read from us.
type feed struct {
	app       *App
	workspace holdfast.ID
	account   holdfast.ID
	team      holdfast.ID

	mu      sync.Mutex
	service holdfast.Service // as it was found at asked
	asked   time.Time
}

// serviceAge is how long what visitors are told of the hours may be old: many ask.
const serviceAge = 30 * time.Second

// Since is channel.Feed's.
func (f *feed) Since(ctx context.Context, addr holdfast.Address, after int64, limit int) ([]channel.Item, error) {
	rows, err := f.app.Inbox.Feed(ctx, f.workspace, f.account, addr, holdfast.LSN(after), limit)
	if err != nil {
		return nil, err
	}
	items := make([]channel.Item, len(rows))
	for i, r := range rows {
		items[i] = channel.Item{N: int64(r.N), ID: r.Message, Conversation: r.Conversation, Direction: r.Direction, Text: r.Text, Attachments: r.Attachments, At: r.At}
		if !r.Author.IsZero() {
			items[i].Author = f.app.names.of(r.Author)
		}
	}
	return items, nil
}

// Head is channel.Feed's.
func (f *feed) Head(context.Context) (int64, error) { return int64(f.app.Journal.Head()), nil }

// Watch is channel.Feed's.
func (f *feed) Watch(addr holdfast.Address) (<-chan channel.Signal, func()) {
	w := f.app.Hub.Watch(f.workspace, addr.Scheme, addr.Value)
	return w.C(), sync.OnceFunc(w.Close)
}

// Signal is channel.Feed's: the operators see that this customer writes.
func (f *feed) Signal(addr holdfast.Address, s channel.Signal) {
	if !s.Typing || f.app.Hub.Screens() == 0 {
		return
	}
	customer, conversation, err := f.app.Inbox.TalkOf(context.Background(), f.workspace, f.account, addr)
	if err != nil || conversation.IsZero() {
		return
	}
	f.app.Hub.Typing(f.workspace, conversation, holdfast.ID{}, customer, s.Text)
}

// Transcript is channel.Feed's.
func (f *feed) Transcript(ctx context.Context, addr holdfast.Address, to, lang string) (string, error) {
	return f.app.Transcripts.ForVisitor(ctx, f.workspace, f.account, addr, to, lang)
}

// OnDuty is channel.Feed's: somebody has a console open.
func (f *feed) OnDuty(context.Context) bool { return len(f.app.Hub.Online(f.workspace)) > 0 }

// Service is when an answer can be hoped for. What cannot be read is not said.
func (f *feed) Service(ctx context.Context) holdfast.Service {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if age := now.Sub(f.asked); !f.asked.IsZero() && age >= 0 && age < serviceAge {
		return f.service
	}
	hours, zone, err := f.app.Setup.HoursOf(ctx, f.workspace, f.team)
	if err != nil {
		return holdfast.Service{}
	}
	s := holdfast.Service{Known: hours.Set()}
	if s.Known {
		if s.Open = hours.Open(now.In(zone)); !s.Open {
			s.Back = hours.Next(now.In(zone))
		}
	}
	if s.Notices, err = f.app.Status.In(ctx, f.workspace, holdfast.InWidget); err != nil {
		return s
	}
	if s.Reply, err = f.app.Inbox.FirstReply(ctx, f.workspace, f.account, now.In(zone)); err != nil {
		return s
	}
	f.service, f.asked = s, now
	return s
}
