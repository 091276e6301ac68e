//go:build !linux

package links

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/net/icmp"
)

var errNoDevices = errors.New("this system does not bind sockets to devices")

func bindDevice(syscall.RawConn, string) error { return errNoDevices }

func notAllowed(err error) bool { return errors.Is(err, errNoDevices) }

func pingSocket(v6 bool, _ string, local net.IP) (net.PacketConn, error) {
	if v6 {
		return icmp.ListenPacket("udp6", local.String())
	}
	return icmp.ListenPacket("udp4", local.String())
}
