package setup

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/store"
)

// Duty is whether an operator is at work, as far as the desk was told.
type Duty struct {
	// On: within their shifts and not away. Whoever has no shifts works when one of
	// their teams answers, or else the workspace; where no hours are set at all, always.
	On bool `json:"on"`
	// Away: has gone meanwhile, until Until or until they say that they are back.
	Away  bool      `json:"away"`
	Until time.Time `json:"until,omitzero"`
	// Back is when they will be on duty again, where that is known.
	Back time.Time `json:"back,omitzero"`
	// Next is when this will be otherwise by itself; zero where it will not.
	Next time.Time `json:"next,omitzero"`
}

// Duties says of each operator of a workspace whether they are on duty now.
func (s *Setup) Duties(ctx context.Context, workspace holdfast.ID, now time.Time) (map[holdfast.ID]Duty, error) {
	hours, err := s.Hours(ctx, workspace)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(hours[0].TimeZone)
	if err != nil {
		return nil, err
	}
	shifts, err := s.shifts(ctx, workspace, holdfast.ID{})
	if err != nil {
		return nil, err
	}
	type gone struct {
		operator holdfast.ID
		until    time.Time
	}
	rows, err := s.db.Query(ctx, "SELECT operator, until FROM away WHERE workspace = $1", workspace)
	absent, err := store.Collect(rows, err, func(r *store.Rows, g *gone) error { return r.Scan(&g.operator, &g.until) })
	if err != nil {
		return nil, err
	}
	away := map[holdfast.ID]time.Time{}
	for _, g := range absent {
		if g.until.IsZero() || g.until.After(now) {
			away[g.operator] = g.until
		}
	}
	members, err := s.guard.Operators(ctx, workspace)
	if err != nil {
		return nil, err
	}
	duties := make(map[holdfast.ID]Duty, len(members))
	for _, m := range members {
		until, gone := away[m.ID]
		duties[m.ID] = dutyOf(hoursFor(m, hours, shifts), gone, until, now.In(zone))
	}
	return duties, nil
}

// hoursFor is every week that an operator works by: one of them is enough.
func hoursFor(m access.Member, hours []Hours, shifts map[holdfast.ID]holdfast.Hours) []holdfast.Hours {
	if own, ok := shifts[m.ID]; ok {
		return []holdfast.Hours{own}
	}
	var of []holdfast.Hours
	for _, team := range m.Teams {
		for _, h := range hours[1:] {
			if h.Team == team {
				of = append(of, h.Hours)
			}
		}
	}
	if len(of) == 0 && hours[0].Set() {
		of = append(of, hours[0].Hours)
	}
	return of
}

func dutyOf(weeks []holdfast.Hours, away bool, until, now time.Time) Duty {
	d := Duty{On: len(weeks) == 0, Away: away}
	for i := range weeks {
		w := &weeks[i]
		if w.Open(now) {
			if end := w.Ends(now); !d.On || end.IsZero() || !d.Next.IsZero() && end.After(d.Next) {
				d.Next = end
			}
			d.On = true
		}
	}
	if !d.On {
		d.Back = backAfter(weeks, now)
		d.Next = d.Back
	}
	if away {
		d.On, d.Until, d.Back, d.Next = false, until, time.Time{}, until
		if !until.IsZero() {
			d.Back = backAfter(weeks, until.In(now.Location()))
		}
	}
	return d
}

// backAfter is the first moment of work at or after a time; zero where there is none.
func backAfter(weeks []holdfast.Hours, at time.Time) (back time.Time) {
	if len(weeks) == 0 {
		return at
	}
	for i := range weeks {
		if n := weeks[i].Next(at); !n.IsZero() && (back.IsZero() || n.Before(back)) {
			back = n
		}
	}
	return back
}

func (s *Setup) shifts(ctx context.Context, workspace, operator holdfast.ID) (map[holdfast.ID]holdfast.Hours, error) {
	type row struct {
		operator holdfast.ID
		body     []byte
	}
	query, args := "SELECT operator, body FROM shift WHERE workspace = $1", []any{workspace}
	if !operator.IsZero() {
		query, args = query+" AND operator = $2", append(args, operator)
	}
	rows, err := s.db.Query(ctx, query, args...)
	list, err := store.Collect(rows, err, func(r *store.Rows, v *row) error { return r.Scan(&v.operator, &v.body) })
	if err != nil {
		return nil, err
	}
	all := make(map[holdfast.ID]holdfast.Hours, len(list))
	for _, r := range list {
		var h holdfast.Hours
		if err := json.Unmarshal(r.body, &h); err != nil {
			return nil, err
		}
		all[r.operator] = h
	}
	return all, nil
}

// Shifts is when an operator works, in the workspace's zone; not set where they
// work as their team does. The error is NotFound.
func (s *Setup) Shifts(ctx context.Context, workspace, operator holdfast.ID) (holdfast.Hours, error) {
	if _, err := s.guard.Operator(ctx, workspace, operator); err != nil {
		return holdfast.Hours{}, err
	}
	all, err := s.shifts(ctx, workspace, operator)
	return all[operator], err
}

// SetShifts says when an operator works; empty hours have them work as their team
// does. Errors: Forbidden, Invalid, NotFound.
func (s *Setup) SetShifts(ctx context.Context, by access.Identity, operator holdfast.ID, h holdfast.Hours) error {
	if err := by.Require(holdfast.ManageOperators); err != nil {
		return err
	}
	if err := h.Check(); err != nil {
		return err
	}
	if _, err := s.guard.Operator(ctx, by.Workspace, operator); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if changed, err := keepHours(tx, "shift", "operator", by.Workspace, operator, h); err != nil || !changed {
			return err
		}
		return s.note(tx, by, "operator", operator, "operator.shifts_changed", "changed", map[string]any{"days": len(h.Days)})
	})
}

// SetAway says that an operator has gone until a time, with a zero time until they
// are back, or that they are back. One says it of oneself; of others, who manages
// operators. Errors: Forbidden, Invalid for a time that has passed, NotFound.
func (s *Setup) SetAway(ctx context.Context, by access.Identity, operator holdfast.ID, away bool, until time.Time) error {
	need := holdfast.ManageOperators
	if by.Operator == operator && !operator.IsZero() {
		need = holdfast.OwnAccount
	}
	if err := by.Require(need); err != nil {
		return err
	}
	if _, err := s.guard.Operator(ctx, by.Workspace, operator); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if away && !until.IsZero() && !until.After(tx.Now) {
			return holdfast.Errorf(holdfast.Invalid, "away.past", "the time of coming back has passed").WithField("until").WithNext("Name a later time, or none.")
		}
		had, none := time.Time{}, false
		err := tx.QueryRow("SELECT until FROM away WHERE workspace = $1 AND operator = $2", by.Workspace, operator).Scan(&had)
		if none = errors.Is(err, store.ErrNoRows); err != nil && !none {
			return err
		}
		var stamp int64
		if !until.IsZero() {
			stamp = until.UnixMilli()
		}
		switch {
		case away && !none && had.Equal(until), !away && none:
			return nil
		case away:
			err = tx.Exec("INSERT INTO away (workspace, operator, until) VALUES ($1, $2, $3) ON CONFLICT (workspace, operator) DO UPDATE SET until = excluded.until", by.Workspace, operator, stamp)
		default:
			err = tx.Exec("DELETE FROM away WHERE workspace = $1 AND operator = $2", by.Workspace, operator)
		}
		if err != nil {
			return err
		}
		told := "back"
		if away {
			told = "away"
		}
		return s.note(tx, by, "operator", operator, "operator."+told, told, nil)
	})
}
