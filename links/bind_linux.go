package links

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// bindDevice ties a socket to a device, so that nothing of it goes out by another.
func bindDevice(c syscall.RawConn, device string) error {
	var err error
	if cerr := c.Control(func(fd uintptr) { err = syscall.BindToDevice(int(fd), device) }); cerr != nil {
		return cerr
	}
	return err
}

// notAllowed reports whether the system refuses to bind to devices at all.
func notAllowed(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES)
}

// pingSocket opens a socket for echoes that needs no privilege, where the system
// lets this process's group have one.
func pingSocket(v6 bool, device string, local net.IP) (net.PacketConn, error) {
	family, proto := syscall.AF_INET, syscall.IPPROTO_ICMP
	if v6 {
		family, proto = syscall.AF_INET6, syscall.IPPROTO_ICMPV6
	}
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, proto)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), "echo")
	defer f.Close() // FilePacketConn has its own
	if device != "" {
		if err := syscall.BindToDevice(fd, device); err != nil && (!notAllowed(err) || local == nil) { // unbound it would leak out of another uplink
			return nil, os.NewSyscallError("bind to device", err)
		}
	}
	var to syscall.Sockaddr
	if v6 {
		a := &syscall.SockaddrInet6{}
		copy(a.Addr[:], local.To16())
		to = a
	} else {
		a := &syscall.SockaddrInet4{}
		copy(a.Addr[:], local.To4())
		to = a
	}
	if err := syscall.Bind(fd, to); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	return net.FilePacketConn(f)
}
