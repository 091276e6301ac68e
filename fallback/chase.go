package fallback

import (
	"context"
	"errors"
	"time"

	"holdfast"
	"holdfast/inbox"
	"holdfast/store"
)

// Why a message goes another way.
const (
	whyCut    = "cut"    // the way is cut
	whyOpen   = "open"   // it does not work
	whyFailed = "failed" // this message failed on it
	whyLate   = "late"   // it has not brought the message in time
)

// follow keeps up with the messages whose chain is not at its end.
func (f *Fallback) follow(ctx context.Context, e *holdfast.Entry) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.History() {
		return nil
	}
	switch b := e.Body.(type) {
	case *holdfast.ChainSaved:
		f.forget(e.Workspace)
		if len(b.Legs) == 0 {
			return nil
		}
		return f.anew(ctx, e.Workspace)
	case *holdfast.PlanStepped, *holdfast.PlanRecovering, *holdfast.PlanEnded:
		if f.InForce == nil {
			return nil
		}
		f.forget(e.Workspace)
		if list, err := f.forcedOn(ctx, e.Workspace); err != nil || len(list) == 0 {
			return err
		}
		return f.anew(ctx, e.Workspace)
	case *holdfast.SetupChanged:
		if b.What == "channel" {
			f.forget(e.Workspace)
		}
	case *holdfast.MessageQueued:
		sort := holdfast.SortReply
		if b.Automatic || b.Author.IsZero() {
			sort = holdfast.SortAutomatic
		}
		if !b.Forwarded.IsZero() {
			return nil
		}
		return f.begin(ctx, e, b.Message, sort, b.NotBefore)
	case *holdfast.LetterQueued:
		if b.Customer.IsZero() {
			return nil
		}
		return f.begin(ctx, e, b.Message, holdfast.SortNotice, time.Time{})
	case *holdfast.MessageFailed:
		// It may have been accepted long ago, and come back.
		return f.again(ctx, e, b.Message)
	case *holdfast.MessageRequeued:
		return f.again(ctx, e, b.Message)
	case *holdfast.MessageSent:
		return f.look(ctx, e.Workspace, b.Message)
	case *holdfast.MessageUnknown:
		return f.look(ctx, e.Workspace, b.Message)
	case *holdfast.MessageRetrying:
		return f.look(ctx, e.Workspace, b.Message)
	case *holdfast.MessageDelivered:
		return f.drop(ctx, b.Message)
	case *holdfast.MessageSeen:
		return f.drop(ctx, b.Message)
	case *holdfast.MessageCancelled:
		return f.drop(ctx, b.Message)
	case *holdfast.MessageReceived:
		return f.answered(ctx, e)
	case *holdfast.AddressAdded, *holdfast.ConsentGiven, *holdfast.WayPreferred:
		// A way to this customer that there was not.
		return f.sweep(ctx, "c.workspace = $1 AND o.customer = $2", e.Workspace, e.Subject)
	}
	return nil
}

// anew follows also what waits already: a chain is often thought of when it is needed.
func (f *Fallback) anew(ctx context.Context, workspace holdfast.ID) error {
	err := f.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec(`INSERT INTO chase (message, workspace, began_at, due_at) SELECT o.message, o.workspace, CAST($2 AS BIGINT), CAST($2 AS BIGINT) FROM outbox o
			WHERE o.workspace = $1 AND o.state IN ('queued', 'retry_wait') AND o.customer IS NOT NULL ON CONFLICT (message) DO NOTHING`, workspace, tx.Now)
	})
	if err != nil {
		return err
	}
	f.wake()
	return f.sweep(ctx, "c.workspace = $1", workspace)
}

// forget makes it read a workspace's chains and accounts anew.
func (f *Fallback) forget(workspace holdfast.ID) {
	f.memory.Lock()
	defer f.memory.Unlock()
	delete(f.chains, workspace)
	delete(f.forced, workspace)
	delete(f.accounts, workspace)
}

// begin follows a message from when it is due.
func (f *Fallback) begin(ctx context.Context, e *holdfast.Entry, message holdfast.ID, sort holdfast.MessageSort, from time.Time) error {
	_, ok, err := f.chainOf(ctx, e.Workspace, sort)
	if err != nil || !ok {
		return err
	}
	if from.Before(e.At) {
		from = e.At
	}
	err = f.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO chase (message, workspace, began_at, due_at) VALUES ($1, $2, $3, $3) ON CONFLICT (message) DO NOTHING", message, e.Workspace, from)
	})
	if err != nil {
		return err
	}
	f.wake()
	return f.look(ctx, e.Workspace, message)
}

// again follows a message whose chain had come to an end, or begins its way anew.
func (f *Fallback) again(ctx context.Context, e *holdfast.Entry, message holdfast.ID) error {
	some := false
	for _, s := range holdfast.MessageSorts {
		_, ok, err := f.chainOf(ctx, e.Workspace, s)
		if err != nil {
			return err
		}
		some = some || ok
	}
	if !some {
		return nil
	}
	err := f.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec(`INSERT INTO chase (message, workspace, began_at, due_at) SELECT o.message, o.workspace, CAST($3 AS BIGINT), CAST($3 AS BIGINT) FROM outbox o
			WHERE o.message = $1 AND o.workspace = $2 AND o.customer IS NOT NULL
			ON CONFLICT (message) DO UPDATE SET began_at = excluded.began_at, due_at = excluded.due_at`, message, e.Workspace, e.At)
	})
	if err != nil {
		return err
	}
	f.wake()
	return f.look(ctx, e.Workspace, message)
}

func (f *Fallback) drop(ctx context.Context, message holdfast.ID) error {
	var one int
	err := f.DB.QueryRow(ctx, "SELECT 1 FROM chase WHERE message = $1", message).Scan(&one)
	if errors.Is(err, store.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.DB.Write(ctx, func(tx *store.Tx) error { return tx.Exec("DELETE FROM chase WHERE message = $1", message) })
}

func (f *Fallback) due(ctx context.Context, message holdfast.ID, began, due time.Time) error {
	var changed int64
	err := f.DB.Write(ctx, func(tx *store.Tx) (err error) {
		changed, err = tx.ExecN("UPDATE chase SET began_at = $2, due_at = $3 WHERE message = $1 AND (began_at <> $2 OR due_at <> $3)", message, began, due)
		return err
	})
	if changed > 0 && !due.IsZero() {
		f.wake() // only then: it would otherwise wake for what it has just done, for ever
	}
	return err
}

// wake makes the watch look at when something is due.
func (f *Fallback) wake() {
	select {
	case f.fresh <- struct{}{}:
	default:
	}
}

// answered ends the chains of what the customer had got before writing again: it
// need not be sent another way, too.
func (f *Fallback) answered(ctx context.Context, e *holdfast.Entry) error {
	rows, err := f.DB.Query(ctx, `SELECT c.message FROM chase c JOIN outbox o ON o.message = c.message
		WHERE c.workspace = $1 AND o.sent_lsn > 0 AND o.sent_lsn < $3 AND o.conversation IN (SELECT k.id FROM conversation k WHERE k.id = $2 OR k.merged = $2)`, e.Workspace, e.Subject, e.LSN)
	list, err := store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
	for _, id := range list {
		if _, err := f.Stay(ctx, e.Workspace, id, "answered"); err != nil {
			return err
		}
		if err := f.drop(ctx, id); err != nil {
			return err
		}
	}
	return err
}

// pass looks at what is due, at what is on ways that are closed and at what found no
// way; it returns how long until it must look again.
func (f *Fallback) pass(ctx context.Context) (time.Duration, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.DB.Now()
	if err := f.sweep(ctx, "c.due_at > 0 AND c.due_at <= $1", now); err != nil {
		return 0, err
	}
	if err := f.closed(ctx); err != nil {
		return 0, err
	}
	var n int
	var next time.Time
	err := f.DB.QueryRow(ctx, "SELECT count(*), COALESCE(MIN(CASE WHEN due_at > $1 THEN due_at END), 0) FROM chase", now).Scan(&n, &next)
	if err != nil || n == 0 {
		return idle, err
	}
	if wait := next.Sub(f.DB.Now()); !next.IsZero() && wait < lookEvery {
		return wait, nil
	}
	return lookEvery, nil // a way that never came up turns nothing
}

// closed looks at what waits on ways that carry nothing, and at what found none.
func (f *Fallback) closed(ctx context.Context) error {
	type lane struct{ workspace, channel holdfast.ID }
	rows, err := f.DB.Query(ctx, `SELECT DISTINCT c.workspace, o.channel FROM chase c JOIN outbox o ON o.message = c.message`)
	lanes, err := store.Collect(rows, err, func(r *store.Rows, l *lane) error { return r.Scan(&l.workspace, &l.channel) })
	if err != nil {
		return err
	}
	for _, l := range lanes {
		ways, err := f.ways(ctx, l.workspace)
		if err != nil {
			return err
		}
		where := "c.workspace = $1 AND o.channel = $2"
		if w := find(ways, l.channel); w == nil || w.passable() {
			where += " AND c.due_at = 0"
		}
		if err := f.sweep(ctx, where, l.workspace, l.channel); err != nil {
			return err
		}
	}
	return nil
}

// sweep looks at each message that a condition holds of, the oldest first.
func (f *Fallback) sweep(ctx context.Context, where string, args ...any) error {
	rows, err := f.DB.Query(ctx, "SELECT c.message, c.workspace FROM chase c LEFT JOIN outbox o ON o.message = c.message WHERE "+where+" ORDER BY o.lsn LIMIT 5000", args...)
	type one struct{ message, workspace holdfast.ID }
	list, err := store.Collect(rows, err, func(r *store.Rows, o *one) error { return r.Scan(&o.message, &o.workspace) })
	if err != nil {
		return err
	}
	for _, o := range list {
		if err := f.look(ctx, o.workspace, o.message); err != nil {
			return err
		}
	}
	return nil
}

// row is what the outbox says of a message.
type row struct {
	began        time.Time
	channel      holdfast.ID
	state        holdfast.Delivery
	code, reason string
	dueAt        time.Time
	customer     holdfast.ID
	conversation holdfast.ID
	busy         bool
}

// look moves one message on, if it is time.
func (f *Fallback) look(ctx context.Context, workspace, message holdfast.ID) error {
	var r row
	err := f.DB.QueryRow(ctx, `SELECT c.began_at, o.channel, o.state, o.code, o.reason, o.due_at, o.customer, o.conversation, EXISTS (SELECT 1 FROM lease l WHERE l.message = o.message)
		FROM chase c JOIN outbox o ON o.message = c.message WHERE c.message = $1 AND c.workspace = $2 AND o.workspace = $2`, message, workspace).
		Scan(&r.began, &r.channel, &r.state, &r.code, &r.reason, &r.dueAt, &r.customer, &r.conversation, &r.busy)
	if errors.Is(err, store.ErrNoRows) {
		return nil
	}
	if err != nil || r.busy { // how that ends will be said
		return err
	}
	s, ok, err := f.subject(ctx, workspace, message)
	if err != nil {
		return err
	}
	if !ok {
		return f.drop(ctx, message)
	}
	chain, ok, err := f.chainOf(ctx, workspace, s.sort)
	if err != nil {
		return err
	}
	if !ok {
		return f.drop(ctx, message)
	}
	ways, err := f.ways(ctx, workspace)
	if err != nil {
		return err
	}
	v := r.verdict(&chain, find(ways, r.channel), f.DB.Now())
	switch {
	case v.over:
		return f.drop(ctx, message)
	case v.why == "":
		return f.due(ctx, message, r.began, v.until)
	}
	return f.move(ctx, workspace, message, &r, s, &chain, ways, v)
}

// verdict is what is to be done about a message: nothing more, something now, or
// nothing before a time (zero: before something happens).
type verdict struct {
	over   bool
	why    string
	code   string
	reason string
	until  time.Time
}

func (r *row) verdict(chain *holdfast.ChainSaved, on *way, now time.Time) verdict {
	wait := chain.First
	if on != nil {
		wait = waitOn(chain, &on.Account)
	}
	var until time.Time
	if wait > 0 {
		until = r.began.Add(time.Duration(wait) * time.Second)
	}
	late := verdict{until: until}
	if wait > 0 && !now.Before(until) {
		late.why = whyLate
	}
	switch r.state {
	case holdfast.Delivered, holdfast.Seen, holdfast.Cancelled:
		return verdict{over: true}
	case holdfast.Held: // by an operator, who decides
		return verdict{}
	case holdfast.Failed:
		if r.code == "expired" { // it is too late for any way
			return verdict{over: true}
		}
		return verdict{why: whyFailed, code: r.code, reason: r.reason}
	case holdfast.Accepted:
		if chain.Once || wait == 0 || on == nil || !on.Receipts {
			return verdict{over: true}
		}
		return late
	case holdfast.Parked:
		if chain.Once || wait == 0 {
			return verdict{over: true}
		}
		return late
	}
	if r.state == holdfast.Queued && now.Before(r.dueAt) { // its author has put it off, or can take it back
		return verdict{until: r.dueAt}
	}
	if on != nil && !on.passable() {
		why := whyOpen
		if on.state == "cut" {
			why = whyCut
		}
		return verdict{why: why, code: on.code, reason: on.reason, until: until}
	}
	return late
}

// subject is what a message says, to whom.
type subject struct {
	sort        holdfast.MessageSort
	text, title string
	files       []holdfast.Attachment
}

func (f *Fallback) subject(ctx context.Context, workspace, message holdfast.ID) (*subject, bool, error) {
	m, err := f.Inbox.Message(ctx, workspace, message)
	if err == nil {
		s := &subject{sort: holdfast.SortReply, text: m.Text, title: m.Subject, files: m.Attachments}
		if m.Automatic || m.Author.IsZero() {
			s.sort = holdfast.SortAutomatic
		}
		return s, m.Forwarded.IsZero(), nil
	}
	if holdfast.KindOf(err) != holdfast.NotFound {
		return nil, false, err
	}
	s := &subject{sort: holdfast.SortNotice}
	err = f.DB.QueryRow(ctx, "SELECT text, subject FROM letter WHERE message = $1 AND workspace = $2", message, workspace).Scan(&s.text, &s.title)
	if errors.Is(err, store.ErrNoRows) {
		return nil, false, nil
	}
	return s, err == nil, err
}

// move sends a message the next way, if there is one.
func (f *Fallback) move(ctx context.Context, workspace, message holdfast.ID, r *row, s *subject, chain *holdfast.ChainSaved, ways []way, v verdict) error {
	from := find(ways, r.channel)
	if from == nil {
		from = &way{}
	}
	c, err := f.Inbox.Customer(ctx, workspace, r.customer)
	if holdfast.KindOf(err) == holdfast.NotFound {
		return f.drop(ctx, message)
	}
	if err != nil {
		return err
	}
	q, err := f.ask(ctx, workspace, c, s, chain, ways, r.channel)
	if err != nil {
		return err
	}
	if q.tried, err = f.tried(ctx, message); err != nil {
		return err
	}
	if v.why == whyFailed || v.why == whyLate {
		q.tried[r.channel] = true
	}
	to, ok := q.next()
	if !ok {
		if v.why == whyLate && (r.state == holdfast.Accepted || r.state == holdfast.Parked) {
			return f.drop(ctx, message)
		}
		// Another way may open, and this one may work after all.
		until := time.Time{}
		if v.why != whyLate && v.until.After(f.DB.Now()) {
			until = v.until
		}
		return f.due(ctx, message, r.began, until)
	}
	lang, err := f.language(ctx, workspace, c)
	if err != nil {
		return err
	}
	m := Move{Message: message, From: r.channel, Channel: to.way.ID, To: to.address, Why: v.why, Code: v.code, Reason: v.reason, Once: chain.Once,
		Line: line(lang, v.why, &from.Account, &to.way.Account)}
	if !to.way.Carry.fits(s.files) {
		m.Files = f.filesLine(workspace, message, lang, s.files)
	}
	if to.way.Carry.Subject {
		if m.Subject = s.title; m.Subject == "" {
			m.Subject = m.Line
		}
	}
	moved, err := f.Reroute(ctx, workspace, m)
	if err != nil {
		return err
	}
	if !moved {
		if v.why == whyFailed || chain.Once { // it has been accepted, or may have been
			return f.drop(ctx, message)
		}
		return f.due(ctx, message, r.began, time.Time{})
	}
	now := f.DB.Now()
	until := time.Time{}
	if wait := waitOn(chain, &to.way.Account); wait > 0 {
		until = now.Add(time.Duration(wait) * time.Second)
	}
	return f.due(ctx, message, now, until)
}

// ask puts together what the next way follows from.
func (f *Fallback) ask(ctx context.Context, workspace holdfast.ID, c *inbox.Customer, s *subject, chain *holdfast.ChainSaved, ways []way, current holdfast.ID) (*question, error) {
	q := &question{chain: chain, current: current, ways: ways, addresses: c.Addresses, tried: map[holdfast.ID]bool{}}
	var err error
	if q.refused, err = f.refusedOf(ctx, workspace, s.sort, c.Addresses); err != nil {
		return nil, err
	}
	if q.prefers, err = f.Preference(ctx, workspace, c.ID); err != nil {
		return nil, err
	}
	if f.Price != nil {
		q.price = func(account holdfast.ID) (float64, bool) {
			p, _, known := f.Price(ctx, workspace, account, s.text)
			return p, known
		}
	}
	return q, nil
}

// tried are the accounts that a message was on and that did not bring it; one that
// was only cut may be taken again.
func (f *Fallback) tried(ctx context.Context, message holdfast.ID) (map[holdfast.ID]bool, error) {
	rows, err := f.DB.Query(ctx, "SELECT from_channel FROM leg WHERE message = $1 AND (accepted OR why IN ('failed', 'late'))", message)
	list, err := store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
	tried := map[holdfast.ID]bool{}
	for _, id := range list {
		tried[id] = true
	}
	return tried, err
}

func (f *Fallback) language(ctx context.Context, workspace holdfast.ID, c *inbox.Customer) (string, error) {
	if holdfast.KnownLanguage(c.Language) {
		return c.Language, nil
	}
	lang, _, err := f.Language(ctx, workspace)
	return lang, err
}

func find(ways []way, id holdfast.ID) *way {
	for i := range ways {
		if ways[i].ID == id {
			return &ways[i]
		}
	}
	return nil
}
