package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/emersion/go-imap/v2"

	"holdfast"
	"holdfast/channel"
)

const (
	longestPause = 2 * time.Minute
	longestRest  = 4 * time.Minute // some firewalls forget a silent connection
	saveEvery    = 20              // mails; what comes again after a crash is recognised by its key
	patience     = 3               // failures at one mail before it is put aside
	giveUpAfter  = 5               // postponements before a mail is reported as unreadable
)

// errDesk ends a session because the desk cannot store anything now. No mail is
// to blame, however often it happens.
type errDesk struct{ err error }

func (e errDesk) Error() string { return e.err.Error() }
func (e errDesk) Unwrap() error { return e.err }

// source remembers whether it was the reading that failed.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// receive keeps a session going until ctx ends, with growing pauses between
// sessions that fail.
func (a *adapter) receive(ctx context.Context, sink channel.Sink) error {
	f := &fetcher{a: a, sink: sink, stuck: map[string]stuck{}}
	pause, was := a.pause, ""
	for {
		worked, err := f.session(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if worked {
			pause, was = a.pause, ""
		}
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		a.health.fail(err)
		if err.Error() != was { // the same again and again would fill the log
			a.env.Log.Warn("mail cannot be fetched; will try again", "account", a.set.Address, "server", a.set.imapAddr(), "err", err)
			was = err.Error()
		}
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		pause = min(pause*2, longestPause)
	}
}

// fetcher carries mail from the folders of one account to the desk.
type fetcher struct {
	a     *adapter
	sink  channel.Sink
	stuck map[string]stuck // by folder: at which mail sessions have broken
}

type stuck struct {
	uid   uint32
	times int
}

// session runs one connection until it breaks. worked says that all folders
// were looked through at least once.
func (f *fetcher) session(ctx context.Context) (worked bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := f.a.dialIMAP(ctx)
	if err != nil {
		return false, err
	}
	defer s.close()
	folders := f.a.set.folders()
	// also with IDLE: some servers forget a mail that comes just before it begins
	poll := min(time.Duration(f.a.set.PollSeconds)*time.Second, longestRest)
	for {
		select {
		case <-s.news:
		default:
		}
		for i := range folders {
			// the first folder last, so that it is the one to wait in
			if err := f.folder(ctx, s, folders[len(folders)-1-i]); err != nil {
				return worked, err
			}
		}
		worked = true
		f.a.health.ok()
		if err := s.rest(ctx, poll, f.a.command); err != nil {
			return worked, err
		}
	}
}

// folder fetches what is new in one folder.
func (f *fetcher) folder(ctx context.Context, s *session, name string) (err error) {
	a := f.a
	box, err := s.open(name, a.command)
	if err != nil {
		return err
	}
	c, err := loadCursor(ctx, a.env.State, name)
	if err != nil {
		return err
	}
	now := a.env.Now()
	if c.Validity != box.validity {
		if c, err = f.begin(s, c, box, name, now); err != nil {
			return err
		}
		if err := c.save(ctx, a.env.State, name); err != nil {
			return err
		}
	}
	defer func() {
		// also when the desk is shutting down: what it has, it has
		if e := c.save(context.WithoutCancel(ctx), a.env.State, name); err == nil {
			err = e
		}
	}()
	uids, err := s.since(c.UID, time.Time{}, a.command)
	if err != nil {
		return err
	}
	if uids, err = f.wanted(s, c, uids); err != nil {
		return err
	}
	if err := f.take(ctx, s, name, c, uids, true); err != nil {
		return err
	}
	if due := c.due(now); len(due) > 0 {
		if err := f.take(ctx, s, name, c, due, false); err != nil {
			return err
		}
	}
	if now.Sub(c.Counted) >= 24*time.Hour {
		if err := f.count(ctx, s, name, c, now); err != nil {
			return err
		}
	}
	c.Synced = now
	return nil
}

// begin makes the cursor of a folder that is new to us, or whose UIDs have all
// become void. Mails that come a second time have the keys they had.
func (f *fetcher) begin(s *session, old *cursor, box folder, name string, now time.Time) (*cursor, error) {
	c := &cursor{Validity: box.validity, First: box.next, Counted: now}
	if old.Validity == 0 {
		c.Since = now.AddDate(0, 0, -f.a.set.FirstDays)
	} else {
		f.a.env.Log.Warn("the mail server has renumbered a folder; looking through it again", "account", f.a.set.Address, "folder", name)
		c.Since = old.Since
		if back := old.Synced.AddDate(0, 0, -f.a.days); back.After(c.Since) {
			c.Since = back
		}
	}
	if c.First == 0 {
		uids, err := s.since(0, time.Time{}, f.a.command)
		if err != nil {
			return nil, err
		}
		c.First = 1
		if n := len(uids); n > 0 {
			c.First = uids[n-1] + 1
		}
	}
	return c, nil
}

// wanted leaves out the mails that were there before us and are too old.
func (f *fetcher) wanted(s *session, c *cursor, uids []uint32) ([]uint32, error) {
	if len(uids) == 0 || uids[0] >= c.First {
		return uids, nil
	}
	recent, err := s.since(c.UID, c.Since, f.a.command)
	if err != nil {
		return nil, err
	}
	in := map[uint32]bool{}
	for _, u := range recent {
		in[u] = true
	}
	var out []uint32
	for _, u := range uids {
		if u >= c.First || in[u] {
			out = append(out, u)
		}
	}
	if len(out) == 0 {
		c.UID = uids[len(uids)-1]
	}
	return out, nil
}

// take fetches mails window by window and hands each to the desk. With advance
// the cursor moves behind each mail once it, and all before it, are handled.
func (f *fetcher) take(ctx context.Context, s *session, name string, c *cursor, uids []uint32, advance bool) error {
	for len(uids) > 0 {
		n := min(len(uids), f.a.window)
		window := uids[:n]
		uids = uids[n:]
		if err := f.window(ctx, s, name, c, window, advance); err != nil {
			return err
		}
		if advance {
			c.UID = window[n-1]
		}
		if err := c.save(ctx, f.a.env.State, name); err != nil {
			return err
		}
	}
	return nil
}

// window fetches up to some dozens of mails in one go; what fails in company is
// tried alone, and what fails alone is put aside.
func (f *fetcher) window(ctx context.Context, s *session, name string, c *cursor, uids []uint32, advance bool) error {
	left := map[uint32]bool{}
	for _, u := range uids {
		left[u] = true
	}
	finished := 0 // of uids, from the front
	saved := 0
	var in channel.Inbound
	read := func(r io.Reader) (err error) {
		from := &source{r: r}
		in, err = Parse(ctx, from, f.a.env.Blobs, f.a.options())
		switch {
		case err == nil || from.err != nil:
			return err
		case holdfast.KindOf(err) == holdfast.TooLarge || holdfast.KindOf(err) == holdfast.Invalid:
			in = channel.Inbound{Refuse: &channel.Refusal{Reason: "quarantined", Detail: err.Error()}}
			return nil
		}
		return errDesk{err}
	}
	done := func(uid uint32) error {
		if !left[uid] {
			return nil
		}
		if in.Key == "" {
			in.Key = fmt.Sprintf("imap %s %d %d", name, c.Validity, uid)
		}
		if err := f.accept(ctx, name, uid, in); err != nil {
			return err
		}
		delete(left, uid)
		delete(f.stuck, name)
		c.handled(uid)
		for advance && finished < len(uids) && !left[uids[finished]] {
			c.UID = uids[finished]
			finished++
		}
		f.a.health.ok()
		if saved++; saved%saveEvery == 0 {
			return c.save(ctx, f.a.env.State, name)
		}
		return nil
	}
	sizes, err := s.sizes(uids, f.a.command)
	if err != nil && !refused(err) {
		return err
	}
	limit := f.a.options().Limit
	var together []uint32
	for _, u := range uids {
		if size, ok := sizes[u]; (ok || err != nil) && size <= limit {
			together = append(together, u)
		}
	}
	if len(together) > 0 {
		err := s.fetch(uidSet(together), 0, f.a.data, read, done)
		if err != nil && !refused(err) {
			return f.broke(ctx, name, c, left, uids, err)
		}
	}
	for _, u := range uids {
		if !left[u] {
			continue
		}
		if err := f.alone(ctx, s, name, c, u, sizes[u] > limit, read, done, left); err != nil {
			return f.broke(ctx, name, c, left, uids, err)
		}
	}
	return nil
}

// alone fetches one mail that did not come with the others: because it is too
// large, is gone, or because the server stumbles over it.
func (f *fetcher) alone(ctx context.Context, s *session, name string, c *cursor, uid uint32, large bool, read func(io.Reader) error, done func(uint32) error, left map[uint32]bool) error {
	most := int64(0)
	if large {
		most = f.a.options().Limit + 1 // one more, by which Parse sees that it is cut
	}
	num, err := s.number(uid, f.a.command)
	if err != nil && !refused(err) {
		return err
	}
	if err == nil && num == 0 {
		delete(left, uid) // deleted by somebody; a count would find it if it came back
		delete(c.Later, uid)
		return nil
	}
	sets := []imap.NumSet{imap.UIDSetNum(imap.UID(uid))}
	if num > 0 {
		// some servers put the UID behind the mail, where the library does not see it
		sets = append(sets, imap.SeqSetNum(num))
	}
	for _, set := range sets {
		if err = s.fetch(set, most, f.a.data, read, done); err != nil && !refused(err) {
			return err
		}
		if !left[uid] {
			return nil
		}
	}
	return f.aside(ctx, name, c, uid, left, fmt.Errorf("the server does not hand the mail over: %v", err))
}

// broke looks at a session that ended inside a window. When it ends at the same
// mail again and again, and not because the desk is unavailable, the mail waits.
func (f *fetcher) broke(ctx context.Context, name string, c *cursor, left map[uint32]bool, uids []uint32, err error) error {
	var desk errDesk
	if ctx.Err() != nil || errors.As(err, &desk) {
		return err
	}
	for _, u := range uids {
		if !left[u] {
			continue
		}
		k := f.stuck[name]
		if k.uid != u {
			k = stuck{uid: u}
		}
		k.times++
		f.stuck[name] = k
		if k.times >= patience {
			delete(f.stuck, name)
			if e := f.aside(ctx, name, c, u, left, err); e != nil {
				return e
			}
			for _, v := range uids {
				if left[v] {
					break
				}
				c.UID = max(c.UID, v)
			}
		}
		break
	}
	return err
}

// aside postpones a mail, and reports it when that has happened too often.
func (f *fetcher) aside(ctx context.Context, name string, c *cursor, uid uint32, left map[uint32]bool, why error) error {
	r := c.postpone(uid, f.a.env.Now())
	f.a.env.Log.Error("a mail is put aside", "account", f.a.set.Address, "folder", name, "uid", uid, "tries", r.Tries, "err", why)
	delete(left, uid)
	if r.Tries < giveUpAfter {
		return nil
	}
	in := channel.Inbound{
		Key:    fmt.Sprintf("imap %s %d %d", name, c.Validity, uid),
		Refuse: &channel.Refusal{Reason: "quarantined", Detail: fmt.Sprintf("mail %d of folder %q: %v", uid, name, why)},
	}
	if err := f.accept(ctx, name, uid, in); err != nil {
		return err
	}
	c.handled(uid)
	return nil
}

// accept hands a mail to the desk. nil means that the cursor may pass it.
func (f *fetcher) accept(ctx context.Context, name string, uid uint32, in channel.Inbound) error {
	got, err := f.sink.Accept(ctx, in)
	switch {
	case err == nil:
		f.a.env.Log.Debug("mail fetched", "account", f.a.set.Address, "folder", name, "uid", uid, "message", got.Message, "duplicate", got.Duplicate, "refused", got.Refused)
		return nil
	case holdfast.KindOf(err) == holdfast.Invalid || holdfast.KindOf(err) == holdfast.TooLarge:
		f.a.env.Log.Error("the desk will never take this mail", "account", f.a.set.Address, "folder", name, "uid", uid, "raw", in.Raw, "err", err)
		return nil
	}
	err = fmt.Errorf("hand mail %d of %q to the desk: %w", uid, name, err)
	if k := holdfast.KindOf(err); k == holdfast.Unavailable || k == holdfast.TooMany {
		return errDesk{err}
	}
	return err
}

// count compares the last days of a folder with what was handled, and fetches
// what is missing: servers do show mails late, below a number already passed.
func (f *fetcher) count(ctx context.Context, s *session, name string, c *cursor, now time.Time) error {
	since := now.AddDate(0, 0, -f.a.days)
	if c.Since.After(since) {
		since = c.Since
	}
	there, err := s.since(0, since, f.a.command)
	if err != nil {
		return err
	}
	var missing []uint32
	for _, u := range there {
		_, later := c.Later[u]
		if u <= c.UID && !later && !c.Done.has(u) {
			missing = append(missing, u)
		}
	}
	f.a.health.found(name, len(missing))
	if len(missing) > 0 {
		f.a.env.Log.Warn("a count has found mails that were not fetched", "account", f.a.set.Address, "folder", name, "missing", len(missing))
		if err := f.take(ctx, s, name, c, missing, false); err != nil {
			return err
		}
	}
	if len(there) > 0 {
		c.Done.prune(there[0])
	} else {
		c.Done.prune(c.UID)
	}
	c.Counted = now
	return nil
}
