package broadcasts

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"holdfast"
	"holdfast/journal"
	"holdfast/store"
)

// row is a broadcast as stored.
type row struct {
	Broadcast
	asked, started Who
	prepared       time.Time
}

const columns = `SELECT b.id, b.workspace, b.body, b.saved_kind, b.saved_by, b.saved_at, b.state, b.state_at, b.asked_kind, b.asked_by, b.asked_at, b.asked_count,
	b.started_kind, b.started_by, b.started_at, b.created_at, COALESCE(r.prepared_at, 0) FROM broadcast b LEFT JOIN broadcast_run r ON r.broadcast = b.id `

func (v *row) scan(r interface{ Scan(...any) error }, workspace *holdfast.ID) error {
	var body []byte
	err := r.Scan(&v.ID, workspace, &body, &v.Saved.Kind, &v.Saved.ID, &v.Saved.At, &v.State, &v.StateAt, &v.asked.Kind, &v.asked.ID, &v.asked.At, &v.AskedCount,
		&v.started.Kind, &v.started.ID, &v.started.At, &v.CreatedAt, &v.prepared)
	if err != nil {
		return err
	}
	if body != nil {
		if err := json.Unmarshal(body, &v.BroadcastSpec); err != nil {
			return err
		}
	}
	if v.asked.Kind != "" {
		v.Asked = &v.asked
	}
	if v.started.Kind != "" {
		v.Started = &v.started
	}
	if v.Texts == nil {
		v.Texts = map[string]string{}
	}
	if v.Ways == nil {
		v.Ways = []holdfast.BroadcastWay{}
	}
	v.Preparing = v.State == holdfast.BroadcastRunning && v.prepared.IsZero()
	return nil
}

// in reads one within a write. The error is NotFound.
func in(tx *journal.Tx, id holdfast.ID) (*row, error) {
	v := &row{}
	var workspace holdfast.ID
	err := v.scan(tx.QueryRow(columns+"WHERE b.id = $1 AND b.workspace = $2", id, tx.Workspace()), &workspace)
	if errors.Is(err, store.ErrNoRows) {
		return nil, missing()
	}
	return v, err
}

// change appends what decide says of a broadcast as it is now; nil: it is so already.
func (b *Broadcasts) change(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, id holdfast.ID, decide func(*row) (holdfast.Body, error)) error {
	_, err := b.Journal.Do(ctx, journal.Command{Workspace: workspace, Actor: actor, Run: func(tx *journal.Tx) error {
		v, err := in(tx, id)
		if err != nil {
			return err
		}
		body, err := decide(v)
		if err != nil || body == nil {
			return err
		}
		_, err = tx.Append(id, body)
		return err
	}})
	if err == nil {
		b.poke()
	}
	return err
}

func standing(v *row) error {
	return holdfast.Errorf(holdfast.Conflict, "broadcast.state", "this cannot be done while the broadcast is %s", v.State).WithNext("Look at its state again.")
}

// Save writes a draft, whole, under an id that its maker gave it. One that waits for
// a second person is a draft again, since what was to be agreed to has changed.
// Errors: Invalid; Conflict "broadcast.state" when it has started; NotFound for
// another workspace's id.
func (b *Broadcasts) Save(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, id holdfast.ID, spec holdfast.BroadcastSpec) error {
	s, err := b.clean(spec)
	if err != nil {
		return err
	}
	if id.IsZero() {
		return holdfast.Errorf(holdfast.Invalid, "id.malformed", "a broadcast needs an id").WithField("id")
	}
	_, err = b.Journal.Do(ctx, journal.Command{Workspace: workspace, Actor: actor, Run: func(tx *journal.Tx) error {
		var of holdfast.ID
		var state holdfast.BroadcastState
		var had []byte
		err := tx.QueryRow("SELECT workspace, state, body FROM broadcast WHERE id = $1", id).Scan(&of, &state, &had)
		switch {
		case errors.Is(err, store.ErrNoRows):
		case err != nil:
			return err
		case of != workspace:
			return missing()
		case state != holdfast.BroadcastDraft && state != holdfast.BroadcastAsked:
			return standing(&row{Broadcast: Broadcast{State: state}})
		}
		raw, err := json.Marshal(&holdfast.BroadcastSaved{BroadcastSpec: s})
		if err != nil || state == holdfast.BroadcastDraft && string(raw) == string(had) {
			return err
		}
		_, err = tx.Append(id, &holdfast.BroadcastSaved{BroadcastSpec: s})
		return err
	}})
	return err
}

// Begin starts a draft, or asks for a second person where it is above the limit.
// The number is counted now. Errors: NotFound; Conflict "broadcast.state",
// "broadcast.no_text", "broadcast.no_way", "broadcast.nobody".
func (b *Broadcasts) Begin(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, id holdfast.ID) error {
	v, err := b.Read(ctx, workspace, id)
	if err != nil {
		return err
	}
	switch v.State {
	case holdfast.BroadcastDraft:
	case holdfast.BroadcastAsked, holdfast.BroadcastRunning:
		return nil // asked again by who did not hear the answer
	default:
		return standing(&row{Broadcast: *v})
	}
	if err := b.ready(ctx, workspace, &v.BroadcastSpec); err != nil {
		return err
	}
	p, err := b.count(ctx, workspace, id, &v.BroadcastSpec)
	if err != nil {
		return err
	}
	if p.Recipients == 0 {
		return holdfast.Errorf(holdfast.Conflict, "broadcast.nobody", "nobody would be told").WithField("segment").WithNext("Widen the segment, or choose other channels.")
	}
	return b.change(ctx, workspace, actor, id, func(now *row) (holdfast.Body, error) {
		switch {
		case now.State == holdfast.BroadcastAsked || now.State == holdfast.BroadcastRunning:
			return nil, nil
		case now.State != holdfast.BroadcastDraft:
			return nil, standing(now)
		case !now.Saved.At.Equal(v.Saved.At):
			return nil, holdfast.Errorf(holdfast.Conflict, "broadcast.changed", "somebody has changed it meanwhile").WithNext("Look at it again, then start it.")
		case p.Second:
			return &holdfast.BroadcastAskedFor{Count: p.Recipients}, nil
		}
		return &holdfast.BroadcastStarted{Count: p.Recipients}, nil
	})
}

// Confirm starts one that waits for a second person: another operator than who
// asked, and no program. Errors: NotFound; Conflict "broadcast.state"; Forbidden
// "broadcast.own", "broadcast.person".
func (b *Broadcasts) Confirm(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, id holdfast.ID) error {
	if actor.Kind != holdfast.ActorOperator {
		return holdfast.Errorf(holdfast.Forbidden, "broadcast.person", "a second person must agree, not a program").WithNext("Sign in as an operator.")
	}
	return b.change(ctx, workspace, actor, id, func(now *row) (holdfast.Body, error) {
		switch {
		case now.State == holdfast.BroadcastRunning && now.started.ID == actor.ID:
			return nil, nil
		case now.State != holdfast.BroadcastAsked:
			return nil, standing(now)
		case now.asked.ID == actor.ID, now.asked.Kind != holdfast.ActorOperator && now.Saved.ID == actor.ID:
			// Whom a program asked for, only its author has agreed to so far.
			return nil, holdfast.Errorf(holdfast.Forbidden, "broadcast.own", "somebody else must agree to what you wrote or asked for").WithNext("Ask a colleague who may confirm broadcasts.")
		}
		return &holdfast.BroadcastStarted{Count: now.AskedCount}, nil
	})
}

// Pause holds what is on its way and lets nothing follow. Errors: NotFound, Conflict.
func (b *Broadcasts) Pause(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, id holdfast.ID) error {
	return b.move(ctx, workspace, actor, id, holdfast.BroadcastPaused, &holdfast.BroadcastHeld{}, holdfast.BroadcastRunning)
}

// Resume lets a paused one go on. Errors: NotFound, Conflict.
func (b *Broadcasts) Resume(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, id holdfast.ID) error {
	return b.move(ctx, workspace, actor, id, holdfast.BroadcastRunning, &holdfast.BroadcastResumed{}, holdfast.BroadcastPaused)
}

// Cancel ends one for good: who has not been told is not. Errors: NotFound, Conflict.
func (b *Broadcasts) Cancel(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, id holdfast.ID) error {
	return b.move(ctx, workspace, actor, id, holdfast.BroadcastCancelled, &holdfast.BroadcastStopped{},
		holdfast.BroadcastDraft, holdfast.BroadcastAsked, holdfast.BroadcastRunning, holdfast.BroadcastPaused)
}

func (b *Broadcasts) move(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, id holdfast.ID, to holdfast.BroadcastState, body holdfast.Body, from ...holdfast.BroadcastState) error {
	return b.change(ctx, workspace, actor, id, func(now *row) (holdfast.Body, error) {
		if now.State == to {
			return nil, nil
		}
		for _, s := range from {
			if now.State == s {
				return body, nil
			}
		}
		return nil, standing(now)
	})
}

// Start saves and begins a broadcast for a plan: the same key twice is one
// broadcast. Above the limit it waits for one person. Errors: as Save and Begin.
func (b *Broadcasts) Start(ctx context.Context, workspace holdfast.ID, spec holdfast.BroadcastSpec, key string) (holdfast.ID, error) {
	id := holdfast.DeriveID(workspace, "broadcast "+key)
	v, err := b.Read(ctx, workspace, id)
	if holdfast.KindOf(err) == holdfast.NotFound {
		err = b.Save(ctx, workspace, holdfast.System, id, spec)
	} else if err == nil && v.State != holdfast.BroadcastDraft {
		return id, nil
	}
	if err != nil {
		return id, err
	}
	return id, b.Begin(ctx, workspace, holdfast.System, id)
}
