package links

import "time"

// What one probe costs at the IP level, both ways, in bytes, when it is answered.
// They are measured in the tests.
const (
	icmpCost  = 2 * (20 + 8)               // an echo that carries nothing
	tcpCost   = 60 + 60 + 52 + 52          // opened and dropped
	dnsCost   = 20 + 8 + 17 + 20 + 8 + 103 // the address of the root, which has none
	httpCost  = 60 + 60 + 52 + 52 + 160 + 1200 + 52 + 52
	stampCost = 2 * (20 + 8 + 44)
)

// monthly is what the probes of an idle metered backup may cost: under 50 MB with what
// is looked at beside them.
const monthly = 40_000_000

// Cost is what probing a target once takes, in bytes both ways.
func Cost(t Target) int {
	switch t.Probe {
	case ByTCP:
		return tcpCost
	case ByDNS:
		return dnsCost
	case ByHTTP:
		return httpCost
	case BySTAMP:
		return stampCost
	case ByAuto:
		if !canPing() {
			return tcpCost
		}
	}
	return icmpCost
}

// Sparing is how far apart the rounds of an idle metered backup are: ten seconds, or
// more where the ways of probing are dear. Such a round goes to two targets.
func Sparing(targets []Target) time.Duration {
	dear, next := 0, 0
	for _, t := range targets {
		switch c := Cost(t); {
		case c > dear:
			dear, next = c, dear
		case c > next:
			next = c
		}
	}
	const month = 30 * 24 * time.Hour
	return max(everyMetered, time.Duration(dear+next)*(month/monthly)).Round(time.Second)
}
