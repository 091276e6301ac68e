package status

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/journal"
	"holdfast/store"
)

// Banner is a line that is raised.
type Banner struct {
	ID        holdfast.ID         `json:"id"`
	Audiences []holdfast.Audience `json:"audiences"`
	Severity  holdfast.Severity   `json:"severity"`
	Texts     holdfast.Texts      `json:"texts"`
	Until     time.Time           `json:"until,omitzero" doc:"It goes by itself then."`
	ChangedAt time.Time           `json:"changed_at"`
}

// in reports whether a banner is read there at a moment.
func (b *Banner) in(a holdfast.Audience, now time.Time) bool {
	return slices.Contains(b.Audiences, a) && (b.Until.IsZero() || b.Until.After(now))
}

var loudness = map[holdfast.Severity]int{holdfast.ForInformation: 1, holdfast.Warning: 2, holdfast.Critical: 3}

// Banners lists a workspace's that are raised and have not run out, the loudest first,
// then the latest.
func (s *Status) Banners(ctx context.Context, workspace holdfast.ID, now time.Time) ([]Banner, error) {
	rows, err := s.DB.Query(ctx, "SELECT id, body, changed_at FROM banner WHERE workspace = $1 AND body IS NOT NULL", workspace)
	list, err := store.Collect(rows, err, func(r *store.Rows, b *Banner) error {
		var raw []byte
		var body holdfast.BannerRaised
		if err := r.Scan(&b.ID, &raw, &b.ChangedAt); err != nil {
			return err
		}
		err := json.Unmarshal(raw, &body)
		b.Audiences, b.Severity, b.Texts, b.Until = body.Audiences, body.Severity, body.Texts, body.Until
		return err
	})
	list = slices.DeleteFunc(list, func(b Banner) bool { return !b.Until.IsZero() && !b.Until.After(now) })
	slices.SortFunc(list, func(a, b Banner) int {
		return cmp.Or(loudness[b.Severity]-loudness[a.Severity], b.ChangedAt.Compare(a.ChangedAt), slices.Compare(a.ID[:], b.ID[:]))
	})
	return list, err
}

// In lists the texts of the banners that an audience reads now, the loudest first.
func (s *Status) In(ctx context.Context, workspace holdfast.ID, a holdfast.Audience) ([]holdfast.Texts, error) {
	now := time.Now()
	list, err := s.Banners(ctx, workspace, now)
	var texts []holdfast.Texts
	for _, b := range list {
		if b.in(a, now) {
			texts = append(texts, b.Texts)
		}
	}
	return texts, err
}

// RaiseBanner raises a banner, or says it otherwise, whole. key makes a plan's step one:
// what somebody lowered meanwhile is not raised again by it. Errors: Forbidden, Invalid, Conflict.
func (s *Status) RaiseBanner(ctx context.Context, by access.Identity, key, id holdfast.ID, b holdfast.BannerRaised) error {
	if err := by.Require(holdfast.ManageStatus); err != nil {
		return err
	}
	if id.IsZero() {
		return holdfast.Errorf(holdfast.Invalid, "id.missing", "it needs an id").WithField("id")
	}
	var err error
	if b.Texts, err = checkTexts(b.Texts, "texts", bannerMax, true); err != nil {
		return err
	}
	if loudness[b.Severity] == 0 {
		return holdfast.Errorf(holdfast.Invalid, "banner.severity_unknown", "a banner is info, warning or critical").WithField("severity")
	}
	var where []holdfast.Audience
	for _, a := range holdfast.Audiences { // in our order, each once
		if slices.Contains(b.Audiences, a) {
			where = append(where, a)
		}
	}
	for _, a := range b.Audiences {
		if !slices.Contains(holdfast.Audiences, a) {
			return holdfast.Errorf(holdfast.Invalid, "banner.audience_unknown", "a banner is read in the console, the chat, on the status page or on the board").WithField("audiences")
		}
	}
	if b.Audiences = where; len(where) == 0 {
		return holdfast.Errorf(holdfast.Invalid, "banner.audience_missing", "nobody would read it").WithField("audiences").WithNext("Choose where it is shown.")
	}
	b.Until = b.Until.UTC().Truncate(time.Second)
	raw, err := json.Marshal(&b)
	if err != nil {
		return err
	}
	defer s.kept.forget(by.Workspace)
	_, err = s.Journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, ID: key, Run: func(tx *journal.Tx) error {
		if !b.Until.IsZero() && !b.Until.After(tx.Now) {
			return holdfast.Errorf(holdfast.Invalid, "banner.over", "this moment is over").WithField("until").WithNext("Choose a later one, or none.")
		}
		var had []byte
		err := tx.QueryRow("SELECT body FROM banner WHERE workspace = $1 AND id = $2", by.Workspace, id).Scan(&had)
		switch {
		case errors.Is(err, store.ErrNoRows):
			if err := s.room(tx.Tx, by.Workspace, "banner", id); err != nil {
				return err
			}
		case err != nil:
			return err
		}
		if string(had) == string(raw) {
			return nil
		}
		if _, err := tx.Append(id, &b); err != nil {
			return err
		}
		return access.Record(tx.Tx, by, "banner.raised", id, nil)
	}})
	return err
}

// LowerBanner takes one down. Errors: Forbidden, NotFound.
func (s *Status) LowerBanner(ctx context.Context, by access.Identity, id holdfast.ID) error {
	return s.remove(ctx, by, "banner", id, &holdfast.BannerLowered{}, missingBanner())
}

func missingBanner() error {
	return holdfast.Errorf(holdfast.NotFound, "banner.missing", "this banner is not raised")
}
