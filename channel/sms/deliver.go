package sms

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"time"

	"golang.org/x/text/encoding/charmap"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/sms/gsm"
	"holdfast/channel/sms/smpp"
)

// Listen keeps the connection up and takes in what the centre brings until ctx ends.
func (c *centre) Listen(ctx context.Context, in *inflow) error {
	shards := make([]chan delivery, shardCount)
	done := make(chan struct{}, shardCount)
	for i := range shards {
		shards[i] = make(chan delivery, shardRoom)
		go func() {
			defer func() { done <- struct{}{} }()
			for {
				select {
				case d := <-shards[i]:
					d.on.write(smpp.PDU{Command: d.p.Command.Answer(), Seq: d.p.Seq, Status: c.handle(ctx, in, d)})
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	c.mu.Lock()
	c.in, c.shards = in, shards
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.in, c.shards = nil, nil
		c.mu.Unlock()
		for range shards {
			<-done
		}
		c.Close()
	}()
	for ctx.Err() == nil {
		s, err := c.connected(ctx)
		if err == nil {
			select {
			case <-s.dead:
				c.env.Log.Info("the connection to the SMS centre ended", "err", s.err)
			case <-ctx.Done():
			}
			continue
		}
		c.mu.Lock()
		wait := c.notBefore.Sub(c.env.Now())
		c.mu.Unlock()
		select {
		case <-time.After(max(wait, 10*time.Millisecond)):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// take queues a unit of the centre by its sender, so that one person's texts stay
// in order. It never blocks the answers behind it: a full queue asks for patience.
func (c *centre) take(s *session, p smpp.PDU) {
	h := fnv.New32a()
	h.Write([]byte(p.Short.Source.Value))
	c.mu.Lock()
	shards := c.shards
	c.mu.Unlock()
	status := smpp.TryLater
	if shards != nil {
		select {
		case shards[h.Sum32()%shardCount] <- delivery{s, p}:
			return
		default:
			status = smpp.QueueFull
		}
	}
	s.write(smpp.PDU{Command: p.Command.Answer(), Seq: p.Seq, Status: status})
}

// handle takes one unit in; its status goes back to the centre.
func (c *centre) handle(ctx context.Context, in *inflow, d delivery) smpp.Status {
	p := &d.p
	body, j := c.body(p)
	text, readable := c.decode(p.Short.Coding, body)
	if p.Short.Class&0x3c == smpp.ClassReceipt || p.TLV(smpp.ReceiptedID) != nil && p.TLV(smpp.MessageState) != nil {
		return c.receipt(ctx, in, p, text)
	}
	trace := &channel.Trace{}
	trace.Heard(describe(p, body))
	m := incoming{from: international(p.Short.Source), to: international(p.Short.Dest), text: text, epoch: d.on.epoch, trace: trace,
		piece: piece{ref: j.Ref, total: j.Total, number: j.Number}}
	if !readable {
		m.marks = append(m.marks, "binary")
	}
	if err := in.arrived(ctx, m); err != nil {
		if holdfast.KindOf(err) == holdfast.Invalid {
			return smpp.NeverAgain
		}
		if ctx.Err() == nil {
			c.env.Log.Warn("an SMS was not taken in; the centre is asked to keep it", "err", err)
		}
		return smpp.TryLater
	}
	return smpp.OK
}

func (c *centre) receipt(ctx context.Context, in *inflow, p *smpp.PDU, text string) smpp.Status {
	r, ok := readReceipt(p, text)
	if !ok {
		c.env.Log.Info("a delivery receipt that states nothing", "from", p.Short.Source.Value)
		return smpp.OK
	}
	ref := -1
	if n, has := p.Number(smpp.UserMessageReference); has && n <= 0xffff {
		ref = n
	}
	o, ok, err := c.ledger.settle(ctx, r, ref, p.Short.Source.Value, p.Short.Dest.Value)
	if err == nil && !ok && c.overtaken(ctx, p.Short.Source.Value, p.Short.Dest.Value) {
		o, ok, err = c.ledger.settle(ctx, r, ref, p.Short.Source.Value, p.Short.Dest.Value)
	}
	if err != nil {
		return smpp.TryLater
	}
	if !ok {
		c.env.Log.Debug("a delivery receipt for no text of ours", "id", r.ID, "state", r.State)
		return smpp.OK
	}
	report := channel.Report{Message: o.message, State: o.state}
	switch o.state {
	case "":
		return smpp.OK
	case holdfast.Failed:
		// The desk must have noted that the text was taken before it hears that it failed.
		if !c.landed(ctx, o.message) {
			return smpp.TryLater
		}
		report.Code, report.Reason = r.State, r.reason()
		if r.Err != "" && r.Err != "000" && r.Err != "0" {
			report.Code += " " + r.Err
		}
	}
	if err := in.reported(ctx, report); err != nil {
		return smpp.TryLater
	}
	return smpp.OK
}

// overtaken waits for the texts that are on their way to one of the ends: a receipt
// may come before the answer it is about has been written down. It reports whether
// there were any.
func (c *centre) overtaken(ctx context.Context, ends ...string) (any bool) {
	var list []chan struct{}
	c.mu.Lock()
	for _, f := range c.flying {
		if sameEnd(f.to, ends) {
			list = append(list, f.landed)
		}
	}
	c.mu.Unlock()
	for _, l := range list {
		select {
		case <-l:
		case <-ctx.Done():
		}
	}
	return len(list) > 0
}

// landed waits until Send has let go of a text and its caller has noted so.
func (c *centre) landed(ctx context.Context, message holdfast.ID) bool {
	c.mu.Lock()
	f, flying := c.flying[message]
	c.mu.Unlock()
	if !flying {
		return true
	}
	select {
	case <-f.landed:
	case <-ctx.Done():
		return false
	}
	select {
	case <-time.After(time.Second):
		return true
	case <-ctx.Done():
		return false
	}
}

// body is the letters of a unit and where they belong.
func (c *centre) body(p *smpp.PDU) ([]byte, gsm.Join) {
	b := p.Short.Message
	if payload := p.TLV(smpp.Payload); len(b) == 0 && payload != nil {
		b = payload
	}
	var j gsm.Join
	if p.Short.Class&smpp.ClassHeader != 0 {
		if join, rest, ok := gsm.ReadHeader(b); ok {
			j, b = join, rest
		}
	}
	ref, okRef := p.Number(smpp.SarRef)
	total, okTotal := p.Number(smpp.SarTotal)
	number, okNumber := p.Number(smpp.SarNumber)
	if okRef && okTotal && okNumber && total > 1 && total <= gsm.MaxParts && number >= 1 && number <= total {
		j = gsm.Join{Ref: ref, Total: total, Number: number}
	}
	return b, j
}

// decode reads letters by their data_coding. readable is false for what is no
// text: it is shown in hexadecimal, so that nothing is lost.
func (c *centre) decode(coding byte, b []byte) (text string, readable bool) {
	if coding >= 0x10 { // a coding scheme of the radio network
		switch {
		case coding&0xf0 == 0xf0 && coding&4 != 0, coding < 0x40 && coding&0x0c == 4:
			coding = 4
		case coding < 0x40 && coding&0x0c == 8, coding&0xf0 == 0xe0:
			coding = 8
		default:
			coding = 0
		}
	}
	switch coding {
	case 0:
		if c.set.SMPPLetters == "latin1" {
			return single(charmap.ISO8859_1, b), true
		}
		return gsm.Decode7(b), true
	case 1:
		// ASCII by the book; many centres mean their own alphabet, which shows by
		// codes that ASCII has no letters for.
		if bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' }) {
			return gsm.Decode7(b), true
		}
		return single(charmap.Windows1252, b), true
	case 3:
		return single(charmap.ISO8859_1, b), true
	case 6:
		return single(charmap.ISO8859_5, b), true
	case 8:
		return gsm.DecodeUCS2(b), true
	}
	return hex.EncodeToString(b), false
}

func single(m *charmap.Charmap, b []byte) string {
	out, _ := m.NewDecoder().Bytes(b) // every byte is a letter of a single-byte set, or U+FFFD
	return string(out)
}

// international is a number with the plus that its type stands for.
func international(a smpp.Address) string {
	if a.TON == 1 && a.Value != "" && a.Value[0] != '+' && a.Value[0] >= '0' && a.Value[0] <= '9' {
		return "+" + a.Value
	}
	return a.Value
}

// describe is a unit for the trace: what it is, and not what it says.
func describe(p *smpp.PDU, body []byte) string {
	return fmt.Sprintf("%s from %s to %s, coding %d, class 0x%02x, %d bytes", p.Command, p.Short.Source.Value, p.Short.Dest.Value,
		p.Short.Coding, p.Short.Class, len(body))
}
