package sms

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"go.bug.st/serial"
)

// busyWait is how long the adapter that ran before may take to let go of a port.
const busyWait = 4 * time.Second

// openPort opens "/dev/ttyUSB0" or "COM3", or "tcp://host:port" of a server that
// stands before a modem.
func openPort(ctx context.Context, name string, baud int) (io.ReadWriteCloser, error) {
	if addr, ok := strings.CutPrefix(name, "tcp://"); ok {
		conn, err := (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		return &netPort{conn}, nil
	}
	until := time.Now().Add(busyWait)
	for {
		p, err := serial.Open(name, &serial.Mode{BaudRate: baud, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit})
		if err == nil {
			return p, nil
		}
		var pe *serial.PortError
		if !errors.As(err, &pe) || pe.Code() != serial.PortBusy || time.Now().After(until) {
			return nil, err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// netPort is a connection that a stuck peer cannot hold up for ever.
type netPort struct{ net.Conn }

func (p *netPort) Write(b []byte) (int, error) {
	p.SetWriteDeadline(time.Now().Add(10 * time.Second))
	return p.Conn.Write(b)
}
