package sms

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"holdfast"
	"holdfast/channel"
)

const (
	lookEvery   = 30 * time.Second // at the network, the signal and the storage
	againAfter  = 10 * time.Second // when the desk was away
	reopenFirst = time.Second
	reopenMost  = 30 * time.Second
	reportTries = 6 // a report may come before its part is noted
	keptKey     = "modem.kept"
	keptLimit   = 64
)

// Listen keeps the modem open and takes in what comes, until ctx ends. A modem that
// is unplugged is waited for.
func (m *modem) Listen(ctx context.Context, in *inflow) error {
	wait := reopenFirst
	for ctx.Err() == nil {
		s, err := m.acquire(ctx)
		if err == nil {
			wait = reopenFirst
			err = m.attend(ctx, s, in)
			m.release(s)
		}
		if ctx.Err() != nil {
			return nil
		}
		if m.fit.down(err) {
			m.env.Log.Warn("the modem is lost; it is tried again", "err", err)
		}
		if pause(ctx, wait) != nil {
			return nil
		}
		wait = min(wait*2, reopenMost)
	}
	return nil
}

// attendance is one stretch of listening.
type attendance struct {
	m       *modem
	s       *handset
	in      *inflow
	late    bool     // something was not taken in and waits
	reports []report // that nobody is known for yet
	kept    []string // PDUs that the modem has handed over and that the desk has not got
}

type report struct {
	r     received
	tries int
}

func (m *modem) attend(ctx context.Context, s *handset, in *inflow) error {
	a := &attendance{m: m, s: s, in: in}
	if b, err := m.env.State.Get(ctx, keptKey); err == nil && len(b) > 0 {
		_ = json.Unmarshal(b, &a.kept)
	}
	if err := a.look(ctx); err != nil {
		return err
	}
	if err := a.sweepAll(ctx); err != nil {
		return err
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	again := time.NewTicker(againAfter)
	defer again.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-s.gone:
			return errGone
		case <-s.bell:
			err = a.heed(ctx, s.news())
		case <-again.C:
			err = a.retry(ctx)
		case <-ticker.C:
			if err = a.look(ctx); err == nil {
				err = a.sweep(ctx, s.memory)
			}
		}
		if err != nil {
			return err
		}
	}
}

// heed does what the modem's news ask for.
func (a *attendance) heed(ctx context.Context, list []news) error {
	sweep := map[string]bool{}
	for _, n := range list {
		f := atFields(n.line)
		switch {
		case strings.HasPrefix(n.line, "+CMTI:") && len(f) > 0, strings.HasPrefix(n.line, "+CDSI:") && len(f) > 0:
			sweep[f[0]] = true
		case n.pdu != "":
			a.handed(ctx, n.pdu)
		}
	}
	for memory := range sweep {
		if err := a.sweep(ctx, memory); err != nil {
			return err
		}
	}
	return nil
}

// retry looks again after what was not taken in.
func (a *attendance) retry(ctx context.Context) error {
	waiting := a.reports
	a.reports = nil
	for _, r := range waiting {
		a.reported(ctx, r)
	}
	kept := a.kept
	a.kept = nil
	for _, pdu := range kept {
		a.handed(ctx, pdu)
	}
	if len(kept) > 0 && len(a.kept) == 0 {
		if err := a.m.env.State.Put(ctx, keptKey, []byte{}); err != nil {
			a.m.env.Log.Warn("the list of kept texts was not emptied", "err", err) // they would come twice and be known again
		}
	}
	if !a.late {
		return nil
	}
	return a.sweepAll(ctx)
}

// handed takes a PDU that the modem does not store: what the desk cannot take now
// is kept by this account.
func (a *attendance) handed(ctx context.Context, pdu string) {
	if a.take(ctx, pdu) == nil {
		return
	}
	if len(a.kept) >= keptLimit {
		a.m.env.Log.Error("a text came while the desk was away, and there is no room to keep it")
		return
	}
	a.kept = append(a.kept, pdu)
	b, _ := json.Marshal(a.kept)
	if err := a.m.env.State.Put(ctx, keptKey, b); err != nil {
		a.m.env.Log.Warn("a text that came is kept in memory only", "err", err)
	}
}

// take hands a PDU on: nil means that it is done with.
func (a *attendance) take(ctx context.Context, pdu string) error {
	r, err := readPDU(pdu)
	if err != nil {
		return a.aside(ctx, pdu, "quarantined", err.Error())
	}
	if r.report {
		a.reported(ctx, report{r: r})
		return nil
	}
	if r.binary {
		return a.aside(ctx, pdu, "rejected", "not a text but data for a telephone")
	}
	return a.in.arrived(ctx, r.message)
}

// aside stores what is no text of a person where an administrator finds it.
func (a *attendance) aside(ctx context.Context, pdu, reason, detail string) error {
	raw, err := hex.DecodeString(strings.TrimSpace(pdu))
	if err != nil {
		raw = []byte(pdu)
	}
	i := channel.Inbound{Key: pduKey(raw), From: holdfast.Address{Scheme: scheme, Value: "unknown"}, Refuse: &channel.Refusal{Reason: reason, Detail: detail}}
	if r, err := readPDU(pdu); err == nil {
		i.From.Value, i.SentAt = number(r.message.from, a.in.region), r.message.at
	}
	if hash, _, err := a.m.env.Blobs.Put(ctx, strings.NewReader(pdu), 4<<10); err == nil {
		i.Raw, i.RawType = hash, "text/plain"
	}
	_, err = a.in.sink.Accept(ctx, i)
	if holdfast.KindOf(err) == holdfast.Invalid {
		return nil
	}
	return err
}

// reported takes a report in; one that nobody is known for yet is tried again.
func (a *attendance) reported(ctx context.Context, r report) {
	delivered, failed := deliveryOf(r.r.status)
	if !delivered && !failed {
		return
	}
	id, whole, err := a.m.sent.arrived(ctx, r.r.ref, r.r.to, delivered)
	if err == nil && id.IsZero() {
		if r.tries++; r.tries < reportTries {
			a.reports = append(a.reports, r)
		}
		return
	}
	if err == nil && (failed || whole) {
		say := channel.Report{Message: id, State: holdfast.Delivered}
		if failed {
			say.State, say.Code = holdfast.Failed, fmt.Sprintf("TP-ST %02X", r.r.status)
			say.Reason = "The network could not deliver it."
		}
		err = a.in.reported(ctx, say)
	}
	if err != nil {
		a.m.env.Log.Warn("a delivery report was not taken in", "err", err)
		if r.tries++; r.tries < reportTries {
			a.reports = append(a.reports, r)
		}
	}
}

// sweepAll takes in what lies in every storage.
func (a *attendance) sweepAll(ctx context.Context) error {
	own := a.s.memory
	for _, memory := range []string{"SM", "ME"} {
		if memory == own {
			continue
		}
		if err := a.sweep(ctx, memory); err != nil {
			return err
		}
	}
	return a.sweep(ctx, own)
}

// sweep takes in what lies in a storage. A message is deleted only when it is on
// disk; one that cannot be deleted is known again the next time.
func (a *attendance) sweep(ctx context.Context, memory string) error {
	own := a.s.memory
	refused := new(atError)
	if err := a.s.choose(ctx, memory); errors.As(err, &refused) {
		return nil // it has no such storage
	} else if err != nil {
		return err
	}
	defer func() {
		if ctx.Err() == nil && a.s.memory != own {
			_ = a.s.choose(ctx, own) // where it fails the port is gone, and that is told
		}
	}()
	lines, err := a.s.list(ctx, networkAsk, "+CMGL=4", "+CMGL:")
	if errors.As(err, &refused) {
		return nil
	} else if err != nil {
		return err
	}
	a.late = false
	for i := 0; i+1 < len(lines); i += 2 {
		f := atFields(lines[i])
		if len(f) < 2 || f[1] == "2" || f[1] == "3" { // texts that somebody stored there to send
			continue
		}
		index, err := strconv.Atoi(f[0])
		if err != nil {
			continue
		}
		if err := a.take(ctx, lines[i+1]); err != nil {
			a.late = true
			a.m.env.Log.Warn("a text stays on the SIM: the desk cannot take it now", "err", err)
			return nil
		}
		if err := a.s.try(ctx, "+CMGD="+strconv.Itoa(index)); err != nil {
			return err
		}
	}
	return a.room(ctx)
}

// room looks how full the storage is.
func (a *attendance) room(ctx context.Context) error {
	lines, err := a.s.do(ctx, answerWait, "+CPMS?", "+CPMS:")
	if refused := new(atError); errors.As(err, &refused) {
		return nil
	} else if err != nil {
		return err
	}
	if used, total, ok := storage(lines); ok {
		a.m.fit.storage(used, total)
	}
	return nil
}

func storage(lines []string) (used, total int, ok bool) {
	if len(lines) == 0 {
		return 0, 0, false
	}
	f := atFields(lines[0])
	if len(f) < 3 {
		return 0, 0, false
	}
	used, err1 := strconv.Atoi(f[1])
	total, err2 := strconv.Atoi(f[2])
	return used, total, err1 == nil && err2 == nil && total > 0
}

// look asks for the network and the signal.
func (a *attendance) look(ctx context.Context) error {
	n, err := a.s.network(ctx)
	if err != nil {
		return err
	}
	signal, err := a.s.signal(ctx)
	if err != nil {
		return err
	}
	a.m.fit.seen(n, signal)
	return nil
}
