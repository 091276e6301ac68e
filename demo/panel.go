package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"holdfast"
)

// plugPage is the panel as it is now: what is pulled, what the desk makes of it, and
// what reaches one of its customers.
type plugPage struct {
	Reach holdfast.Reach `json:"reach"`
	Plugs []plugView     `json:"plugs"`
	Lanes []laneView     `json:"channels"`
	Held  int            `json:"held"`
	Run   *runView       `json:"run"`
	Told  []toldView     `json:"told"`

	Who     int          `json:"-"`
	Devices []deviceView `json:"-"`
}

// plugView is one plug: whether it is pulled, and what the desk has found out.
type plugView struct {
	Plug   string             `json:"plug"`
	Pulled bool               `json:"pulled"`
	State  holdfast.LinkState `json:"state"` // "" for what is no link
}

// laneView is one of the desk's channels.
type laneView struct {
	Name  string                `json:"name"`
	State holdfast.ChannelState `json:"state"`
	Held  int                   `json:"held"`
}

// runView is the armed plan being carried out, or how it last was.
type runView struct {
	ID    holdfast.ID `json:"id"`
	Name  string      `json:"name"`
	State string      `json:"state"`
	Steps []runStep   `json:"steps"`
}

type runStep struct {
	Name     string             `json:"name"`
	Do       holdfast.PlanDeed  `json:"do"`
	State    holdfast.StepState `json:"state"`
	Recovery bool               `json:"recovery"`
}

// Mark is what stands before a step: done, going on, not done, or nothing yet.
func (s runStep) Mark() string {
	switch s.State {
	case holdfast.StepDone:
		return "over"
	case holdfast.StepBegan, holdfast.StepAsked, holdfast.StepUndoing:
		return "now"
	case holdfast.StepFailed, holdfast.StepBlocking, holdfast.StepSkipped, holdfast.StepUndone:
		return "not"
	}
	return "next"
}

// toldView is a customer whom the plan tells, in their order.
type toldView struct {
	Position int    `json:"position"`
	Name     string `json:"name"`
	State    string `json:"state"`
}

// deviceView is one person's telephone with the messenger on it.
type deviceView struct {
	owner
	N         int
	Here      bool
	SMS, Chat []said
}

// Last is the latest text on the telephone, short.
func (v deviceView) Last() string {
	if len(v.SMS) == 0 {
		return ""
	}
	r := []rune(v.SMS[len(v.SMS)-1].Text)
	if len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return string(r)
}

// Dir is the direction that most of it is written in: it may begin with a company's name.
func (s said) Dir() string {
	right, left := 0, 0
	for _, r := range s.Text {
		switch {
		case unicode.Is(unicode.Arabic, r):
			right++
		case unicode.IsLetter(r):
			left++
		}
	}
	if right > left {
		return "rtl"
	}
	return "ltr"
}

// Clock is when it was said, as a telephone shows it.
func (s said) Clock() string { return s.At.Local().Format("15:04") }

func (d *Demo) parted() (workspace holdfast.ID, owners []owner) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.parts.Workspace, d.owners
}

func (d *Demo) plugPage(ctx context.Context, lang string) (*plugPage, error) {
	workspace, _ := d.parted()
	o, err := d.app.Continuity.Overview(ctx, workspace)
	if err != nil {
		return nil, err
	}
	v := &plugPage{Reach: o.Reach}
	d.plugs.mu.Lock()
	for _, plug := range plugNames {
		x := plugView{Plug: plug, Pulled: d.plugs.pulled[plug]}
		for _, l := range o.Links {
			if d.plugs.links[l.ID] == plug {
				x.State = l.State
			}
		}
		v.Plugs = append(v.Plugs, x)
	}
	d.plugs.mu.Unlock()
	for _, c := range o.Channels {
		v.Lanes = append(v.Lanes, laneView{c.Name, c.State, c.Held})
		v.Held += c.Held
	}
	if err := d.addRun(ctx, workspace, lang, v); err != nil {
		return nil, err
	}
	return v, nil
}

// lately is how long a run that has ended stays on the panel.
const lately = 10 * time.Minute

func (d *Demo) addRun(ctx context.Context, workspace holdfast.ID, lang string, v *plugPage) error {
	no := false
	runs, err := d.app.Plans.Runs(ctx, workspace, armedPlan(workspace), &no, time.Time{}, 1)
	if err != nil || len(runs) == 0 || !runs[0].EndedAt.IsZero() && time.Since(runs[0].EndedAt) > lately {
		return err
	}
	r := runs[0]
	in := d.readyNames(lang)
	v.Run = &runView{ID: r.ID, Name: in(r.Name), State: r.State}
	for _, s := range r.Steps {
		v.Run.Steps = append(v.Run.Steps, runStep{in(s.Name), s.Kind, s.State, s.Recovery})
	}
	list, _, err := d.app.Broadcasts.List(ctx, workspace, "", 20)
	for _, b := range list {
		if err != nil || b.Incident != r.ID.String() {
			continue
		}
		for _, state := range []string{"told", "sending", "waiting", "unsure", "failed"} {
			list, err := d.app.Broadcasts.Recipients(ctx, workspace, b.ID, state, 0, phoneCount)
			if err != nil {
				return err
			}
			for _, t := range list {
				v.Told = append(v.Told, toldView{t.Position, t.Name, t.State})
			}
		}
		slices.SortFunc(v.Told, func(a, b toldView) int { return cmp.Compare(a.Position, b.Position) })
		return nil
	}
	return err
}

// readyNames gives the armed plan's names in a language, as long as they are those of
// the ready plan.
func (d *Demo) readyNames(lang string) func(name string) string {
	names := func(lang string) (list []string) {
		for _, r := range d.app.Plans.Ready(lang) {
			if r.Key != planKey {
				continue
			}
			list = append(list, r.Plan.Name)
			for _, s := range append(r.Plan.Steps, r.Plan.Recovery...) {
				list = append(list, s.Name)
			}
		}
		return list
	}
	known := map[string]string{}
	own := names(lang)
	for _, l := range holdfast.Languages {
		for i, name := range names(l) {
			known[name] = own[i]
		}
	}
	return func(name string) string { return cmp.Or(known[name], name) }
}

// devices are all telephones, the one that is looked at marked.
func (d *Demo) devices(who int) []deviceView {
	_, owners := d.parted()
	list := make([]deviceView, 0, len(owners))
	for i, o := range owners {
		list = append(list, deviceView{owner: o, N: i, Here: i == who, SMS: d.phones.Thread(o.Number), Chat: d.messenger.Thread(o.Number)})
	}
	return list
}

// who is the person that a page is about.
func (p *pages) who(r *http.Request) int {
	n, _ := strconv.Atoi(r.FormValue("who"))
	if _, owners := p.demo.parted(); n < 0 || n >= len(owners) {
		return 0
	}
	return n
}

// panel fills in what the pages of the outage show; it answers itself when it cannot.
func (p *pages) panel(w http.ResponseWriter, r *http.Request) *page {
	if !p.demo.plugged() {
		http.Error(w, "This desk has real uplinks. Start \"holdfast demo\" to pull virtual ones.", http.StatusNotFound)
		return nil
	}
	v := p.page(r)
	var err error
	if v.Plug, err = p.demo.plugPage(r.Context(), v.Lang); err != nil {
		http.Error(w, "The desk does not say how its links are.", http.StatusServiceUnavailable)
		return nil
	}
	v.Plug.Who = p.who(r)
	v.Plug.Devices = p.demo.devices(v.Plug.Who)
	v.Failed = r.FormValue("failed") != ""
	return v
}

// outage shows one of the pages.
func (p *pages) outage(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if v := p.panel(w, r); v != nil {
			p.show(w, name, http.StatusOK, v)
		}
	}
}

// plugState is the panel for a program.
func (p *pages) plugState(w http.ResponseWriter, r *http.Request) {
	if !p.demo.plugged() {
		http.NotFound(w, r)
		return
	}
	v, err := p.demo.plugPage(r.Context(), language(r))
	if err != nil {
		http.Error(w, "not known", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// say takes what a person writes on their telephone, by one of its two programs.
func (p *pages) say(by func(o owner, text string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		if err := r.ParseForm(); err != nil {
			http.Error(w, "This form is too large or broken.", http.StatusBadRequest)
			return
		}
		_, owners := p.demo.parted()
		text := []rune(strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(r.PostFormValue("text"), ""), "\r\n", "\n")))
		if !p.demo.plugged() || len(owners) == 0 {
			http.NotFound(w, r)
			return
		}
		failed := false
		if len(text) > 0 {
			failed = by(owners[p.who(r)], string(text[:min(len(text), sayMost)])) != nil
		}
		to := "/demo/plug"
		if from := r.PostFormValue("from"); from == "/demo/phones" || from == "/demo/messenger" {
			to = from
		}
		if failed {
			r.Form.Set("failed", "1")
		}
		back(w, r, to)
	}
}

// back leads to the page that a form was on.
func back(w http.ResponseWriter, r *http.Request, to string) {
	to += "?lang=" + language(r)
	if n, err := strconv.Atoi(r.FormValue("who")); err == nil {
		to += fmt.Sprintf("&who=%d", n)
	}
	if r.FormValue("failed") != "" {
		to += "&failed=1"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
