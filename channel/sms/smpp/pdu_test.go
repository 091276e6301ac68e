package smpp_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"

	"holdfast/channel/sms/smpp"
)

func units() []smpp.PDU {
	short := &smpp.Short{Service: "CMT", Source: smpp.Address{TON: 5, Value: "Desk"}, Dest: smpp.Address{TON: 1, NPI: 1, Value: "79123456789"}, Class: smpp.ClassHeader,
		Protocol: 1, Priority: 2, Schedule: "000001000000000R", Validity: "000002000000000R", Registered: 1, Replace: 1, Coding: 8, Default: 3,
		Message: []byte{5, 0, 3, 9, 2, 1, 4, 0x36}}
	return []smpp.PDU{
		{Command: smpp.BindTransceiver, Seq: 1, Bind: &smpp.Bind{SystemID: "desk", Password: "secret", SystemType: "VMA", Version: 0x34, Range: smpp.Address{TON: 1, NPI: 1, Value: "^79"}}},
		{Command: smpp.BindTransceiver.Answer(), Seq: 1, ID: "centre"},
		{Command: smpp.BindTransceiver.Answer(), Seq: 1, Status: smpp.WrongPass},
		{Command: smpp.SubmitSM, Seq: 2, Short: short, TLVs: []smpp.TLV{{smpp.UserMessageReference, []byte{1, 2}}}},
		{Command: smpp.SubmitSM.Answer(), Seq: 2, ID: "1A2B"},
		{Command: smpp.SubmitSM.Answer(), Seq: 2, Status: smpp.Throttled},
		{Command: smpp.DeliverSM, Seq: 3, Short: short, TLVs: []smpp.TLV{{smpp.MessageState, []byte{2}}, {smpp.ReceiptedID, []byte("7\x00")}}},
		{Command: smpp.DeliverSM.Answer(), Seq: 3},
		{Command: smpp.EnquireLink, Seq: 4}, {Command: smpp.EnquireLink.Answer(), Seq: 4},
		{Command: smpp.Unbind, Seq: 5}, {Command: smpp.Unbind.Answer(), Seq: 5},
		{Command: smpp.GenericNack, Seq: 6, Status: smpp.InvalidCmd},
		{Command: smpp.DataSM, Seq: 7, Short: &smpp.Short{Dest: smpp.Address{Value: "1"}, Coding: 8}, TLVs: []smpp.TLV{{smpp.Payload, bytes.Repeat([]byte{4, 0x36}, 400)}}},
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	var all []byte
	for _, p := range units() {
		all = p.Append(all)
	}
	r := bytes.NewReader(all)
	for _, want := range units() {
		have, err := smpp.Read(r)
		if err != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("%+v, %v; want %+v", have, err, want)
		}
	}
	if _, err := smpp.Read(r); err != io.EOF {
		t.Errorf("after the last: %v", err)
	}
}

// Another library reads what we write, and we read what it writes.
func TestAnotherLibraryAgrees(t *testing.T) {
	for _, p := range units() {
		raw := p.Append(nil)
		other, err := pdu.Parse(bytes.NewReader(raw))
		if p.Command.IsAnswer() && p.Status != smpp.OK {
			continue // it cannot read a refusal without a body, which the specification wants
		}
		if err != nil {
			t.Errorf("%s: it says %v", p.Command, err)
			continue
		}
		h := other.GetHeader()
		if uint32(h.CommandID) != uint32(p.Command) || uint32(h.SequenceNumber) != p.Seq || uint32(h.CommandStatus) != uint32(p.Status) {
			t.Errorf("%s: it reads %+v", p.Command, h)
		}
		if s, ok := other.(*pdu.SubmitSM); ok {
			body, _ := s.Message.GetMessageData()
			if s.DestAddr.Address() != p.Short.Dest.Value || s.ValidityPeriod != p.Short.Validity || !bytes.HasSuffix(p.Short.Message, body) || s.Message.Encoding() != data.UCS2 {
				t.Errorf("it reads %+v", s)
			}
		}
		b := pdu.NewBuffer(nil)
		other.Marshal(b)
		back, err := smpp.Read(bytes.NewReader(b.Bytes()))
		if err != nil || back.Command != p.Command || back.Seq != p.Seq || back.ID != p.ID && p.Status == smpp.OK || (p.Short != nil && back.Short.Dest != p.Short.Dest) {
			t.Errorf("%s comes back as %+v, %v", p.Command, back, err)
		}
	}
}

func TestWhatNoUnitIs(t *testing.T) {
	submit := units()[3]
	whole := submit.Append(nil)
	short := append([]byte(nil), whole[:40]...)
	short[3] = 40
	for name, c := range map[string]struct {
		raw  []byte
		want error
	}{
		"a length below the head": {append([]byte{0, 0, 0, 15}, make([]byte, 12)...), smpp.ErrLength},
		"a length beyond all":     {append([]byte{0x7f, 0, 0, 0}, make([]byte, 12)...), smpp.ErrLength},
		"cut in the head":         {whole[:9], io.ErrUnexpectedEOF},
		"cut in the body":         {whole[:30], io.ErrUnexpectedEOF},
		"a body that ends early":  {short, smpp.ErrBody},
		"nothing":                 {nil, io.EOF},
	} {
		p, err := smpp.Read(bytes.NewReader(c.raw))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if errors.Is(err, smpp.ErrBody) && (p.Seq != 2 || p.Command != smpp.SubmitSM) {
			t.Errorf("%s: the head is lost: %+v", name, p)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, p := range units() {
		f.Add(p.Append(nil))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := smpp.Read(bytes.NewReader(raw))
		if err != nil {
			return
		}
		again, err := smpp.Read(bytes.NewReader(p.Append(nil)))
		if err != nil || again.Command != p.Command || again.Seq != p.Seq || (again.Short == nil) != (p.Short == nil) {
			t.Errorf("%+v is written as %+v, %v", p, again, err)
		}
	})
}
