package links

import (
	"context"
	"errors"
	"net"

	"github.com/vishvananda/netlink"
)

// Discover lists the devices that have a default route, or could have one, as the
// kernel knows them. It sends nothing.
func Discover() ([]Found, error) {
	devices, err := netlink.LinkList()
	if err != nil {
		return nil, err
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, err
	}
	list := []Found{}
	for _, r := range routes {
		if r.Dst != nil && !(r.Dst.IP.IsUnspecified() && isZero(r.Dst.Mask)) {
			continue
		}
		for _, d := range devices {
			a := d.Attrs()
			if a.Index != r.LinkIndex || a.Flags&net.FlagLoopback != 0 {
				continue
			}
			f := Found{Interface: a.Name, Kind: guess(a.Name), Metric: r.Priority, Carrier: hasCarrier(a)}
			if r.Gw != nil {
				f.Gateway = r.Gw.String()
			}
			if addresses, err := netlink.AddrList(d, netlink.FAMILY_V4); err == nil && len(addresses) > 0 {
				f.Source = addresses[0].IP.String()
			}
			list = append(list, f)
		}
	}
	return list, nil
}

func isZero(m net.IPMask) bool {
	ones, _ := m.Size()
	return ones == 0
}

// hasCarrier: a device that cannot say (a tunnel) has it while it is up.
func hasCarrier(a *netlink.LinkAttrs) bool {
	switch a.OperState {
	case netlink.OperUp:
		return true
	case netlink.OperUnknown:
		return a.Flags&net.FlagUp != 0 && a.RawFlags&0x40 != 0 // IFF_RUNNING
	}
	return false
}

// carrier reports whether a device has a signal, and whether that is known.
func carrier(device string) (on, known bool) {
	if device == "" {
		return false, false
	}
	d, err := netlink.LinkByName(device)
	if err != nil {
		var gone netlink.LinkNotFoundError
		return false, errors.As(err, &gone)
	}
	return hasCarrier(d.Attrs()), true
}

// gatewayOf is where a device's default route goes; "" for nowhere known.
func gatewayOf(device string) string {
	if device == "" {
		return ""
	}
	list, err := Discover()
	if err != nil {
		return ""
	}
	for _, f := range list {
		if f.Interface == device {
			return f.Gateway
		}
	}
	return ""
}

// Carriers tells of every device whose signal may have changed, until ctx ends. An
// error means that the kernel does not tell: then lost probes do.
func Carriers(ctx context.Context, changed func(device string, on bool)) error {
	updates, done := make(chan netlink.LinkUpdate, 16), make(chan struct{})
	defer close(done)
	if err := netlink.LinkSubscribeWithOptions(updates, done, netlink.LinkSubscribeOptions{ListExisting: true}); err != nil {
		return err
	}
	for {
		select {
		case u, ok := <-updates:
			if !ok {
				return errors.New("the kernel tells of devices no longer")
			}
			const removed = 17 // RTM_DELLINK
			a := u.Link.Attrs()
			changed(a.Name, u.Header.Type != removed && hasCarrier(a))
		case <-ctx.Done():
			return nil
		}
	}
}
