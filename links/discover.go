package links

// Found is an uplink that this machine seems to have.
type Found struct {
	Interface string `json:"interface"`
	Kind      Kind   `json:"kind" doc:"A guess by the device's name and type."`
	Source    string `json:"source" doc:"Its address."`
	Gateway   string `json:"gateway"`
	Metric    int    `json:"metric" doc:"Of its default route: the smaller one is used first."`
	Carrier   bool   `json:"carrier"`
}

// guess is what a device probably is, by the way that systems name them.
func guess(device string) Kind {
	for _, p := range []struct {
		prefix string
		kind   Kind
	}{{"wwan", LTE}, {"wwp", LTE}, {"usb", LTE}, {"enx", LTE}, {"ppp", DSL}, {"eth", Fibre}, {"en", Fibre}} {
		if len(device) >= len(p.prefix) && device[:len(p.prefix)] == p.prefix {
			return p.kind
		}
	}
	return Other
}
