package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"time"

	"holdfast"
)

const (
	customers     = 400
	conversations = 600
	inOutages     = 30 // conversations about each of the two outages
	waitingNow    = 16 // customers who have just written
)

// ending is how a conversation stands at the moment of the fill.
type ending int

const (
	settled  ending = iota // resolved, perhaps closed
	unsolved               // the customer has the last word
	awaiting               // we have
	asleep
	reopened // settled, and the customer writes again
)

// How many of each there are; the rest is settled. The latest are chosen.
var endings = []struct {
	ending  ending
	count   int
	oldest  time.Duration // how long ago the first of them may have begun
	newest  time.Duration
	oneIn10 int // how many of ten that could be are
}{
	{unsolved, 32, 9 * 24 * time.Hour, 0, 6},
	{awaiting, 32, 14 * 24 * time.Hour, time.Hour, 6},
	{asleep, 15, 20 * 24 * time.Hour, 5 * time.Hour, 4},
	{reopened, 16, 30 * 24 * time.Hour, 3 * 24 * time.Hour, 3},
}

// accounts are what the conversations run over.
type accounts struct {
	mail, chat             holdfast.ID
	mailScheme, chatScheme string
	support, sales         holdfast.ID
}

// teller makes up everything that happened, the same for the same seed and time.
type teller struct {
	r       *rand.Rand
	space   holdfast.ID // ids are derived in it
	cal     *calendar
	acc     accounts
	keep    keeper
	diary   *diary
	staff   []*operator
	people  []*person
	unmet   map[string][]*person // have not written yet, by language
	met     map[string][]*person
	scripts map[string][]*script
	again   map[string]*script

	told []*story

	autoReplies, drafts, formatted int
}

// event is that somebody writes.
type event struct {
	at     time.Time
	lang   string
	street int // of an outage, from 1; 0 for other matters
	ending ending
}

func newTeller(r *rand.Rand, workspace, origin holdfast.ID, now time.Time, zone *time.Location, acc accounts, keep keeper) (*teller, error) {
	t := &teller{r: r, space: workspace, cal: &calendar{now: now, zone: zone, r: r}, acc: acc, keep: keep,
		diary: &diary{workspace: workspace, origin: origin, now: now}, staff: staff(workspace),
		unmet: map[string][]*person{}, met: map[string][]*person{}, scripts: map[string][]*script{}, again: map[string]*script{}}
	t.people = people(r, workspace, customers)
	for _, p := range t.people {
		t.unmet[p.lang] = append(t.unmet[p.lang], p)
	}
	for _, lang := range holdfast.Languages {
		list, err := readScripts(lang)
		if err != nil {
			return nil, fmt.Errorf("talk in %s: %w", lang, err)
		}
		for _, s := range list {
			if s.topic == "again" {
				t.again[lang] = s
			} else {
				t.scripts[lang] = append(t.scripts[lang], s)
			}
		}
		r.Shuffle(len(t.unmet[lang]), func(i, j int) { t.unmet[lang][i], t.unmet[lang][j] = t.unmet[lang][j], t.unmet[lang][i] })
	}
	return t, nil
}

// events are when the conversations begin, the oldest first.
func (t *teller) events() []event {
	var list []event
	for i := range conversations - 2*inOutages {
		lang := holdfast.Languages[i%3]
		e := event{at: t.cal.arrival(lang), lang: lang}
		if i < waitingNow {
			e.at, e.ending = t.cal.now.Add(-3*time.Minute-time.Duration(t.r.Int64N(int64(7*time.Hour)))), unsolved
		}
		list = append(list, e)
	}
	now := t.cal.now.In(t.cal.zone)
	for i, began := range []time.Time{
		time.Date(now.Year(), now.Month(), now.Day()-33, 18, 40, 0, 0, t.cal.zone),
		time.Date(now.Year(), now.Month(), now.Day()-1, 16, 25, 0, 0, t.cal.zone),
	} {
		for k := range inOutages {
			at := began.Add(time.Duration(t.r.ExpFloat64() * 25 * float64(time.Minute)))
			list = append(list, event{at: at, lang: holdfast.Languages[k%3], street: 2 + 3*i})
		}
	}
	for i := range list {
		if last := t.cal.now.Add(-2 * time.Minute); list[i].at.After(last) {
			list[i].at = last
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].at.Before(list[j].at) })
	t.decide(list)
	return list
}

// decide chooses how the conversations stand now, from the latest back.
func (t *teller) decide(list []event) {
	for _, e := range endings {
		left := e.count
		for pass := 0; pass < 2 && left > 0; pass++ { // the second time nobody is spared
			for i := len(list) - 1; i >= 0 && left > 0; i-- {
				age := t.cal.now.Sub(list[i].at)
				if list[i].ending != settled || list[i].street > 0 || age > e.oldest || age < e.newest || pass == 0 && t.r.IntN(10) >= e.oneIn10 {
					continue
				}
				list[i].ending = e.ending
				left--
			}
		}
	}
}

// tell makes up all there is and returns it as a journal's entries.
func (t *teller) tell(ctx context.Context, seed uint64) ([]*holdfast.Entry, error) {
	list := t.events()
	left := map[string]int{}
	for _, e := range list {
		left[e.lang]++
	}
	for i, e := range list {
		p, mail := t.who(e, left[e.lang])
		left[e.lang]--
		s := &story{t: t, event: e, p: p, mail: mail, number: int64(i + 1)}
		if err := s.tell(ctx); err != nil {
			return nil, err
		}
		t.told = append(t.told, s)
	}
	t.outfit(seed)
	return t.diary.close(), nil
}

// who chooses the customer of an event, and whether they write a mail. In the
// end everybody has written.
func (t *teller) who(e event, left int) (p *person, mail bool) {
	unmet, met := t.unmet[e.lang], t.met[e.lang]
	if len(met) == 0 || len(unmet) > 0 && t.r.IntN(left) < len(unmet) {
		return t.meet(e)
	}
	for range 40 {
		p := met[t.r.IntN(len(met))]
		switch {
		case p.mail != "" && p.domain() != closedDomain && (p.visitor == "" || t.r.IntN(2) == 0):
			return p, true
		case p.visitor != "" && p.free.Before(e.at.Add(-time.Hour)):
			return p, false
		}
	}
	if len(unmet) > 0 {
		return t.meet(e)
	}
	for _, p := range met {
		if p.mail != "" && p.domain() != closedDomain {
			return p, true
		}
	}
	return met[0], met[0].mail != ""
}

func (t *teller) meet(e event) (p *person, mail bool) {
	list := t.unmet[e.lang]
	p, t.unmet[e.lang] = list[0], list[1:]
	t.met[e.lang] = append(t.met[e.lang], p)
	return p, p.mail != "" && (p.visitor == "" || t.r.IntN(2) == 0)
}

// answers chooses who answers a customer of a language.
func (t *teller) answers(lang string) *operator {
	helen, alexey, narges := t.staff[0], t.staff[1], t.staff[2]
	n := t.r.IntN(10)
	switch {
	case lang == "fa":
		return narges
	case lang == "ru" && n < 8, lang == "en" && n < 2:
		return alexey
	}
	return helen
}

func (t *teller) script(e event) *script {
	if e.street > 0 {
		for _, s := range t.scripts[e.lang] {
			if s.topic == "outage" {
				return s
			}
		}
	}
	sum := 0
	for _, s := range t.scripts[e.lang] {
		sum += s.weight
	}
	for {
		n := t.r.IntN(sum)
		for _, s := range t.scripts[e.lang] {
			if n -= s.weight; n < 0 {
				if e.ending == settled || !final[s.topic] {
					return s
				}
				break
			}
		}
	}
}

// final are the matters that do not stay open and do not come back.
var final = map[string]bool{"praise": true, "cancel": true, "outage": true}
