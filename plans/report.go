package plans

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"holdfast"
)

// FirstNotice is how soon after an outage began somebody should be told.
const FirstNotice = 10 * time.Minute

// Report is what a run came to: the score of a drill.
type Report struct {
	Seconds     int64    `json:"seconds" doc:"From its start to its end, or to now."`
	Detect      *int64   `json:"detect" doc:"Seconds from the outage to the start; null in a drill and by hand, where nothing was to be found out."`
	FirstNotice *int64   `json:"first_notice" doc:"Seconds from the outage, or else the start, to the first notice to anybody; null while there is none."`
	InTime      bool     `json:"in_time" doc:"Whether the first notice came within ten minutes."`
	Told        int      `json:"told" doc:"Operators."`
	Heard       int      `json:"heard" doc:"Of them, who said that they have seen it."`
	HeardAfter  *int64   `json:"heard_after" doc:"The middle of the seconds that they took."`
	Steps       int      `json:"steps"`
	Done        int      `json:"done"`
	Failed      int      `json:"failed"`
	Skipped     int      `json:"skipped"`
	Late        int      `json:"late" doc:"Steps whose time ran out."`
	Messages    *Ledger  `json:"messages" doc:"What became of customers' messages; null where nobody counts. In a drill none was sent."`
	Cost        *Cost    `json:"cost" doc:"What the outages of this time cost; of one run alone, for whoever may see it, and not of a drill."`
	Balance     *Balance `json:"balance" doc:"What reconciling has found; null: it was not asked to, or not yet."`
}

func seconds(d time.Duration) *int64 {
	s := int64(max(d, 0) / time.Second)
	return &s
}

// notices reports whether a step tells somebody something.
func notices(d holdfast.PlanDeed) bool {
	switch d {
	case holdfast.DeedTell, holdfast.DeedBanner, holdfast.DeedBroadcast, holdfast.DeedNote:
		return true
	}
	return false
}

func (p *Plans) report(ctx context.Context, r *Run) (*Report, error) {
	until := r.EndedAt
	if until.IsZero() {
		until = p.db.Now()
	}
	rep := &Report{Seconds: *seconds(until.Sub(r.StartedAt))}
	began := r.began()
	if !r.Since.IsZero() && !r.Drill {
		rep.Detect = seconds(r.StartedAt.Sub(r.Since))
	}
	var first time.Time
	for _, s := range r.Steps {
		if s.Recovery && r.RecoveringAt.IsZero() {
			continue // it is not its turn
		}
		rep.Steps++
		switch s.State {
		case holdfast.StepDone, holdfast.StepUndone:
			rep.Done++
			if s.Kind == holdfast.DeedReconcile && len(s.undo) > 0 {
				rep.Balance = &Balance{}
				if err := json.Unmarshal(s.undo, rep.Balance); err != nil {
					return nil, err
				}
			}
			if notices(s.Kind) && !s.Recovery && (first.IsZero() || s.At.Before(first)) {
				first = s.At
			}
		case holdfast.StepFailed, holdfast.StepBlocking:
			rep.Failed++
			if s.Code == codeLate {
				rep.Late++
			}
		case holdfast.StepSkipped:
			if s.Code != codeOver {
				rep.Skipped++
			}
		}
	}
	if !first.IsZero() {
		rep.FirstNotice = seconds(first.Sub(began))
		rep.InTime = first.Sub(began) <= FirstNotice
	}
	told, heard := map[holdfast.ID]time.Time{}, map[holdfast.ID]time.Duration{}
	for _, c := range r.Calls {
		if _, ok := told[c.Operator]; !ok {
			told[c.Operator] = c.At
		}
		if !c.HeardAt.IsZero() {
			if _, ok := heard[c.Operator]; !ok {
				heard[c.Operator] = c.HeardAt.Sub(told[c.Operator])
			}
		}
	}
	rep.Told, rep.Heard = len(told), len(heard)
	if len(heard) > 0 {
		var took []time.Duration
		for _, d := range heard {
			took = append(took, d)
		}
		slices.Sort(took)
		rep.HeardAfter = seconds(took[len(took)/2])
	}
	switch {
	case r.Drill:
		rep.Messages = &Ledger{}
	case p.deps.Ledger != nil:
		l, err := p.deps.Ledger(ctx, r.workspace, began, until)
		if err != nil {
			return nil, err
		}
		rep.Messages = &l
	}
	return rep, nil
}

// reportWords are the lines of a report by mail.
var reportWords = map[string][9]string{
	"en": {"%s: what it came to", "First notice after %s min.", "Nobody was told anything.", "Staff who have seen it: %s of %s.", "Steps: %s done, %s failed, %s skipped.", "Messages: %s held, %s sent another way, %s lost, %s doubled.", "It has taken %s min.", "Reconciled: everything matches.", "Reconciled: %s messages do not match; they stand in the run."},
	"ru": {"%s: итоги", "Первое уведомление через %s мин.", "Никого не уведомили.", "Сотрудников подтвердили: %s из %s.", "Шаги: выполнено %s, не удалось %s, пропущено %s.", "Сообщения: задержано %s, отправлено иначе %s, потеряно %s, удвоено %s.", "Заняло %s мин.", "Сверка: всё сходится.", "Сверка: не сходится сообщений: %s, они перечислены в итогах."},
	"fa": {"%s: گزارش", "نخستین اطلاع‌رسانی پس از %s دقیقه.", "به کسی چیزی گفته نشد.", "همکارانی که دیده‌اند: %s از %s.", "گام‌ها: %s انجام‌شده، %s ناموفق، %s رد شده.", "پیام‌ها: %s نگه‌داشته، %s از راه دیگر، %s گم‌شده، %s تکراری.", "%s دقیقه طول کشید.", "تطبیق: همه‌چیز درست است.", "تطبیق: %s پیام جور نیست؛ فهرستشان در گزارش است."},
}

// said is a report in words, by language.
func (r *Report) said(name string) map[string]string {
	out := map[string]string{}
	for lang, w := range reportWords {
		n := func(v int) string { return holdfast.Digits(fmt.Sprint(v), lang) }
		lines := []string{fmt.Sprintf(w[0], name), w[2]}
		if r.FirstNotice != nil {
			lines[1] = fmt.Sprintf(w[1], n(int((*r.FirstNotice+59)/60)))
		}
		lines = append(lines, fmt.Sprintf(w[3], n(r.Heard), n(r.Told)), fmt.Sprintf(w[4], n(r.Done), n(r.Failed), n(r.Skipped)))
		if m := r.Messages; m != nil {
			lines = append(lines, fmt.Sprintf(w[5], n(m.Held), n(m.Rerouted), n(m.Lost), n(m.Doubled)))
		}
		if b := r.Balance; b != nil {
			wrong := 0
			for _, c := range b.Counts {
				wrong += c.Count
			}
			if lines = append(lines, w[7]); wrong > 0 {
				lines[len(lines)-1] = fmt.Sprintf(w[8], n(wrong))
			}
		}
		out[lang] = strings.Join(append(lines, fmt.Sprintf(w[6], n(int((r.Seconds+59)/60)))), "\n")
	}
	return out
}
