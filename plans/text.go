package plans

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"holdfast"
)

// Placeholders are the names that a plan's text may have in double braces.
var Placeholders = []string{"workspace.name", "plan.name", "step.name", "affected", "works", "next", "since", "opt_out"}

var placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_.]+)\s*(?:\|([^{}]*))?\}\}`)

func checkPlaceholders(text string) error {
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(Placeholders, m[1]) {
			return holdfast.Errorf(holdfast.Invalid, "placeholder.unknown", "nothing fills the placeholder %s", m[1]).WithField("texts").
				WithNext("Use one of " + strings.Join(Placeholders, ", ") + ".")
		}
	}
	return nil
}

// words are the ones that a plan needs of its own, by language.
var words = map[string]map[string]string{
	"en": {"and": " and ", "comma": ", ", "nothing": "nothing", "opt_out": "Reply STOP to get no more of these.",
		"reach.international": "everything", "reach.domestic": "services in this country", "reach.local": "the phone and our shop", "reach.none": "our shop",
		"down.international": "nothing", "down.domestic": "services from abroad", "down.local": "the internet", "down.none": "the network",
		"call": "{{step.name}}", "calls": "You have customers to call: they stand under Links and reach, Calls.", "subject": "{{workspace.name}}: {{plan.name}}", "subject.drill": "Drill. {{workspace.name}}: {{plan.name}}", "drill": "This is a drill. ", "open": "Say that you have seen it:"},
	"ru": {"and": " и ", "comma": ", ", "nothing": "ничего", "opt_out": "Чтобы больше не получать такие сообщения, ответьте СТОП.",
		"reach.international": "всё", "reach.domestic": "сервисы внутри страны", "reach.local": "телефон и наш магазин", "reach.none": "наш магазин",
		"down.international": "ничего", "down.domestic": "зарубежные сервисы", "down.local": "интернет", "down.none": "сеть",
		"call": "{{step.name}}", "calls": "Вам нужно позвонить клиентам: список в разделе «Связь и доступность», «Звонки».", "subject": "{{workspace.name}}: {{plan.name}}", "subject.drill": "Учения. {{workspace.name}}: {{plan.name}}", "drill": "Это учения. ", "open": "Подтвердите, что прочитали:"},
	"fa": {"and": " و ", "comma": "، ", "nothing": "هیچ", "opt_out": "برای دریافت نکردن این پیام‌ها «لغو» را بفرستید.",
		"reach.international": "همه چیز", "reach.domestic": "سرویس‌های داخل کشور", "reach.local": "تلفن و فروشگاه ما", "reach.none": "فروشگاه ما",
		"down.international": "هیچ", "down.domestic": "سرویس‌های خارج از کشور", "down.local": "اینترنت", "down.none": "شبکه",
		"call": "{{step.name}}", "calls": "باید به چند مشتری زنگ بزنید: فهرست در «ارتباط و دسترسی»، «تماس‌ها» است.", "subject": "{{workspace.name}}: {{plan.name}}", "subject.drill": "تمرین. {{workspace.name}}: {{plan.name}}", "drill": "این یک تمرین است. ", "open": "اعلام کنید که دیده‌اید:"},
}

// facts are what placeholders stand for, but for what depends on the language.
type facts struct {
	workspace, plan, step string
	zone                  *time.Location
	now, since            time.Time
	every                 time.Duration
	reach                 holdfast.Reach // "" where nothing is known
	down, up              []string       // channels
}

func (f *facts) fill(text, lang string) string {
	w := words[lang]
	clock := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return holdfast.Digits(at.In(f.zone).Format("15:04"), lang)
	}
	list := func(names []string, reach string) string {
		switch n := len(names); {
		case n == 0 && f.reach != "":
			return w[reach+string(f.reach)]
		case n == 0:
			return w["nothing"]
		case n == 1:
			return names[0]
		default:
			return strings.Join(names[:n-1], w["comma"]) + w["and"] + names[n-1]
		}
	}
	known := map[string]string{"workspace.name": f.workspace, "plan.name": f.plan, "step.name": f.step, "affected": list(f.down, "down."), "works": list(f.up, "reach."),
		"next": clock(f.now.Add(f.every)), "since": clock(f.since), "opt_out": w["opt_out"]}
	return placeholder.ReplaceAllStringFunc(text, func(s string) string {
		m := placeholder.FindStringSubmatch(s)
		if v := known[m[1]]; v != "" {
			return v
		}
		return strings.TrimSpace(m[2])
	})
}

// facts gathers what a run's texts say.
func (p *Plans) facts(ctx context.Context, r *Run, step string) (*facts, error) {
	f := &facts{plan: r.Name, step: step, zone: time.UTC, now: p.db.Now(), since: r.Since, every: time.Duration(r.plan.Every) * time.Minute}
	var err error
	if _, f.workspace, f.zone, err = p.deps.House(ctx, r.workspace); err != nil {
		return nil, err
	}
	if f.since.IsZero() {
		f.since = r.StartedAt
	}
	lanes, err := p.deps.Channels(ctx, r.workspace)
	if err != nil {
		return nil, err
	}
	now, err := p.conditions(ctx, r.workspace)
	if err != nil {
		return nil, err
	}
	f.reach = holdfast.Reach(now.state(holdfast.OnReach, r.workspace))
	for _, l := range lanes {
		if now.state(holdfast.OnChannel, l.ID) == string(holdfast.ChannelDown) {
			f.down = append(f.down, l.Name)
		} else {
			f.up = append(f.up, l.Name)
		}
	}
	return f, nil
}

// texts are what a step says, filled in, by language; the fallback is a key of words.
func (p *Plans) texts(ctx context.Context, r *Run, s *holdfast.PlanStep, kind, fallback string) (map[string]string, error) {
	f, err := p.facts(ctx, r, s.Name)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, lang := range Languages {
		text := ""
		for _, t := range r.plan.Texts {
			if own := t.Channel == kind; t.Key == s.Text && s.Text != "" && t.Texts[lang] != "" && (own || t.Channel == "" && text == "") {
				text = t.Texts[lang]
			}
		}
		if text == "" {
			text = words[lang][fallback]
		}
		out[lang] = f.fill(text, lang)
	}
	return out, nil
}
