package sms

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast/channel"
)

const weakSignal = 5 // of 31; below it parts are lost

// registration is whether the SIM is in a network.
type registration struct {
	stat     int // of +CREG: 1 home, 5 roaming
	operator string
}

func (r registration) in() bool { return r.stat == 1 || r.stat == 5 }

func (r registration) String() string {
	switch r.stat {
	case 1:
		return strings.TrimSpace("registered " + r.operator)
	case 5:
		return strings.TrimSpace("registered, roaming " + r.operator)
	case 2:
		return "searching for a network"
	case 3:
		return "the network refuses this SIM"
	}
	return "not in a network"
}

// network asks whether the SIM is registered, for calls and messages or, where
// there is only that, for LTE.
func (s *handset) network(ctx context.Context) (registration, error) {
	var r registration
	for _, ask := range []string{"+CREG", "+CEREG"} {
		lines, err := s.do(ctx, answerWait, ask+"?", ask+":")
		if refused := new(atError); errors.As(err, &refused) {
			continue
		} else if err != nil {
			return r, err
		}
		for _, line := range lines {
			if f := atFields(line); len(f) >= 2 {
				if n, err := strconv.Atoi(f[1]); err == nil && (!r.in() && (n == 1 || n == 5) || r.stat == 0) {
					r.stat = n
				}
			}
		}
		if r.in() {
			break
		}
	}
	if !r.in() {
		return r, nil
	}
	lines, err := s.do(ctx, answerWait, "+COPS?", "+COPS:")
	if refused := new(atError); err != nil && !errors.As(err, &refused) {
		return r, err
	}
	if len(lines) > 0 {
		if f := atFields(lines[0]); len(f) >= 3 {
			r.operator = f[2]
		}
	}
	return r, nil
}

// signal is +CSQ's first figure: 0 to 31, or 99 for not known.
func (s *handset) signal(ctx context.Context) (int, error) {
	lines, err := s.do(ctx, answerWait, "+CSQ", "+CSQ:")
	if refused := new(atError); errors.As(err, &refused) {
		return 99, nil
	} else if err != nil {
		return 0, err
	}
	if len(lines) > 0 {
		if f := atFields(lines[0]); len(f) > 0 {
			if n, err := strconv.Atoi(f[0]); err == nil && n >= 0 && n <= 31 {
				return n, nil
			}
		}
	}
	return 99, nil
}

// fitness is how the modem was when it was last looked at.
type fitness struct {
	now func() time.Time

	mu     sync.Mutex
	state  string // "" before anything is known
	reason string
	since  time.Time
	lastOK time.Time
	used   int
	total  int
}

func (f *fitness) turn(state, reason string) (changed bool) {
	changed = f.state != state
	if changed {
		f.since = f.now()
	}
	f.state, f.reason = state, reason
	return changed
}

// down notes that the modem cannot be used, and reports whether that is new.
func (f *fitness) down(err error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	reason := "the modem is gone"
	var failure *channel.Failure
	if errors.As(err, &failure) {
		reason = failure.Text
	} else if err != nil {
		reason = err.Error()
	}
	return f.turn("down", reason)
}

func (f *fitness) seen(r registration, signal int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !r.in():
		f.turn("down", r.String())
		return
	case f.full():
		f.turn("degraded", fmt.Sprintf("the SIM's storage is nearly full: %d of %d", f.used, f.total))
	case signal < weakSignal:
		f.turn("degraded", "weak signal: "+decibels(signal))
	default:
		f.turn("up", "")
	}
	f.lastOK = f.now()
}

func (f *fitness) full() bool { return f.total > 0 && f.used*10 >= f.total*8 }

func (f *fitness) storage(used, total int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.full()
	f.used, f.total = used, total
	switch {
	case f.full() && f.state == "up":
		f.turn("degraded", fmt.Sprintf("the SIM's storage is nearly full: %d of %d", used, total))
	case was && !f.full() && f.state == "degraded":
		f.turn("up", "")
	}
}

func (f *fitness) report() channel.Health {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := channel.Health{State: f.state, Reason: f.reason, Since: f.since, LastOK: f.lastOK}
	if h.State == "" {
		h.State = "up" // nothing is known yet
	}
	return h
}

func decibels(signal int) string {
	if signal == 99 {
		return "not known"
	}
	return fmt.Sprintf("%d dBm (%d of 31)", 2*signal-113, signal)
}

// Test looks at each thing that a modem needs. Nothing is sent but the code for the
// balance, where the settings have one.
func (m *modem) Test(ctx context.Context) []channel.Check {
	var checks []channel.Check
	add := func(name string, ok bool, text string) {
		checks = append(checks, channel.Check{Name: "check." + name, OK: ok, Text: text})
	}
	s, err := m.acquire(ctx)
	if err != nil {
		var f *channel.Failure
		name, text := "port", err.Error()
		if errors.As(err, &f) {
			text = f.Text
			if f.Code != "port" && f.Code != "silent" && f.Code != "modem" {
				add("port", true, m.set.ModemPort)
				name = "sim"
			}
		}
		add(name, false, text)
		return checks
	}
	defer m.release(s)
	model := m.set.ModemPort
	if lines, err := s.do(ctx, answerWait, "+CGMM", ""); err == nil && len(lines) > 0 {
		model += " · " + strings.TrimSpace(strings.TrimPrefix(lines[0], "+CGMM:"))
	}
	add("port", true, model)
	state, err := s.simState(ctx)
	add("sim", err == nil && state == "READY", words(state, err))
	n, err := s.network(ctx)
	add("network", err == nil && n.in(), words(n.String(), err))
	signal, err := s.signal(ctx)
	add("signal", err == nil && signal >= weakSignal, words(decibels(signal), err))
	centre := ""
	lines, err := s.do(ctx, answerWait, "+CSCA?", "+CSCA:")
	if len(lines) > 0 {
		if f := atFields(lines[0]); len(f) > 0 {
			centre = f[0]
		}
	}
	if centre == "" && err == nil {
		add("centre", false, "the SIM has none: write its number in the settings")
	} else {
		add("centre", err == nil, words(centre, err))
	}
	if lines, err := s.do(ctx, answerWait, "+CPMS?", "+CPMS:"); err == nil {
		if used, total, ok := storage(lines); ok {
			add("storage", used*10 < total*8, fmt.Sprintf("%s: %d / %d", s.memory, used, total))
		}
	}
	if m.set.ModemBalance != "" {
		text, err := s.ask(ctx, m.set.ModemBalance)
		add("balance", err == nil, words(text, err))
	}
	return checks
}

func words(text string, err error) string {
	if err != nil {
		return err.Error()
	}
	return text
}

// ask sends a code to the network and waits for its text. Some modems want the code
// packed the way it travels.
func (s *handset) ask(ctx context.Context, code string) (string, error) {
	select {
	case <-s.cusd:
	default:
	}
	_, err := s.do(ctx, networkAsk, `+CUSD=1,"`+code+`",15`, "")
	if refused := new(atError); errors.As(err, &refused) {
		_, err = s.do(ctx, networkAsk, `+CUSD=1,"`+packUSSD(code)+`",15`, "")
	}
	if err != nil {
		return "", err
	}
	select {
	case line := <-s.cusd:
		u := parseUSSD(line)
		if u.state == 1 {
			_ = s.try(ctx, "+CUSD=2") // it is a menu: nobody stays on the line
		}
		switch {
		case u.text != "":
			return u.text, nil
		case u.state == 4:
			return "", errors.New("the network does not know this code")
		}
		return "", fmt.Errorf("the network gave no text (%d)", u.state)
	case <-s.gone:
		return "", errGone
	case <-ctx.Done():
		return "", errors.New("the network did not answer the code in time")
	}
}
