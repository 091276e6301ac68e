package sms

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"holdfast/channel/sms/smpp"
)

var (
	errQuiet = errors.New("the centre does not answer any more")
	errEnded = errors.New("the connection was ended")
)

// session is one connection to a centre, signed in.
type session struct {
	conn  net.Conn
	epoch int64
	in    func(p smpp.PDU) // a unit of the centre that is not an answer; must not block
	late  func(smpp.PDU)   // an answer that nobody waits for any more

	mu      sync.Mutex // of what follows, and of writing
	seq     uint32
	waiting map[uint32]chan smpp.PDU
	err     error
	last    time.Time // when the centre last said anything
	dead    chan struct{}
}

// dialer is what a session needs to know.
type dialer struct {
	addr    string
	tls     *tls.Config // nil without
	bind    smpp.Bind
	connect time.Duration
	answer  time.Duration // for the centre to answer anything
	idle    time.Duration // between two enquire_links
	in      func(*session, smpp.PDU)
	late    func(smpp.PDU)
}

// bindError is a centre's refusal to let us in.
type bindError struct{ status smpp.Status }

func (e *bindError) Error() string { return "the centre does not let us in: " + e.status.String() }

// open connects and signs in as a transceiver.
func (d *dialer) open(ctx context.Context, epoch int64) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, d.connect)
	defer cancel()
	var conn net.Conn
	var err error
	if d.tls != nil {
		conn, err = (&tls.Dialer{Config: d.tls}).DialContext(ctx, "tcp", d.addr)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", d.addr)
	}
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, epoch: epoch, waiting: map[uint32]chan smpp.PDU{}, dead: make(chan struct{}), last: time.Now(), late: d.late}
	s.in = func(p smpp.PDU) { d.in(s, p) }
	go s.read()
	bind := d.bind
	answer, err := s.ask(ctx, smpp.PDU{Command: smpp.BindTransceiver, Bind: &bind}, d.answer)
	if err == nil && answer.Status != smpp.OK {
		err = &bindError{answer.Status}
	}
	if err != nil {
		s.end(err)
		return nil, err
	}
	go s.enquire(d.idle, d.answer)
	return s, nil
}

// read hands on what comes until the connection ends.
func (s *session) read() {
	r := bufio.NewReaderSize(s.conn, 16<<10)
	for {
		p, err := smpp.Read(r)
		if errors.Is(err, smpp.ErrBody) {
			if !p.Command.IsAnswer() {
				s.write(smpp.PDU{Command: smpp.GenericNack, Status: smpp.InvalidLen, Seq: p.Seq})
				continue
			}
			p.ID, err = "", nil // the status is in the head
		}
		if err != nil {
			s.end(err)
			return
		}
		s.mu.Lock()
		s.last = time.Now()
		var waits chan smpp.PDU
		if p.Command.IsAnswer() {
			waits = s.waiting[p.Seq]
			delete(s.waiting, p.Seq)
		}
		s.mu.Unlock()
		switch {
		case waits != nil:
			waits <- p // has room for one
		case p.Command.IsAnswer():
			if s.late != nil {
				s.late(p)
			}
		case p.Command == smpp.EnquireLink:
			s.write(smpp.PDU{Command: p.Command.Answer(), Seq: p.Seq})
		case p.Command == smpp.Unbind:
			s.write(smpp.PDU{Command: p.Command.Answer(), Seq: p.Seq})
			s.end(errEnded)
			return
		case p.Command == smpp.DeliverSM || p.Command == smpp.DataSM:
			s.in(p)
		default:
			s.write(smpp.PDU{Command: smpp.GenericNack, Status: smpp.InvalidCmd, Seq: p.Seq})
		}
	}
}

// sureError is a failure before anything left this machine.
type sureError struct{ error }

func (e sureError) Unwrap() error { return e.error }

// ask sends a unit and waits for its answer. A *sureError means that the centre
// cannot have got it.
func (s *session) ask(ctx context.Context, p smpp.PDU, patience time.Duration) (smpp.PDU, error) {
	c := make(chan smpp.PDU, 1)
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return smpp.PDU{}, sureError{s.err}
	}
	s.seq = s.seq%0x7fffffff + 1
	p.Seq = s.seq
	s.waiting[p.Seq] = c
	n, err := s.send(p)
	s.mu.Unlock()
	if err != nil {
		s.end(err)
		if n == 0 {
			err = sureError{err}
		}
		return smpp.PDU{}, err
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case answer := <-c:
		return answer, nil
	case <-t.C:
		err = errQuiet
	case <-ctx.Done():
		err = ctx.Err()
	case <-s.dead:
		select {
		case answer := <-c: // it came before the end
			return answer, nil
		default:
		}
		return smpp.PDU{}, s.err
	}
	s.mu.Lock()
	delete(s.waiting, p.Seq)
	s.mu.Unlock()
	return smpp.PDU{}, err
}

// send writes one unit; mu is held.
func (s *session) send(p smpp.PDU) (int, error) {
	_ = s.conn.SetWriteDeadline(time.Now().Add(10 * time.Second)) // a dead connection says so on Write
	return s.conn.Write(p.Append(nil))
}

func (s *session) write(p smpp.PDU) {
	s.mu.Lock()
	_, err := s.send(p)
	s.mu.Unlock()
	if err != nil {
		s.end(err)
	}
}

// enquire asks now and then whether the centre is still there.
func (s *session) enquire(idle, patience time.Duration) {
	t := time.NewTicker(idle)
	defer t.Stop()
	for {
		select {
		case <-s.dead:
			return
		case <-t.C:
		}
		s.mu.Lock()
		quiet := time.Since(s.last)
		s.mu.Unlock()
		if quiet < idle {
			continue
		}
		if _, err := s.ask(context.Background(), smpp.PDU{Command: smpp.EnquireLink}, patience); err != nil {
			s.end(fmt.Errorf("enquire_link: %w", err))
			return
		}
	}
}

// end closes the connection, once.
func (s *session) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return
	}
	s.err = err
	s.conn.Close()
	close(s.dead)
}

// leave says good-bye and ends.
func (s *session) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.ask(ctx, smpp.PDU{Command: smpp.Unbind}, time.Second) // it ends whatever the centre says
	s.end(errEnded)
}
