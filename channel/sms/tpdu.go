package sms

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/warthog618/sms/encoding/pdumode"
	"github.com/warthog618/sms/encoding/tpdu"

	"holdfast/channel/sms/gsm"
)

// submitPDU is a part as AT+CMGS wants it: the number of octets after the centre's
// address, and the hex. ref is the TP-MR; the centre is asked to refuse a second
// one with the same (TP-RD) and to report on delivery (TP-SRR).
func submitPDU(m sms, p part, ref byte, valid time.Duration) (octets int, pdu string, err error) {
	t, err := tpdu.NewSubmit()
	if err != nil {
		return 0, "", err
	}
	t.FirstOctet |= tpdu.FoRD | tpdu.FoSRR
	t.MR = ref
	t.DA = tpdu.Address{TOA: 0x81, Addr: m.to} // a short number is dialled as it is
	if strings.HasPrefix(m.to, "+") {
		t.DA = tpdu.NewAddress(tpdu.FromNumber(m.to))
	}
	dcs := byte(0x00)
	if m.alphabet == gsm.UCS2 {
		dcs = 0x08
	}
	t.SetDCS(dcs)
	vp := tpdu.ValidityPeriod{}
	vp.SetRelative(valid)
	t.SetVP(vp)
	if len(p.header) > 0 {
		var udh tpdu.UserDataHeader
		if _, err := udh.UnmarshalBinary(p.header); err != nil {
			return 0, "", err
		}
		t.SetUDH(udh)
	}
	t.UD = p.data
	b, err := t.MarshalBinary()
	if err != nil {
		return 0, "", err
	}
	// No centre's address in front: the SIM's own counts.
	return len(b), "00" + strings.ToUpper(hex.EncodeToString(b)), nil
}

// received is what a PDU from the network holds: a message or a report.
type received struct {
	message incoming
	binary  bool // not text: a ringtone, settings, a picture's announcement

	report bool
	ref    byte
	to     string
	status byte // TP-ST
}

// readPDU takes a PDU apart as it stands in an answer of the modem. It panics at
// nothing, whatever comes.
func readPDU(text string) (r received, err error) {
	defer func() {
		if p := recover(); p != nil {
			r, err = received{}, fmt.Errorf("a PDU that cannot be read: %v", p)
		}
	}()
	raw, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) < 2 || len(raw) > 300 {
		return r, errors.New("this is no PDU")
	}
	pdu, err := pdumode.UnmarshalBinary(raw)
	if err != nil {
		return r, err
	}
	t := tpdu.TPDU{Direction: tpdu.MT}
	if err := t.UnmarshalBinary(pdu.TPDU); err != nil {
		return r, err
	}
	switch t.SmsType() {
	case tpdu.SmsStatusReport:
		return received{report: true, ref: t.MR, to: t.RA.Number(), status: t.ST}, nil
	case tpdu.SmsDeliver:
	default:
		return r, fmt.Errorf("a PDU of type %v", t.SmsType())
	}
	r.message = incoming{key: pduKey(raw), from: t.OA.Number(), at: t.SCTS.Time}
	if total, number, ref, ok := t.ConcatInfo(); ok && total > 1 && number >= 1 && number <= total {
		r.message.piece = piece{ref: ref, total: total, number: number}
	}
	alphabet, err := t.Alphabet()
	if err != nil {
		alphabet = tpdu.Alpha7Bit
	}
	if _, port := t.UDH.IE(0x05); alphabet == tpdu.Alpha8Bit || port {
		r.binary = true
		return r, nil
	}
	if alphabet == tpdu.AlphaUCS2 {
		r.message.text = gsm.DecodeUCS2(t.UD)
		return r, nil
	}
	b, err := tpdu.DecodeUserData(t.UD, t.UDH, alphabet, tpdu.WithAllCharsets)
	if err != nil {
		return r, err
	}
	r.message.text = string(b)
	return r, nil
}

// pduKey knows a message again that was handed over and could not be deleted.
func pduKey(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "pdu-" + hex.EncodeToString(sum[:16])
}

// deliveryOf is what a report's TP-ST means: whether it has arrived, whether it has
// failed for good; neither while the centre still tries or cannot say.
func deliveryOf(status byte) (delivered, failed bool) {
	switch {
	case status == 0x00 || status == 0x02:
		return true, false
	case status&0x60 == 0x40 || status&0x60 == 0x60:
		return false, status < 0x80
	}
	return false, false
}
