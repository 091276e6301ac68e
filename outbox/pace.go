package outbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"holdfast"
	"holdfast/journal"
	"holdfast/store"
)

// limit is at most count messages in any stretch of time as long as per; count 0
// is no limit.
type limit struct {
	count int
	per   time.Duration
}

// share is the part of a lane, in tenths, that bulk may use: the rest stays for
// one-to-one service.
const share = 7

// ofBulk is bulk's part of n, but never nothing: a lane of one message a minute
// that is idle may carry it.
func ofBulk(n int) int { return max(n*share/10, 1) }

// pace keeps a lane within its limit. It is guarded by its lane's mutex.
type pace struct {
	limit
	all, bulk []time.Time // of the last attempts, the oldest first
}

// room is how many attempts may begin now, and when to ask again if none may.
func (p *pace) room(now time.Time, bulk bool) (n int, wait time.Duration) {
	if p.count <= 0 {
		return 1 << 20, 0
	}
	n, wait = free(p.all, p.count, p.per, now)
	if bulk {
		if m, later := free(p.bulk, ofBulk(p.count), p.per, now); m < n || n == 0 {
			n, wait = min(m, n), max(wait, later)
		}
	}
	return n, wait
}

func free(began []time.Time, count int, per time.Duration, now time.Time) (n int, wait time.Duration) {
	since := now.Add(-per)
	i := 0
	for i < len(began) && began[i].Before(since) {
		i++
	}
	inside := began[i:]
	if n = count - len(inside); n > 0 {
		return n, 0
	}
	return 0, inside[len(inside)-count].Add(per).Sub(now) + time.Millisecond
}

// began notes an attempt.
func (p *pace) began(at time.Time, bulk bool) {
	if p.count <= 0 {
		return
	}
	p.all = note(p.all, at, p.count)
	if bulk {
		p.bulk = note(p.bulk, at, p.count)
	}
}

func note(list []time.Time, at time.Time, keep int) []time.Time {
	list = append(list, at)
	if len(list) > keep {
		list = list[len(list)-keep:]
	}
	return list
}

// readPace reads a lane's limit, and what has been sent lately: a program that was
// killed has sent that, too.
func (w *Worker) readPace(ctx context.Context, account holdfast.ID) (p pace, err error) {
	var ms int64
	err = w.db.QueryRow(ctx, "SELECT count, per FROM lane_limit WHERE channel = $1", account).Scan(&p.count, &ms)
	if errors.Is(err, store.ErrNoRows) {
		return pace{}, nil
	}
	if p.per = time.Duration(ms) * time.Millisecond; err != nil || p.count == 0 {
		return p, err
	}
	since := w.now().Add(-p.per)
	type began struct {
		at   time.Time
		bulk bool
	}
	rows, err := w.db.Query(ctx, `SELECT x.at, o.bulk FROM exchange x JOIN outbox o ON o.message = x.message WHERE x.at > $2 AND o.channel = $1
		UNION ALL SELECT l.at, o.bulk FROM lease l JOIN outbox o ON o.message = l.message WHERE l.at > $2 AND l.channel = $1`, account, since)
	list, err := store.Collect(rows, err, func(r *store.Rows, b *began) error { return r.Scan(&b.at, &b.bulk) })
	if err != nil {
		return p, err
	}
	slices.SortFunc(list, func(a, b began) int { return a.at.Compare(b.at) })
	for _, b := range list {
		p.began(b.at, b.bulk)
	}
	return p, nil
}

// Limit is how many messages an account sends at most.
func (w *Worker) Limit(ctx context.Context, workspace, account holdfast.ID) (holdfast.LaneLimited, error) {
	l := holdfast.LaneLimited{Per: "second"}
	var ms int64
	err := w.db.QueryRow(ctx, "SELECT count, per FROM lane_limit WHERE channel = $1 AND workspace = $2", account, workspace).Scan(&l.Count, &ms)
	if errors.Is(err, store.ErrNoRows) {
		return l, nil
	}
	if ms >= time.Minute.Milliseconds() {
		l.Per = "minute"
	}
	return l, err
}

// SetLimit bounds how many messages an account sends. The account must be the
// workspace's own. Errors: Invalid, NotFound.
func (w *Worker) SetLimit(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, account holdfast.ID, l holdfast.LaneLimited, also func(tx *store.Tx) error) error {
	if l.Count < 0 || l.Count > 100_000 || l.Per != "second" && l.Per != "minute" {
		return holdfast.Errorf(holdfast.Invalid, "lane.limit_invalid", "a channel sends at most so many messages a second or a minute").WithField("count").
			WithNext("Write a number, 0 for no limit, and \"second\" or \"minute\".")
	}
	_, err := w.journal.Do(ctx, journal.Command{Workspace: workspace, Actor: actor, Run: func(tx *journal.Tx) error {
		if err := hasAccount(tx.Tx, workspace, account); err != nil {
			return err
		}
		if also != nil {
			if err := also(tx.Tx); err != nil {
				return err
			}
		}
		_, err := tx.Append(account, &l)
		return err
	}})
	if err == nil {
		w.Look(account)
	}
	return err
}

func hasAccount(tx *store.Tx, workspace, account holdfast.ID) error {
	var one int
	err := tx.QueryRow("SELECT 1 FROM channel_account WHERE id = $1 AND workspace = $2 AND NOT removed", account, workspace).Scan(&one)
	if errors.Is(err, store.ErrNoRows) {
		return holdfast.Errorf(holdfast.NotFound, "channel.missing", "there is no such channel in this workspace").WithField("channel")
	}
	return err
}
