// Package smpp reads and writes the protocol data units of SMPP 3.4: those that a
// sender of short messages and its centre exchange.
//
// It refuses to keep a connection, to know what a message means, and to take a
// unit longer than the longest lawful one. It does no I/O but on the reader given.
package smpp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Command is what a unit asks or answers.
type Command uint32

// The commands that are understood; an answer has the highest bit set.
const (
	GenericNack     Command = 0x80000000
	BindReceiver    Command = 0x00000001
	BindTransmitter Command = 0x00000002
	SubmitSM        Command = 0x00000004
	DeliverSM       Command = 0x00000005
	Unbind          Command = 0x00000006
	BindTransceiver Command = 0x00000009
	EnquireLink     Command = 0x00000015
	DataSM          Command = 0x00000103

	response Command = 0x80000000
)

// Answer is the command that answers c.
func (c Command) Answer() Command { return c | response }

// IsAnswer reports whether c answers another unit.
func (c Command) IsAnswer() bool { return c&response != 0 }

var commandNames = map[Command]string{GenericNack: "generic_nack", BindReceiver: "bind_receiver", BindTransmitter: "bind_transmitter", SubmitSM: "submit_sm",
	DeliverSM: "deliver_sm", Unbind: "unbind", BindTransceiver: "bind_transceiver", EnquireLink: "enquire_link", DataSM: "data_sm"}

// String is the command's name in the specification.
func (c Command) String() string {
	if name, ok := commandNames[c]; ok {
		return name
	}
	if name, ok := commandNames[c&^response]; ok {
		return name + "_resp"
	}
	return fmt.Sprintf("command 0x%08x", uint32(c))
}

// Tag names an optional parameter.
type Tag uint16

// The optional parameters that are used.
const (
	UserMessageReference Tag = 0x0204
	SourcePort           Tag = 0x020a
	SarRef               Tag = 0x020c
	SarTotal             Tag = 0x020e
	SarNumber            Tag = 0x020f
	ReceiptedID          Tag = 0x001e
	NetworkError         Tag = 0x0423
	Payload              Tag = 0x0424
	MessageState         Tag = 0x0427
)

// TLV is one optional parameter.
type TLV struct {
	Tag   Tag
	Value []byte
}

// Address is a number with its type and plan.
type Address struct {
	TON, NPI byte
	Value    string
}

// Bind is the body of the three bind requests.
type Bind struct {
	SystemID, Password, SystemType string
	Version                        byte
	Range                          Address
}

// Short is the body of submit_sm, deliver_sm and data_sm.
type Short struct {
	Service            string
	Source, Dest       Address
	Class              byte // esm_class
	Protocol, Priority byte
	Schedule, Validity string
	Registered         byte // registered_delivery
	Replace            byte
	Coding             byte // data_coding
	Default            byte
	Message            []byte // at most 254 bytes; longer ones go in Payload
}

// The bits of Short.Class.
const (
	ClassReceipt = 0x04 // a receipt of the centre (deliver_sm)
	ClassHeader  = 0x40 // the message begins with a user data header
)

// PDU is one unit.
type PDU struct {
	Command Command
	Status  Status
	Seq     uint32
	Bind    *Bind
	Short   *Short
	ID      string // system_id of a bind's answer, message_id of a message's
	TLVs    []TLV
}

// TLV is the value of an optional parameter, nil when it is missing.
func (p *PDU) TLV(tag Tag) []byte {
	for _, t := range p.TLVs {
		if t.Tag == tag {
			return t.Value
		}
	}
	return nil
}

// Number is an optional parameter as a number; ok is false when it is missing.
func (p *PDU) Number(tag Tag) (n int, ok bool) {
	v := p.TLV(tag)
	if len(v) == 0 || len(v) > 4 {
		return 0, false
	}
	for _, b := range v {
		n = n<<8 | int(b)
	}
	return n, true
}

// MaxLen is the longest unit that is taken: a full payload and a header.
const MaxLen = 0x10000 + 1024

// ErrLength is a command_length that no unit can have: what follows on the
// connection cannot be read any more.
var ErrLength = errors.New("smpp: impossible command_length")

// ErrBody is a unit whose body is not as its command asks. The header is sound and
// the connection can go on.
var ErrBody = errors.New("smpp: malformed body")

const headerLen = 16

// Read takes one unit. With ErrBody the unit's header is valid.
func Read(r io.Reader) (PDU, error) {
	var head [headerLen]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return PDU{}, err
	}
	n := binary.BigEndian.Uint32(head[:4])
	if n < headerLen || n > MaxLen {
		return PDU{}, ErrLength
	}
	p := PDU{Command: Command(binary.BigEndian.Uint32(head[4:])), Status: Status(binary.BigEndian.Uint32(head[8:])), Seq: binary.BigEndian.Uint32(head[12:])}
	body := make([]byte, n-headerLen)
	if _, err := io.ReadFull(r, body); err != nil {
		return PDU{}, err
	}
	c := &cursor{b: body}
	p.read(c)
	if c.bad {
		return PDU{Command: p.Command, Status: p.Status, Seq: p.Seq}, ErrBody
	}
	return p, nil
}

func (p *PDU) read(c *cursor) {
	switch p.Command {
	case BindReceiver, BindTransmitter, BindTransceiver:
		p.Bind = &Bind{SystemID: c.text(16), Password: c.text(9), SystemType: c.text(13), Version: c.byte()}
		p.Bind.Range = c.address(41)
	case SubmitSM, DeliverSM:
		s := &Short{Service: c.text(6), Source: c.address(21), Dest: c.address(21), Class: c.byte(), Protocol: c.byte(), Priority: c.byte(),
			Schedule: c.text(17), Validity: c.text(17), Registered: c.byte(), Replace: c.byte(), Coding: c.byte(), Default: c.byte()}
		s.Message = c.bytes(int(c.byte()))
		p.Short = s
	case DataSM:
		p.Short = &Short{Service: c.text(6), Source: c.address(65), Dest: c.address(65), Class: c.byte(), Registered: c.byte(), Coding: c.byte()}
	case BindReceiver.Answer(), BindTransmitter.Answer(), BindTransceiver.Answer(), SubmitSM.Answer(), DeliverSM.Answer(), DataSM.Answer():
		// A refusal may leave its body out.
		if len(c.b) > 0 {
			p.ID = c.text(65)
		}
	default:
		return // no body, or one that we do not know
	}
	for !c.bad && len(c.b) > 0 {
		if len(c.b) < 4 {
			return // centres pad; what cannot be a parameter is none
		}
		tag := Tag(binary.BigEndian.Uint16(c.b))
		n := int(binary.BigEndian.Uint16(c.b[2:]))
		c.b = c.b[4:]
		p.TLVs = append(p.TLVs, TLV{tag, c.bytes(n)})
	}
}

// Append writes the unit at the end of b.
func (p *PDU) Append(b []byte) []byte {
	at := len(b)
	b = append(b, make([]byte, headerLen)...)
	switch {
	case p.Bind != nil:
		b = text(b, p.Bind.SystemID, 16)
		b = text(b, p.Bind.Password, 9)
		b = text(b, p.Bind.SystemType, 13)
		b = append(b, p.Bind.Version)
		b = address(b, p.Bind.Range, 41)
	case p.Short != nil && p.Command == DataSM:
		s := p.Short
		b = address(address(text(b, s.Service, 6), s.Source, 65), s.Dest, 65)
		b = append(b, s.Class, s.Registered, s.Coding)
	case p.Short != nil:
		s := p.Short
		b = address(address(text(b, s.Service, 6), s.Source, 21), s.Dest, 21)
		b = append(b, s.Class, s.Protocol, s.Priority)
		b = text(text(b, s.Schedule, 17), s.Validity, 17)
		message := s.Message[:min(len(s.Message), 255)]
		b = append(b, s.Registered, s.Replace, s.Coding, s.Default, byte(len(message)))
		b = append(b, message...)
	case p.Command.IsAnswer() && p.Command != GenericNack && p.Command != Unbind.Answer() && p.Command != EnquireLink.Answer():
		if p.ID != "" || p.Status == OK {
			b = text(b, p.ID, 65)
		}
	}
	for _, t := range p.TLVs {
		v := t.Value[:min(len(t.Value), 0xffff)]
		b = binary.BigEndian.AppendUint16(b, uint16(t.Tag))
		b = binary.BigEndian.AppendUint16(b, uint16(len(v)))
		b = append(b, v...)
	}
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at))
	binary.BigEndian.PutUint32(b[at+4:], uint32(p.Command))
	binary.BigEndian.PutUint32(b[at+8:], uint32(p.Status))
	binary.BigEndian.PutUint32(b[at+12:], p.Seq)
	return b
}

func text(b []byte, s string, size int) []byte {
	for i := 0; i < len(s) && i < size-1 && s[i] != 0; i++ {
		b = append(b, s[i])
	}
	return append(b, 0)
}

func address(b []byte, a Address, size int) []byte {
	return text(append(b, a.TON, a.NPI), a.Value, size)
}

// cursor reads a body; bad says that it was shorter than it should be.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) byte() byte {
	if len(c.b) == 0 {
		c.bad = true
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

func (c *cursor) bytes(n int) []byte {
	if n > len(c.b) {
		c.bad = true
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

// text reads up to a zero byte. Longer ones than the specification allows are
// taken up to four times its size, for centres do write such.
func (c *cursor) text(size int) string {
	for i := 0; i < len(c.b) && i < 4*size; i++ {
		if c.b[i] == 0 {
			s := string(c.b[:i])
			c.b = c.b[i+1:]
			return s
		}
	}
	c.bad = true
	return ""
}

func (c *cursor) address(size int) Address {
	return Address{TON: c.byte(), NPI: c.byte(), Value: c.text(size)}
}
