// Package smsc is a short message centre that stands in for an operator's, in
// tests and in the demo: it takes texts over SMPP 3.4, keeps them, sends receipts
// and texts of customers, and fails the way it is told to.
//
// It refuses to reach any telephone: what it takes stays in this program.
package smsc

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast/channel/sms/gsm"
	"holdfast/channel/sms/smpp"
)

// Options of a centre. The zero value lets everybody in and sends no receipts.
type Options struct {
	SystemID, Password string // empty: anybody
	// Receipts are sent this long after a text that asks for one; negative or zero: none.
	Receipts time.Duration
	// HexIDs makes answers carry ids in hexadecimal and receipts in decimal, as some do.
	HexIDs bool
	// EchoRef makes receipts carry the user_message_reference.
	EchoRef bool
	// Count keeps numbers only, for long runs.
	Count bool
	// OnPart hears of each part as it is taken; it must be quick.
	OnPart func(Part)
}

// Part is one submit_sm as it was taken.
type Part struct {
	At       time.Time
	ID       string // as answered
	From, To string
	Text     string
	Coding   byte
	Ref      uint16 // user_message_reference
	Join     gsm.Join
	Short    smpp.Short
	Payload  bool
}

// Act is what the centre does with the next part instead of taking and answering it.
type Act struct {
	Status  smpp.Status   // refuse with it
	Delay   time.Duration // before the answer
	Silent  bool          // take it and never answer
	HangUp  bool          // take it and hang up instead of the answer
	Deaf    bool          // hang up without taking it
	Garbage bool          // take it and answer with bytes that are no unit
}

// Centre is a running one.
type Centre struct {
	opt Options
	ln  net.Listener
	wg  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	down   bool
	refuse smpp.Status
	limit  int // parts a second; 0: any
	second int64
	inSec  int
	acts   []Act
	conns  map[*conn]bool
	parts  []Part
	count  int
	first  time.Time
	last   time.Time
	binds  int
	nextID uint64
	ref    byte
}

// conn is one connection that somebody made.
type conn struct {
	net.Conn
	mu      sync.Mutex
	seq     uint32
	waiting map[uint32]chan smpp.PDU
	bound   bool
}

// Start begins to listen on addr ("127.0.0.1:0" for any free port).
func Start(addr string, opt Options) (*Centre, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return Serve(ln, opt), nil
}

// Serve listens on ln, which may speak TLS.
func Serve(ln net.Listener, opt Options) *Centre {
	c := &Centre{opt: opt, ln: ln, conns: map[*conn]bool{}, nextID: 0x1a2b3c}
	c.wg.Go(c.accept)
	return c
}

// Addr is where it listens.
func (c *Centre) Addr() string { return c.ln.Addr().String() }

// Close stops it and hangs up.
func (c *Centre) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.ln.Close()
	c.Cut()
	c.wg.Wait()
}

// Cut hangs up on everybody.
func (c *Centre) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.conns {
		k.Close()
	}
}

// Down makes it hang up on everybody who comes, until Down(false).
func (c *Centre) Down(down bool) {
	c.mu.Lock()
	c.down = down
	c.mu.Unlock()
	if down {
		c.Cut()
	}
}

// Refuse answers every bind with a status; smpp.OK lets people in again.
func (c *Centre) Refuse(s smpp.Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse = s
}

// Limit throttles above n parts a second; 0 takes any number.
func (c *Centre) Limit(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = n
}

// Next queues what happens to the parts that come next.
func (c *Centre) Next(acts ...Act) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acts = append(c.acts, acts...)
}

// Parts lists what was taken.
func (c *Centre) Parts() []Part {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Part(nil), c.parts...)
}

// Taken is how many parts were taken, and when the first and the last of them.
func (c *Centre) Taken() (n int, first, last time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count, c.first, c.last
}

// Binds is how many times somebody signed in.
func (c *Centre) Binds() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.binds
}

// Bound reports whether somebody is signed in now.
func (c *Centre) Bound() bool { return c.line() != nil }

func (c *Centre) line() *conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.conns {
		k.mu.Lock()
		bound := k.bound
		k.mu.Unlock()
		if bound {
			return k
		}
	}
	return nil
}

func (c *Centre) accept() {
	for {
		n, err := c.ln.Accept()
		if err != nil {
			return
		}
		k := &conn{Conn: n, waiting: map[uint32]chan smpp.PDU{}}
		c.mu.Lock()
		if c.closed || c.down {
			c.mu.Unlock()
			n.Close()
			continue
		}
		c.conns[k] = true
		c.mu.Unlock()
		c.wg.Go(func() {
			c.serve(k)
			k.Close()
			c.mu.Lock()
			delete(c.conns, k)
			c.mu.Unlock()
			k.mu.Lock()
			for seq, w := range k.waiting {
				close(w)
				delete(k.waiting, seq)
			}
			k.bound = false
			k.mu.Unlock()
		})
	}
}

func (k *conn) send(p smpp.PDU) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.write(p)
}

func (k *conn) write(p smpp.PDU) error {
	_ = k.SetWriteDeadline(time.Now().Add(10 * time.Second)) // Write says what is wrong
	_, err := k.Write(p.Append(nil))
	return err
}

// serve talks with one caller until it goes.
func (c *Centre) serve(k *conn) {
	r := bufio.NewReader(k)
	for {
		p, err := smpp.Read(r)
		if errors.Is(err, smpp.ErrBody) {
			k.send(smpp.PDU{Command: smpp.GenericNack, Status: smpp.InvalidLen, Seq: p.Seq})
			continue
		}
		if err != nil {
			return
		}
		switch {
		case p.Command.IsAnswer():
			k.mu.Lock()
			if w := k.waiting[p.Seq]; w != nil {
				w <- p
				delete(k.waiting, p.Seq)
			}
			k.mu.Unlock()
		case p.Bind != nil:
			c.bind(k, p)
		case p.Command == smpp.EnquireLink:
			k.send(smpp.PDU{Command: p.Command.Answer(), Seq: p.Seq})
		case p.Command == smpp.Unbind:
			k.mu.Lock()
			k.bound = false
			k.mu.Unlock()
			k.send(smpp.PDU{Command: p.Command.Answer(), Seq: p.Seq})
			return
		case p.Command == smpp.SubmitSM:
			if !c.submit(k, p) {
				return
			}
		default:
			k.send(smpp.PDU{Command: smpp.GenericNack, Status: smpp.InvalidCmd, Seq: p.Seq})
		}
	}
}

func (c *Centre) bind(k *conn, p smpp.PDU) {
	status := smpp.OK
	c.mu.Lock()
	switch {
	case c.refuse != smpp.OK:
		status = c.refuse
	case c.opt.SystemID != "" && p.Bind.SystemID != c.opt.SystemID:
		status = smpp.WrongSystem
	case c.opt.Password != "" && p.Bind.Password != c.opt.Password:
		status = smpp.WrongPass
	default:
		c.binds++
	}
	c.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.bound = status == smpp.OK
	k.write(smpp.PDU{Command: p.Command.Answer(), Seq: p.Seq, Status: status, ID: "holdfast-smsc"})
}

// submit takes a part, or does what it was told to. It reports false to hang up.
func (c *Centre) submit(k *conn, p smpp.PDU) bool {
	k.mu.Lock()
	bound := k.bound
	k.mu.Unlock()
	answer := smpp.PDU{Command: p.Command.Answer(), Seq: p.Seq}
	if !bound {
		answer.Status = smpp.InvalidBind
		k.send(answer)
		return true
	}
	c.mu.Lock()
	var act Act
	if len(c.acts) > 0 {
		act, c.acts = c.acts[0], c.acts[1:]
	}
	now := time.Now()
	if s := now.Unix(); s != c.second {
		c.second, c.inSec = s, 0
	}
	if c.inSec++; c.limit > 0 && c.inSec > c.limit && act == (Act{}) {
		act.Status = smpp.Throttled
	}
	if act.Deaf {
		c.mu.Unlock()
		return false
	}
	if act.Status != smpp.OK {
		c.mu.Unlock()
		answer.Status = act.Status
		k.send(answer)
		return true
	}
	part := c.take(p, now)
	c.mu.Unlock()
	if c.opt.OnPart != nil {
		c.opt.OnPart(part)
	}
	answer.ID = part.ID
	switch {
	case act.HangUp:
		c.after(part, p.Short.Registered&1 != 0)
		return false
	case act.Garbage:
		k.mu.Lock()
		k.Write(append([]byte{0, 0, 0, 3}, make([]byte, 28)...))
		k.mu.Unlock()
	case act.Silent:
	case act.Delay > 0:
		time.AfterFunc(act.Delay, func() { k.send(answer) })
	default:
		k.send(answer)
	}
	c.after(part, p.Short.Registered&1 != 0)
	return true
}

// take notes a part; mu is held.
func (c *Centre) take(p smpp.PDU, now time.Time) Part {
	c.nextID++
	if c.count++; c.count == 1 {
		c.first = now
	}
	c.last = now
	s := p.Short
	part := Part{At: now, ID: strconv.FormatUint(c.nextID, 10), From: s.Source.Value, To: s.Dest.Value, Coding: s.Coding, Short: *s}
	if c.opt.HexIDs {
		part.ID = strings.ToUpper(strconv.FormatUint(c.nextID, 16))
	}
	if n, ok := p.Number(smpp.UserMessageReference); ok {
		part.Ref = uint16(n)
	}
	body := s.Message
	if v := p.TLV(smpp.Payload); len(body) == 0 && v != nil {
		body, part.Payload = v, true
	}
	if s.Class&smpp.ClassHeader != 0 {
		part.Join, body, _ = gsm.ReadHeader(body)
	}
	if ref, ok := p.Number(smpp.SarRef); ok {
		total, _ := p.Number(smpp.SarTotal)
		number, _ := p.Number(smpp.SarNumber)
		part.Join = gsm.Join{Ref: ref, Total: total, Number: number}
	}
	switch s.Coding {
	case 8:
		part.Text = gsm.DecodeUCS2(body)
	case 3:
		r := make([]rune, len(body))
		for i, b := range body {
			r[i] = rune(b)
		}
		part.Text = string(r)
	default:
		part.Text = gsm.Decode7(body)
	}
	if !c.opt.Count {
		c.parts = append(c.parts, part)
	}
	return part
}

// after sends the receipt of a part when its time has come.
func (c *Centre) after(part Part, asked bool) {
	if c.opt.Receipts <= 0 || !asked {
		return
	}
	time.AfterFunc(c.opt.Receipts, func() {
		for range 20 { // nobody may be there for a while
			if c.Receipt(part, "DELIVRD", "000") == nil {
				return
			}
			time.Sleep(250 * time.Millisecond)
			c.mu.Lock()
			closed := c.closed
			c.mu.Unlock()
			if closed {
				return
			}
		}
	})
}

// Receipt tells the sender of a part what became of it. The error says how the
// sender answered, or that nobody is there.
func (c *Centre) Receipt(part Part, state, code string) error {
	id := part.ID
	if c.opt.HexIDs {
		if n, err := strconv.ParseUint(id, 16, 64); err == nil {
			id = fmt.Sprintf("%010d", n)
		}
	}
	delivered := "000"
	if state == "DELIVRD" {
		delivered = "001"
	}
	text := fmt.Sprintf("id:%s sub:001 dlvrd:%s submit date:%s done date:%s stat:%s err:%s text:", id, delivered,
		part.At.UTC().Format("0601021504"), time.Now().UTC().Format("0601021504"), state, code)
	p := smpp.PDU{Command: smpp.DeliverSM, Short: &smpp.Short{Source: smpp.Address{TON: 1, NPI: 1, Value: part.To},
		Dest: smpp.Address{Value: part.From}, Class: smpp.ClassReceipt, Message: []byte(text)}}
	if c.opt.EchoRef {
		p.TLVs = append(p.TLVs, smpp.TLV{Tag: smpp.UserMessageReference, Value: []byte{byte(part.Ref >> 8), byte(part.Ref)}})
	}
	return c.Hand(p)
}

// Deliver sends a customer's text, in as many parts as it takes.
func (c *Centre) Deliver(from, to, text string) error {
	for _, p := range c.Write(from, to, text) {
		if err := c.Hand(p); err != nil {
			return err
		}
	}
	return nil
}

// Write is a customer's text as units, in order, not sent yet.
func (c *Centre) Write(from, to, text string) []smpp.PDU {
	a := gsm.Of(text)
	texts := a.Split(text)
	c.mu.Lock()
	c.ref++
	ref := c.ref
	c.mu.Unlock()
	var list []smpp.PDU
	for i, t := range texts {
		s := &smpp.Short{Source: address(from), Dest: address(to), Message: a.Encode(t)}
		if a == gsm.UCS2 {
			s.Coding = 8
		}
		if len(texts) > 1 {
			s.Class |= smpp.ClassHeader
			s.Message = append(gsm.Header(ref, len(texts), i+1), s.Message...)
		}
		list = append(list, smpp.PDU{Command: smpp.DeliverSM, Short: s})
	}
	return list
}

func address(n string) smpp.Address {
	if strings.HasPrefix(n, "+") {
		return smpp.Address{TON: 1, NPI: 1, Value: n[1:]}
	}
	return smpp.Address{Value: n}
}

// ErrNobody is what Hand says when nobody is signed in, or went before answering.
var ErrNobody = errors.New("smsc: nobody is signed in")

// Refused is how a receiver answered.
type Refused struct{ Status smpp.Status }

func (r *Refused) Error() string { return "smsc: the receiver answers " + r.Status.String() }

// Hand gives one unit to whoever is signed in and waits for the answer.
func (c *Centre) Hand(p smpp.PDU) error {
	k := c.line()
	if k == nil {
		return ErrNobody
	}
	w := make(chan smpp.PDU, 1)
	k.mu.Lock()
	k.seq++
	p.Seq = k.seq
	k.waiting[p.Seq] = w
	err := k.write(p)
	k.mu.Unlock()
	if err != nil {
		return ErrNobody
	}
	select {
	case a, ok := <-w:
		if !ok {
			return ErrNobody
		}
		if a.Status != smpp.OK {
			return &Refused{a.Status}
		}
		return nil
	case <-time.After(20 * time.Second):
		return errors.New("smsc: the receiver does not answer")
	}
}
