package links

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// stampSize is the least size of a STAMP test packet without authentication, both
// ways (RFC 8762, 4.2.1 and 4.3.1).
const stampSize = 44

// ntpEpoch is 1900, where the timestamps of STAMP begin.
var ntpEpoch = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

// ntp is a moment in the 64-bit format of RFC 5905. Its seconds wrap in 2036, as that
// format has it: only differences count.
func ntp(t time.Time) uint64 {
	seconds := t.Unix() - ntpEpoch.Unix()
	return uint64(uint32(seconds))<<32 | uint64(t.Nanosecond())<<32/1e9
}

// ntpSpan is the time from one stamp to a later one.
func ntpSpan(from, to uint64) time.Duration {
	d := int64(to - from)
	return time.Duration(d>>32)*time.Second + time.Duration(uint64(uint32(d))*1e9>>32)
}

// errorEstimate says: the clock is not synchronised, and off by a second at most.
const errorEstimate = 0x0001 | 32<<8&0x3f00

// stampRequest is a sender's packet.
func stampRequest(seq uint32, at uint64) []byte {
	b := make([]byte, stampSize)
	binary.BigEndian.PutUint32(b, seq)
	binary.BigEndian.PutUint64(b[4:], at)
	binary.BigEndian.PutUint16(b[12:], errorEstimate)
	return b
}

// stampReply is a reflector's packet as its sender reads it.
type stampReply struct {
	seq             uint32 // the sender's
	sent            uint64 // the sender's stamp
	received, again uint64 // when the reflector took it in, and sent it back
	ttl             byte   // that the request arrived with
}

var errStamp = errors.New("this is no answer of a STAMP reflector")

func parseStamp(b []byte) (stampReply, error) {
	if len(b) < stampSize {
		return stampReply{}, errStamp
	}
	r := stampReply{again: binary.BigEndian.Uint64(b[4:]), received: binary.BigEndian.Uint64(b[16:]),
		seq: binary.BigEndian.Uint32(b[24:]), sent: binary.BigEndian.Uint64(b[28:]), ttl: b[40]}
	return r, nil
}

// reflect makes the answer to a request; nil when it is none. It is as long as the
// request, so that nobody is hit with more than they sent.
func reflect(b []byte, received, now uint64) []byte {
	if len(b) < stampSize {
		return nil
	}
	out := make([]byte, len(b))
	copy(out, b[:4]) // without state the reflector's number is the sender's
	binary.BigEndian.PutUint64(out[4:], now)
	binary.BigEndian.PutUint16(out[12:], errorEstimate)
	binary.BigEndian.PutUint64(out[16:], received)
	copy(out[24:28], b[:4])
	copy(out[28:38], b[4:14])
	out[40] = 255
	return out
}

var stampSeq atomic.Uint32

// stamp measures the round trip to a reflector, without the time that it took.
func (n *Network) stamp(ctx context.Context, to netip.AddrPort) (time.Duration, error) {
	c, err := n.dial(ctx, "udp", to)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	began := time.Now()
	seq, at := stampSeq.Add(1), ntp(began)
	if _, err := c.Write(stampRequest(seq, at)); err != nil {
		return 0, err
	}
	var b [1500]byte
	for {
		size, err := c.Read(b[:])
		if err != nil {
			return 0, err
		}
		took := time.Since(began)
		r, err := parseStamp(b[:size])
		if err != nil || r.seq != seq || r.sent != at {
			continue // somebody else's, or an old one
		}
		inside := ntpSpan(r.received, r.again)
		if inside < 0 || inside > took {
			inside = 0 // its clock was set meanwhile
		}
		return took - inside, nil
	}
}

// Reflect answers STAMP test packets on a socket until ctx ends: what a hub does for
// the offices that probe it. It closes the socket.
func Reflect(ctx context.Context, c net.PacketConn) error {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	var b [1500]byte
	for {
		size, from, err := c.ReadFrom(b[:])
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			var passing net.Error
			if errors.As(err, &passing) && !errors.Is(err, net.ErrClosed) {
				continue // an ICMP error of somebody who has gone
			}
			return err
		}
		received := ntp(time.Now())
		if out := reflect(b[:size], received, ntp(time.Now())); out != nil {
			c.WriteTo(out, from)
		}
	}
}
