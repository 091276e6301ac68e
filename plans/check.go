package plans

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"holdfast"
	"holdfast/store"
)

// Languages are the ones that every text of a plan has.
var Languages = []string{"en", "ru", "fa"}

// Gap is one thing that a plan lacks before it can start by itself.
type Gap struct {
	Code     string `json:"code" doc:"\"trigger\", \"steps\", \"role\", \"nobody\", \"text\", \"language\", \"placeholder\", \"webhook\", \"seconds\", \"offered\"."`
	Recovery bool   `json:"recovery,omitempty"`
	Step     string `json:"step,omitempty" doc:"The key of the step."`
	Name     string `json:"name,omitempty" doc:"Of the role, the text or the placeholder."`
	Language string `json:"language,omitempty"`
}

var key = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

func invalid(code, field, format string, args ...any) error {
	return holdfast.Errorf(holdfast.Invalid, code, format, args...).WithField(field)
}

// line is a name on one line of at most 120 characters.
func line(s, field string) (string, error) {
	s = strings.TrimSpace(store.Text(s))
	if s == "" || utf8.RuneCountInString(s) > 120 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", invalid("name.invalid", field, "a name has 1 to 120 characters on one line")
	}
	return s, nil
}

// check sees that a plan can be stored at all, and fills in what was left out. The
// error is Invalid.
func check(p *holdfast.Plan) (err error) {
	if p.Name, err = line(p.Name, "name"); err != nil {
		return err
	}
	t := &p.Trigger
	if t.On = cmp.Or(t.On, holdfast.OnHand); t.Seconds < 0 || t.Seconds > 86400 || !slices.Contains([]holdfast.PlanCause{holdfast.OnReach, holdfast.OnChannel, holdfast.OnLink, holdfast.OnHand}, t.On) {
		return invalid("plan.trigger", "trigger", "a plan begins by reach, by a channel, by a link or by hand, after at most a day")
	}
	if t.On == holdfast.OnReach && !slices.Contains([]holdfast.Reach{holdfast.Domestic, holdfast.Local, holdfast.Nowhere}, t.Reach) {
		return invalid("plan.trigger", "trigger", "the reach falls to domestic, local or none")
	}
	p.Every, p.Settle = cmp.Or(p.Every, 60), cmp.Or(p.Settle, 60)
	if p.Every < 5 || p.Every > 1440 || p.Settle < 0 || p.Settle > 3600 || p.StopLate < 0 || p.StopLate > 43200 {
		return invalid("plan.times", "every", "a notice follows after 5 minutes to a day, things are well for at most an hour, and a run ends within 30 days")
	}
	if len(p.Roles) > 20 || len(p.Steps) > 50 || len(p.Recovery) > 50 || len(p.Texts) > 60 {
		return invalid("plan.too_long", "steps", "a plan has at most 20 roles, 50 steps in each part and 60 texts")
	}
	seen := map[string]bool{}
	for i := range p.Roles {
		r := &p.Roles[i]
		if r.Name, err = line(r.Name, "roles"); err != nil {
			return err
		}
		if !key.MatchString(r.Key) || seen[r.Key] {
			return invalid("plan.key", "roles", "each role has a key of its own")
		}
		seen[r.Key] = true
		if r.Deputies == nil {
			r.Deputies = []holdfast.ID{}
		}
		if len(r.Deputies) > 10 {
			return invalid("plan.too_long", "roles", "a role has at most ten deputies")
		}
	}
	for _, part := range [][]holdfast.PlanStep{p.Steps, p.Recovery} {
		keys := map[string]bool{}
		for i := range part {
			s := &part[i]
			if s.Name, err = line(s.Name, "steps"); err != nil {
				return err
			}
			if !key.MatchString(s.Key) || keys[s.Key] {
				return invalid("plan.key", "steps", "each step has a key of its own")
			}
			keys[s.Key] = true
			if !slices.ContainsFunc(deeds, func(d Deed) bool { return d.Do == s.Do }) {
				return invalid("plan.deed_unknown", "steps", "there is no such step as %q", s.Do)
			}
			s.Mode, s.OnFailure = cmp.Or(s.Mode, holdfast.StepAutomatic), cmp.Or(s.OnFailure, holdfast.FailGoOn)
			if s.Do == holdfast.DeedTask || s.Do == holdfast.DeedAsk {
				s.Mode = holdfast.StepHand
			}
			if !slices.Contains([]holdfast.PlanMode{holdfast.StepAutomatic, holdfast.StepConfirm, holdfast.StepHand}, s.Mode) ||
				!slices.Contains([]holdfast.PlanFailing{holdfast.FailGoOn, holdfast.FailStop, holdfast.FailAsk}, s.OnFailure) {
				return invalid("plan.mode", "steps", "a step goes by itself, after a yes or by hand; after a failure the plan goes on, stops or asks")
			}
			if s.Timeout < 0 || s.Timeout > 86400 || s.Seconds < 0 || s.Seconds > 86400 || len(s.Roles) > 20 || len(s.Places) > 10 || len(s.Channels) > 20 {
				return invalid("plan.times", "steps", "a step takes at most a day")
			}
		}
	}
	texts := map[string]bool{}
	for i := range p.Texts {
		t := &p.Texts[i]
		if id := t.Key + "\x00" + t.Channel; !key.MatchString(t.Key) || texts[id] || len(t.Channel) > 40 {
			return invalid("plan.key", "texts", "each text has a key of its own for each kind of channel")
		} else {
			texts[id] = true
		}
		words := map[string]string{}
		for lang, text := range t.Texts {
			if !slices.Contains(Languages, lang) || utf8.RuneCountInString(text) > 4000 {
				return invalid("plan.text", "texts", "a text is in English, Russian or Persian and has at most 4000 characters")
			}
			if err := checkPlaceholders(text); err != nil {
				return err
			}
			if text = strings.TrimSpace(store.Text(text)); text != "" {
				words[lang] = text
			}
		}
		t.Texts = words
	}
	return checkSchedule(&p.Drills)
}

func checkSchedule(d *holdfast.DrillSchedule) error {
	d.Every, d.At = cmp.Or(d.Every, "off"), cmp.Or(d.At, "10:00")
	if _, err := time.Parse("15:04", d.At); err != nil || len(d.At) != 5 {
		return invalid("plan.schedule", "drills", "write an hour as 10:00")
	}
	switch {
	case d.Every == "off", d.Every == "weekly" && d.Day >= 0 && d.Day <= 6, d.Every == "monthly" && d.Day >= 1 && d.Day <= 28:
		return nil
	}
	return invalid("plan.schedule", "drills", "a drill is weekly on a day from 0, Sunday, or monthly on a day from 1 to 28")
}

// Gaps lists what a plan lacks before it can start by itself.
func (p *Plans) gaps(plan *holdfast.Plan) []Gap {
	list := []Gap{}
	if len(plan.Steps) == 0 {
		list = append(list, Gap{Code: "steps"})
	}
	for _, r := range plan.Roles {
		if r.Operator.IsZero() && len(r.Deputies) == 0 {
			list = append(list, Gap{Code: "nobody", Name: r.Name})
		}
	}
	for n, part := range [][]holdfast.PlanStep{plan.Steps, plan.Recovery} {
		for _, s := range part {
			gap := func(code, name, lang string) {
				list = append(list, Gap{Code: code, Recovery: n == 1, Step: s.Key, Name: name, Language: lang})
			}
			d, offered := p.offer(s.Do)
			if !offered {
				gap("offered", string(s.Do), "")
				continue
			}
			for _, name := range s.Roles {
				if !slices.ContainsFunc(plan.Roles, func(r holdfast.PlanRole) bool { return r.Key == name }) {
					gap("role", name, "")
				}
			}
			if len(s.Roles) == 0 && (d.needs("roles") || s.Mode != holdfast.StepAutomatic) {
				gap("role", "", "")
			}
			if d.needs("seconds") && s.Seconds == 0 {
				gap("seconds", "", "")
			}
			if d.needs("webhook") && s.Webhook.IsZero() {
				gap("webhook", "", "")
			}
			if !d.needs("text") || s.Text == "" && !d.customers {
				continue
			}
			found := false
			for _, t := range plan.Texts {
				if t.Key != s.Text || s.Text == "" {
					continue
				}
				found = found || t.Channel == ""
				for _, lang := range Languages {
					if t.Texts[lang] == "" {
						gap("language", t.Key, lang)
						continue
					}
					for _, name := range d.says(n == 1) {
						if !strings.Contains(t.Texts[lang], "{{"+name) {
							gap("placeholder", name, lang)
						}
					}
				}
			}
			if !found {
				gap("text", s.Text, "")
			}
		}
	}
	return list
}

// lacking is nil for a plan that has all it needs. The error is Invalid.
func (p *Plans) lacking(plan *holdfast.Plan) error {
	if gaps := p.gaps(plan); len(gaps) > 0 {
		return holdfast.Errorf(holdfast.Invalid, "plan.incomplete", "the plan lacks %d things", len(gaps)).WithField("steps").
			WithNext(fmt.Sprintf("Fill in what its editor lists, first: %s %s.", gaps[0].Code, gaps[0].Name))
	}
	return nil
}
