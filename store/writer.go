package store

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// batchMax bounds one transaction, so that the first of a burst does not wait for the last.
const batchMax = 256

type job struct {
	ctx  context.Context
	ask  *Question
	fn   func(*Tx) error
	done chan error
	err  error
}

// writer owns the one connection that changes anything.
type writer struct {
	db    *DB
	conn  conn
	names map[string]string

	questions []*Question // of the batch at hand
}

func (w *writer) reconnect(ctx context.Context) error {
	if w.conn != nil {
		w.conn.close()
		w.conn = nil
	}
	c, err := w.db.dialect.connect(ctx)
	if err != nil {
		return err
	}
	w.conn, w.names = c, map[string]string{}
	return nil
}

func (w *writer) run() {
	defer close(w.db.stopped)
	defer func() {
		if w.conn != nil {
			w.conn.close()
		}
	}()
	batch := make([]*job, 0, batchMax)
	for {
		batch = batch[:0]
		select {
		case j := <-w.db.jobs:
			batch = append(batch, j)
		case <-w.db.rests:
			if w.conn != nil {
				if err := w.conn.rest(); err != nil {
					w.db.log.Warn("the database keeps its memory", "err", err)
				}
			}
			continue
		case <-w.db.quit:
			select { // finish what is queued
			case j := <-w.db.jobs:
				batch = append(batch, j)
			default:
				return
			}
		}
	drain:
		for len(batch) < batchMax {
			select {
			case j := <-w.db.jobs:
				batch = append(batch, j)
			default:
				break drain
			}
		}
		live := batch[:0]
		for _, j := range batch {
			if err := j.ctx.Err(); err != nil {
				j.done <- err
				continue
			}
			live = append(live, j)
		}
		if len(live) > 0 && !w.serve(live) {
			w.refuseRest()
			return
		}
	}
}

// serve commits a batch and answers its jobs. It reports false after a fatal failure.
func (w *writer) serve(batch []*job) bool {
	err, redo := w.transact(batch)
	if redo && len(batch) > 1 {
		// One job failed after it had changed something. Its changes cannot be taken
		// back alone on both databases at a price that every job would pay, so the
		// whole batch is rolled back and each runs by itself.
		for _, j := range batch {
			j.err = nil
			err, _ := w.transact([]*job{j})
			if !w.answer([]*job{j}, err) {
				for _, rest := range batch {
					select {
					case rest.done <- unavailable(err):
					default:
					}
				}
				return false
			}
		}
		return true
	}
	return w.answer(batch, err)
}

// answer tells the jobs of one transaction how it went.
func (w *writer) answer(batch []*job, err error) bool {
	if err == nil {
		if w.db.trouble.Swap(nil) != nil {
			w.db.log.Info("the database takes writes again")
		}
		for _, j := range batch {
			j.done <- j.err
		}
		return true
	}
	kind := w.db.dialect.classify(err)
	if kind == jobFault {
		for _, j := range batch {
			if j.err == nil {
				j.err = err
			}
			j.done <- j.err
		}
		return true
	}
	for _, j := range batch {
		j.done <- unavailable(err)
	}
	if kind == passing && w.conn != nil {
		if again := w.conn.relieve(); again != nil && w.db.dialect.classify(again) == fatal {
			err, kind = again, fatal
		}
	}
	if kind == fatal {
		w.db.failure.Store(&failure{err})
		w.db.log.Error("the database failed; no more writes are accepted, since what is on disk is in doubt", "err", err)
		close(w.db.failed)
		return false
	}
	if w.db.trouble.Swap(&failure{err}) == nil {
		w.db.log.Error("the database cannot take writes now", "err", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := w.reconnect(ctx); err != nil {
		w.db.log.Debug("reconnecting to the database", "err", err)
	}
	return true
}

// transact runs the jobs in one transaction. redo says that it was rolled back
// because one of several jobs failed half-way.
func (w *writer) transact(batch []*job) (err error, redo bool) {
	if w.conn == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := w.reconnect(ctx); err != nil {
			return err, false
		}
	}
	if err := w.conn.begin(); err != nil {
		return err, false
	}
	if err := w.ask(batch); err != nil {
		w.conn.rollback()
		return err, w.db.dialect.classify(err) == jobFault && len(batch) > 1
	}
	state := &batchState{}
	tx := &Tx{Now: w.db.now().UTC().Truncate(time.Millisecond), conn: w.conn, dialect: w.db.dialect, names: w.names, state: state}
	for _, j := range batch {
		before := state.writes
		hooks := len(state.after)
		j.err = runJob(tx, j.fn)
		if j.err == nil {
			continue
		}
		// What the job kept for the rest of the transaction may lean on a hook that goes
		// with it; the next one reads it anew.
		state.after, state.local = state.after[:hooks], nil
		forget(batch)
		if state.writes != before {
			w.conn.rollback()
			if w.db.dialect.classify(j.err) != jobFault {
				return j.err, false
			}
			return j.err, true
		}
		if w.db.dialect.classify(j.err) != jobFault {
			w.conn.rollback()
			return j.err, false
		}
	}
	if state.writes == 0 {
		return w.conn.rollback(), false
	}
	if err := w.conn.commit(); err != nil {
		w.conn.rollback()
		return err, w.db.dialect.classify(err) == jobFault
	}
	w.db.commits.Add(1)
	w.db.written.Add(state.writes)
	for _, f := range state.after {
		f()
	}
	if err := w.conn.tidy(); err != nil {
		// The transaction itself is safe in the log; the jobs are told so before the
		// writer stops.
		for _, j := range batch {
			j.done <- j.err
		}
		for _, j := range batch {
			j.done = make(chan error, 1)
		}
		return err, false
	}
	return nil, false
}

// ask has the questions of a batch answered in one go. A lone one is answered when
// its write comes to it.
func (w *writer) ask(batch []*job) error {
	forget(batch)
	if len(batch) == 1 {
		return nil
	}
	w.questions = w.questions[:0]
	for _, j := range batch {
		if j.ask != nil {
			w.questions = append(w.questions, j.ask)
		}
	}
	if len(w.questions) == 0 {
		return nil
	}
	return w.conn.ask(w.questions)
}

func forget(batch []*job) {
	for _, j := range batch {
		if j.ask != nil {
			j.ask.Forget()
		}
	}
}

func runJob(tx *Tx, fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a write panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
}

func (w *writer) refuseRest() {
	err := unavailable(w.db.Err())
	for {
		select {
		case j := <-w.db.jobs:
			j.done <- err
		case <-w.db.quit:
			for {
				select {
				case j := <-w.db.jobs:
					j.done <- err
				default:
					return
				}
			}
		}
	}
}
