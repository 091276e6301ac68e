package sms

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"holdfast/channel"
)

// Send hands the parts of a text to the network, one after the other and no faster
// than the SIM may. A text in the middle of which something broke goes on where it
// was. The error is a *channel.Failure.
func (m *modem) Send(ctx context.Context, out sms) (channel.Sent, error) {
	fail := func(r channel.Reason, code, text string, err error) (channel.Sent, error) {
		return channel.Sent{}, &channel.Failure{Reason: r, Code: code, Text: text, Err: err}
	}
	gone, err := m.sent.open(ctx, out.id)
	if err != nil {
		return fail(channel.Temporary, "state", "What was sent before cannot be read.", err)
	}
	s, err := m.acquire(ctx)
	if err != nil {
		var f *channel.Failure
		if errors.As(err, &f) {
			out.trace.Remark(f.Text)
			return channel.Sent{}, f
		}
		return fail(channel.Temporary, "modem", "The modem was not ready in time.", err)
	}
	defer m.release(s)
	first := ""
	for i, p := range out.parts {
		if gone[i+1] {
			out.trace.Remark(fmt.Sprintf("part %d has gone before", i+1))
			continue
		}
		if err := m.await(ctx); err != nil {
			return channel.Sent{}, err
		}
		ref := stableRef(out, i+1)
		octets, pdu, err := submitPDU(out, p, ref, time.Duration(m.set.ModemHours)*time.Hour)
		if err != nil {
			return fail(channel.Permanent, "encode", "The text cannot be written as a short message.", err)
		}
		counted, err := s.submit(ctx, sendWait, octets, pdu, out.trace)
		if f := sendFailure(err); f != nil {
			return channel.Sent{}, f
		}
		if counted < 0 || err != nil {
			counted = int(ref)
		}
		if first == "" {
			first = strconv.Itoa(counted)
		}
		// Without this line a report finds nobody and a second attempt begins anew; the
		// part has gone all the same.
		if err := m.sent.add(ctx, sentPart{ID: out.id, To: out.to, Part: i + 1, Total: len(out.parts), Ref: counted, At: m.env.Now(), Open: i+1 < len(out.parts)}); err != nil {
			m.env.Log.Warn("a part that has gone was not noted", "err", err)
		}
	}
	return channel.Sent{ExternalID: first}, nil
}

// stableRef is the TP-MR of a part: the same on each attempt.
func stableRef(out sms, part int) byte {
	var n byte
	for _, b := range out.id {
		n = n*31 + b
	}
	return n + byte(part)
}

// await waits for the SIM's turn; where the attempt would end before it, the text
// comes back later.
func (m *modem) await(ctx context.Context) error {
	r := m.pace.Reserve()
	d := r.Delay()
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d+min(sendMargin, time.Until(end)/2) {
		r.Cancel()
		return &channel.Failure{Reason: channel.Throttled, Code: "pace", Text: "The SIM sends no faster; the rest follows.", RetryAfter: d}
	}
	if d == 0 {
		return nil
	}
	if pause(ctx, d) != nil {
		r.Cancel()
		return &channel.Failure{Reason: channel.Throttled, Code: "pace", Text: "The SIM sends no faster; the rest follows.", RetryAfter: d}
	}
	return nil
}

// sendFailure is what an answer to a PDU means for the text; nil for a part that
// the network has.
func sendFailure(err error) *channel.Failure {
	var refused *atError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		code := "ERROR"
		if refused.kind != "" {
			code = refused.kind + " " + refused.text
		}
		why := cmsReason{channel.Unknown, "The modem does not say what became of the message."}
		if errors.Is(err, errUnsent) {
			why = cmsReason{channel.Temporary, "The modem does not take messages now."}
		}
		if refused.kind == "CMS" && refused.code >= 0 {
			if refused.code == cmsDuplicate {
				return nil // the centre has it from the attempt before
			}
			if known, ok := cmsReasons[refused.code]; ok {
				why = known
			}
		}
		f := &channel.Failure{Reason: why.reason, Code: code, Text: why.text, Err: err}
		if f.Reason == channel.Throttled {
			f.RetryAfter = time.Minute
		}
		return f
	case errors.Is(err, errUnsent):
		return &channel.Failure{Reason: channel.Temporary, Code: "modem", Text: "The modem was not ready for the message.", Err: err}
	}
	return &channel.Failure{Reason: channel.Unknown, Code: "silent", Text: "The modem took the message and did not answer.", Err: err}
}

type cmsReason struct {
	reason channel.Reason
	text   string
}

const cmsDuplicate = 197

// cmsReasons are the numbers of 3GPP TS 27.005 3.2.5 and, below 256, of TS 24.011
// E-2 and TS 23.040 9.2.3.22.
var cmsReasons = map[int]cmsReason{
	1:   {channel.Permanent, "This number is not in use."},
	8:   {channel.Broken, "The operator bars messages from this SIM."},
	10:  {channel.Broken, "Messages from this SIM are barred."},
	21:  {channel.Permanent, "The network rejects the message."},
	27:  {channel.Temporary, "The recipient cannot be reached now."},
	28:  {channel.Permanent, "The network does not know this number."},
	29:  {channel.Permanent, "The network rejects the message."},
	30:  {channel.Permanent, "The network does not know this number."},
	38:  {channel.Temporary, "The network is out of order."},
	41:  {channel.Temporary, "The network has a temporary failure."},
	42:  {channel.Throttled, "The network is congested."},
	47:  {channel.Temporary, "The network has no resources now."},
	50:  {channel.Broken, "This SIM has no message service."},
	69:  {channel.Broken, "The network has no message service for this SIM."},
	96:  {channel.Permanent, "The network finds the message incomplete."},
	128: {channel.Permanent, "The network cannot carry such a message."},
	192: {channel.Throttled, "The message centre is busy."},
	193: {channel.Broken, "The message centre does not serve this SIM."},
	194: {channel.Temporary, "The message centre has a failure."},
	195: {channel.Permanent, "The message centre finds the number invalid."},
	196: {channel.Blocked, "The recipient is barred from messages."},
	208: {channel.Temporary, "The SIM's storage is full."},
	300: {channel.Temporary, "The modem has a failure."},
	301: {channel.Temporary, "The modem's message service is taken."},
	302: {channel.Broken, "The modem may not send."},
	303: {channel.Broken, "The modem cannot send."},
	304: {channel.Permanent, "The modem finds the message invalid."},
	305: {channel.Permanent, "The modem finds the message invalid."},
	310: {channel.Broken, "There is no SIM in the modem."},
	311: {channel.Broken, "The SIM asks for its PIN."},
	312: {channel.Broken, "The SIM asks for its PIN."},
	313: {channel.Broken, "The SIM has a failure."},
	314: {channel.Temporary, "The SIM is busy."},
	315: {channel.Broken, "This is the wrong SIM."},
	316: {channel.Broken, "The SIM is locked and asks for its PUK."},
	320: {channel.Temporary, "The modem's storage has a failure."},
	322: {channel.Temporary, "The modem's storage is full."},
	330: {channel.Broken, "The SIM does not know its message centre: write its number in the settings."},
	331: {channel.Temporary, "The modem has no network."},
}
