package broadcasts

import (
	"context"
	"math"
	"time"

	"holdfast"
	"holdfast/journal"
	"holdfast/outbox"
	"holdfast/store"
)

const (
	tick        = 200 * time.Millisecond
	settleEvery = time.Second
	deepEvery   = 30 * time.Second
	idleEvery   = time.Minute
	lanesFresh  = 5 * time.Second
	// few is how much of a broadcast may wait in the outbox: what comes in for a single
	// customer meanwhile waits that long at most, and a pause has that much to hold.
	few = 3 * time.Second
	// batchMost bounds one transaction, and with it what a crash has to do again.
	batchMost = 200
	life      = 24 * time.Hour     // of a letter that cannot go
	lateNews  = 3 * 24 * time.Hour // for which providers may still report
)

// bucket is how much of a lane a broadcast may use now.
type bucket struct {
	tokens float64
	at     time.Time
}

// take adds what has become due since the last time and returns how many may go. A
// late call makes up for a second at most, so that nothing goes in a burst.
func (k *bucket) take(now time.Time, rate float64) int {
	if k.at.IsZero() { // after a start: nobody knows what went a moment ago
		k.at = now
		return 0
	}
	k.tokens = min(k.tokens+now.Sub(k.at).Seconds()*rate, max(1, rate))
	k.at = now
	return int(k.tokens)
}

// lanesOf are a workspace's lanes as they were a moment ago.
type lanesOf struct {
	at   time.Time
	list []Lane
}

// Run carries what has been started until ctx ends, which is as good as a crash at
// any point: what is done is on disk, and what is not is done by the next run.
func (b *Broadcasts) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var settled, deep time.Time
	aligned := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.kick:
			aligned = false
		case <-timer.C:
		}
		next := idleEvery
		err := func() error {
			if !aligned {
				if err := b.align(ctx); err != nil {
					return err
				}
				aligned = true
			}
			running, err := b.running(ctx)
			if err != nil {
				return err
			}
			now := time.Now()
			soon := len(running) > 0 && now.Sub(settled) >= settleEvery
			late := now.Sub(deep) >= deepEvery
			if soon || late {
				settled = now
				if err := b.settle(ctx, late); err != nil {
					return err
				}
				if late {
					deep = now
				}
			}
			for _, v := range running {
				again, err := b.carry(ctx, v, soon || late)
				if err != nil {
					return err
				}
				next = min(next, again)
			}
			return nil
		}()
		if err != nil && ctx.Err() == nil {
			b.Log.Warn("a broadcast cannot go on for the moment", "err", err)
			next = time.Second
		}
		timer.Reset(next)
	}
}

// job is a running broadcast.
type job struct {
	*row
	workspace holdfast.ID
}

// running lists those that have been started, the earliest first: the one that
// began first has a lane until it is done.
func (b *Broadcasts) running(ctx context.Context) ([]job, error) {
	rows, err := b.DB.Query(ctx, columns+"WHERE b.state = 'running' ORDER BY b.started_at, b.id")
	return store.Collect(rows, err, func(r *store.Rows, j *job) error {
		j.row = &row{}
		return j.scan(r, &j.workspace)
	})
}

// carry brings a broadcast one step on, and says when it must be looked at again.
func (b *Broadcasts) carry(ctx context.Context, j job, end bool) (time.Duration, error) {
	if j.prepared.IsZero() {
		return tick, b.prepare(ctx, j)
	}
	ways, err := b.current(ctx, j)
	if err != nil {
		return tick, err
	}
	dry := true // nobody's turn has come
	for _, w := range ways {
		k := b.buckets[w.ID]
		if k == nil {
			k = &bucket{}
			b.buckets[w.ID] = k
		}
		n := k.take(time.Now(), w.rate)
		if n == 0 {
			dry = false
			continue
		}
		// What waits in the outbox already, single replies among it, goes first.
		room := max(1, int(math.Ceil(w.rate*few.Seconds())))
		var queued int
		if err := b.DB.QueryRow(ctx, "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE channel = $1 AND state IN ('queued', 'retry_wait') LIMIT $2) AS few", w.ID, room).Scan(&queued); err != nil {
			return tick, err
		}
		if n = min(n, room-queued, batchMost); n <= 0 {
			dry = false
			k.tokens = min(k.tokens, 1) // a lane that was shut has nothing to make up for
			continue
		}
		found, gone, err := b.send(ctx, j, w, n)
		if err != nil {
			return tick, err
		}
		dry = dry && found == 0
		k.tokens -= float64(gone)
	}
	if end {
		if err := b.finish(ctx, j); err != nil {
			return tick, err
		}
	}
	if !dry {
		return tick, nil
	}
	var way int
	var morning time.Time
	err = b.DB.QueryRow(ctx, `SELECT (SELECT count(*) FROM (SELECT 1 FROM broadcast_recipient WHERE broadcast = $1 AND state = 'sending' LIMIT 1) AS few),
		COALESCE((SELECT MIN(not_before) FROM broadcast_recipient WHERE broadcast = $1 AND state = 'waiting'), 0)`, j.ID).Scan(&way, &morning)
	switch {
	case err != nil || way > 0 || morning.IsZero():
		return settleEvery, err
	}
	return max(tick, time.Until(morning)), nil
}

// current are the ways of a broadcast, from lanes that are looked up now and then.
func (b *Broadcasts) current(ctx context.Context, j job) ([]way, error) {
	had := b.lanes[j.workspace]
	if had == nil || time.Since(had.at) > lanesFresh {
		list, err := b.Lanes(ctx, j.workspace)
		if err != nil {
			return nil, err
		}
		had = &lanesOf{time.Now(), list}
		b.lanes[j.workspace] = had
	}
	return over(had.list, &j.BroadcastSpec), nil
}

// prepare freezes who is told and in which order. A crash in the middle leaves
// some of the list and no run: it is made anew, since nobody has been told by it.
func (b *Broadcasts) prepare(ctx context.Context, j job) error {
	err := b.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("DELETE FROM broadcast_recipient WHERE broadcast = $1", j.ID)
	})
	if err != nil {
		return err
	}
	house, _, _, err := b.House(ctx, j.workspace)
	if err != nil {
		return err
	}
	_, err = b.plan(ctx, j.workspace, j.ID, &j.BroadcastSpec, b.DB.Now(), func(batch []recipient) error {
		return b.DB.Write(ctx, func(tx *store.Tx) error {
			for _, r := range batch {
				state := waits
				if r.reason != "" {
					state = refused
				}
				_, _, lang := text(&j.BroadcastSpec, r.language, house)
				if err := tx.Exec(`INSERT INTO broadcast_recipient (broadcast, position, workspace, customer, message, scheme, address, language, zone, state, reason, not_before)
					VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
					j.ID, r.position, j.workspace, r.customer, holdfast.DeriveID(j.ID, r.customer.String()), r.to.Scheme, r.to.Value, lang, r.zone.String(), state, r.reason, r.notBefore); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	return b.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO broadcast_run (broadcast, workspace, prepared_at) VALUES ($1, $2, $3) ON CONFLICT (broadcast) DO NOTHING", j.ID, j.workspace, tx.Now)
	})
}

// next is a recipient whose turn it is.
type next struct {
	position                        int
	customer, message               holdfast.ID
	scheme, address, language, zone string
}

// send hands the next n recipients of a way to the outbox, all in one transaction
// with the note that it was done: after a crash either both are there or neither.
// It returns how many recipients it looked at and how many letters went.
func (b *Broadcasts) send(ctx context.Context, j job, w way, n int) (found, gone int, err error) {
	now := time.Now()
	rows, err := b.DB.Query(ctx, `SELECT position, customer, message, scheme, address, language, zone FROM broadcast_recipient
		WHERE broadcast = $1 AND state = 'waiting' AND scheme = $2 AND not_before <= $3 ORDER BY position LIMIT $4`, j.ID, w.Scheme, now, n)
	list, err := store.Collect(rows, err, func(r *store.Rows, v *next) error {
		return r.Scan(&v.position, &v.customer, &v.message, &v.scheme, &v.address, &v.language, &v.zone)
	})
	if err != nil || len(list) == 0 {
		return 0, 0, err
	}
	found = len(list)
	list, err = b.awake(ctx, j, list, now)
	if err != nil || len(list) == 0 {
		return found, 0, err
	}
	ids := make([]holdfast.ID, len(list))
	addresses := make([]holdfast.Address, len(list))
	for i, v := range list {
		ids[i], addresses[i] = v.customer, holdfast.Address{Scheme: v.scheme, Value: v.address}
	}
	people, err := b.Inbox.CustomersByID(ctx, j.workspace, ids)
	if err != nil {
		return found, 0, err
	}
	names := map[holdfast.ID]string{}
	for i := range people {
		names[people[i].ID] = people[i].Name
	}
	var no map[holdfast.Address]string
	if b.Refused != nil { // somebody may have opted out since the list was made
		if no, err = b.Refused(ctx, j.workspace, j.Purpose, addresses); err != nil {
			return found, 0, err
		}
	}
	house, name, _, err := b.House(ctx, j.workspace)
	if err != nil {
		return found, 0, err
	}
	_, err = b.Journal.Do(ctx, journal.Command{Workspace: j.workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
		gone = 0
		var state holdfast.BroadcastState
		if err := tx.QueryRow("SELECT state FROM broadcast WHERE id = $1", j.ID).Scan(&state); err != nil || state != holdfast.BroadcastRunning {
			return err // somebody has paused it since
		}
		for i, v := range list {
			const one = " WHERE broadcast = $1 AND position = $2 AND state = 'waiting'"
			if code, is := no[addresses[i]]; is {
				if code == "" {
					code = whyRefused
				}
				if err := tx.Exec("UPDATE broadcast_recipient SET state = 'refused', reason = $3"+one, j.ID, v.position, code); err != nil {
					return err
				}
				continue
			}
			first, err := tx.ExecN("INSERT INTO broadcast_told (workspace, incident, customer, broadcast, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace, incident, customer) DO NOTHING",
				j.workspace, incident(j.ID, &j.BroadcastSpec), v.customer, j.ID, tx.Now)
			if err != nil {
				return err
			}
			if first == 0 {
				if err := tx.Exec("UPDATE broadcast_recipient SET state = 'refused', reason = $3"+one, j.ID, v.position, whyTold); err != nil {
					return err
				}
				continue
			}
			words, subject, _ := text(&j.BroadcastSpec, v.language, house)
			to := addresses[i]
			to.Name = names[v.customer]
			fresh, err := b.Outbox.Put(tx, outbox.Letter{ID: v.message, Purpose: holdfast.Broadcast, Channel: w.ID, To: to,
				Subject: b.Fill(subject, to.Name, name), Text: b.Fill(words, to.Name, name), Life: life, Bulk: true})
			if err != nil {
				return err
			}
			if err := tx.Exec("UPDATE broadcast_recipient SET state = 'sending', channel = $3, told_at = $4"+one, j.ID, v.position, w.ID, tx.Now); err != nil {
				return err
			}
			if fresh {
				gone++
			}
		}
		return nil
	}})
	return found, gone, err
}

// awake leaves those for whom it is day, and puts everybody off who is in a zone
// where it is night.
func (b *Broadcasts) awake(ctx context.Context, j job, list []next, now time.Time) ([]next, error) {
	if j.Quiet == nil {
		return list, nil
	}
	mornings := map[string]time.Time{}
	var up []next
	for _, v := range list {
		zone, err := time.LoadLocation(v.zone)
		if err != nil {
			zone = time.UTC
		}
		if at := rest(j.Quiet, now, zone); at.After(now) {
			mornings[v.zone] = at
		} else {
			up = append(up, v)
		}
	}
	if len(mornings) == 0 {
		return list, nil
	}
	return up, b.DB.Write(ctx, func(tx *store.Tx) error {
		for zone, at := range mornings {
			if err := tx.Exec("UPDATE broadcast_recipient SET not_before = $3 WHERE broadcast = $1 AND zone = $2 AND state = 'waiting' AND not_before < $3", j.ID, zone, at); err != nil {
				return err
			}
		}
		return nil
	})
}
