package broadcasts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"holdfast"
	"holdfast/store"
)

// The purposes that customers consent to one by one.
var purposes = []string{"service", "notice", "marketing"}

const (
	textMax  = 10_000 // characters
	nameMax  = 200
	defaults = "notice"
)

var clockTime = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)

// clean puts a spec into the form that is stored. What a draft may still lack is
// not asked for here. The error is Invalid and names the field.
func (b *Broadcasts) clean(s holdfast.BroadcastSpec) (holdfast.BroadcastSpec, error) {
	bad := func(field, format string, args ...any) (holdfast.BroadcastSpec, error) {
		return s, holdfast.Errorf(holdfast.Invalid, "broadcast.malformed", format, args...).WithField(field)
	}
	s.Name = strings.TrimSpace(store.Text(s.Name))
	if s.Name == "" || utf8.RuneCountInString(s.Name) > nameMax || strings.ContainsAny(s.Name, "\r\n") {
		return s, holdfast.Errorf(holdfast.Invalid, "name.invalid", "a name has 1 to 200 characters on one line").WithField("name")
	}
	s.Incident = strings.TrimSpace(store.Text(s.Incident))
	if utf8.RuneCountInString(s.Incident) > nameMax {
		return bad("incident", "an incident's name has at most 200 characters")
	}
	if s.Purpose == "" {
		s.Purpose = defaults
	}
	if !slices.Contains(purposes, s.Purpose) {
		return bad("purpose", "the purpose is service, notice or marketing")
	}
	seg := &s.Segment
	for _, l := range []*[]string{&s.First, &seg.Tags, &seg.NotTags, &seg.Languages, &seg.Schemes, &seg.Companies} {
		*l = words(*l)
	}
	if len(seg.Tags)+len(seg.NotTags)+len(s.First) > 150 || len(seg.Companies) > 200 || len(seg.Fields) > 20 || len(seg.Languages)+len(seg.Schemes) > 40 {
		return bad("segment", "this is too much for one segment")
	}
	for i, f := range seg.Fields {
		seg.Fields[i].Value = strings.TrimSpace(store.Text(f.Value))
		if f.Field.IsZero() || seg.Fields[i].Value == "" {
			return bad("segment.fields", "a field needs the value that it must have")
		}
	}
	seen := map[holdfast.ID]bool{}
	for _, w := range s.Ways {
		if w.Channel.IsZero() || seen[w.Channel] {
			return bad("ways", "each way is a channel of its own")
		}
		if w.PerMinute < 1 || w.PerMinute > 600_000 {
			return bad("ways", "a channel sends 1 to 600000 messages a minute")
		}
		seen[w.Channel] = true
	}
	if len(s.Ways) > 20 {
		return bad("ways", "there are at most 20 ways")
	}
	for _, m := range []struct {
		field string
		texts *map[string]string
		max   int
	}{{"texts", &s.Texts, textMax}, {"subjects", &s.Subjects, nameMax}} {
		kept := map[string]string{}
		for lang, text := range *m.texts {
			if text = strings.TrimSpace(store.Text(text)); text == "" {
				continue
			}
			if !holdfast.KnownLanguage(lang) {
				return s, holdfast.Errorf(holdfast.Invalid, "language.unknown", "there are no texts in this language").WithField(m.field)
			}
			if utf8.RuneCountInString(text) > m.max {
				return bad(m.field+"."+lang, "this has more than %d characters", m.max)
			}
			if err := b.Check(text); err != nil {
				var e *holdfast.Error
				if errors.As(err, &e) {
					return s, e.WithField(m.field + "." + lang)
				}
				return s, err
			}
			kept[lang] = text
		}
		*m.texts = kept
	}
	if q := s.Quiet; q != nil && (!clockTime.MatchString(q.From) || !clockTime.MatchString(q.To) || q.From == q.To) {
		return bad("quiet", "quiet hours are written as 21:00 to 09:00")
	}
	return s, nil
}

// words is a list without spaces around, empty ones and doubles.
func words(list []string) []string {
	var out []string
	for _, w := range list {
		if w = strings.TrimSpace(store.Text(w)); w != "" && len(w) <= 400 && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// ready refuses a spec that cannot start. The error is Conflict and says what it lacks.
func (b *Broadcasts) ready(ctx context.Context, workspace holdfast.ID, s *holdfast.BroadcastSpec) error {
	if len(s.Texts) == 0 {
		return holdfast.Errorf(holdfast.Conflict, "broadcast.no_text", "there is nothing to say").WithField("texts").WithNext("Write a text in at least one language.")
	}
	lanes, err := b.Lanes(ctx, workspace)
	if err != nil {
		return err
	}
	for _, w := range s.Ways {
		if slices.ContainsFunc(lanes, func(l Lane) bool { return l.ID == w.Channel }) {
			return nil
		}
	}
	return holdfast.Errorf(holdfast.Conflict, "broadcast.no_way", "no channel of it runs").WithField("ways").WithNext("Choose a channel that is switched on.")
}

// text is what a customer of a language is told, and its subject: in their own
// language, else in the workspace's, else in the first that there is.
func text(s *holdfast.BroadcastSpec, language, house string) (text, subject, in string) {
	for _, lang := range append([]string{language, house}, slices.Sorted(maps.Keys(s.Texts))...) {
		if t := s.Texts[lang]; t != "" {
			subject = s.Subjects[lang]
			if subject == "" {
				subject = s.Name
			}
			return t, subject, lang
		}
	}
	return "", "", ""
}

// rest is when somebody in a zone may be told: now, or when their quiet hours end.
func rest(q *holdfast.BroadcastQuiet, now time.Time, zone *time.Location) time.Time {
	if q == nil {
		return now
	}
	at := now.In(zone)
	hm := fmt.Sprintf("%02d:%02d", at.Hour(), at.Minute())
	night := hm >= q.From && hm < q.To
	if q.From > q.To {
		night = hm >= q.From || hm < q.To
	}
	if !night {
		return now
	}
	var h, m int
	_, _ = fmt.Sscanf(q.To, "%d:%d", &h, &m) // clean has checked it
	end := time.Date(at.Year(), at.Month(), at.Day(), h, m, 0, 0, zone)
	if !end.After(now) {
		end = time.Date(at.Year(), at.Month(), at.Day()+1, h, m, 0, 0, zone)
	}
	return end
}

// until is when what takes d of waking time, begun now, is done.
func until(q *holdfast.BroadcastQuiet, now time.Time, zone *time.Location, d time.Duration) time.Time {
	if q == nil {
		return now.Add(d)
	}
	for range 3660 { // ten years: then the sum is of no use to anybody
		now = rest(q, now, zone)
		at := now.In(zone)
		var h, m int
		_, _ = fmt.Sscanf(q.From, "%d:%d", &h, &m)
		night := time.Date(at.Year(), at.Month(), at.Day(), h, m, 0, 0, zone)
		if !night.After(now) {
			night = time.Date(at.Year(), at.Month(), at.Day()+1, h, m, 0, 0, zone)
		}
		if left := night.Sub(now); d <= left {
			return now.Add(d)
		} else {
			d -= left
		}
		now = night
	}
	return now
}
