package intake

import (
	"sync"

	"holdfast"
	"holdfast/inbox"
)

// placesMost bounds how many places are remembered. Behind it is how far back the
// journal knows by heart what has happened: nobody believes an older one.
const placesMost = 2048

// address is where somebody writes from, to one of our accounts.
type address struct {
	account       holdfast.ID
	scheme, value string
}

// known is where the messages of an address went when one of them, the entry lsn,
// joined the conversation that it continues. It holds until an entry moves them.
type known struct {
	place inbox.Place
	lsn   holdfast.LSN
}

// places remembers the places of those who wrote last, so that who writes a second
// message is not looked up like a stranger. Nothing may be believed of it but by
// looking at every entry since.
type places struct {
	mu       sync.Mutex
	now, old map[address]known // of which old is dropped when now is full
}

func (p *places) of(a address) known {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.now[a]
	if !ok {
		k = p.old[a]
	}
	return k
}

func (p *places) keep(a address, k known) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now == nil || len(p.now) >= placesMost/2 {
		p.old, p.now = p.now, map[address]known{}
	}
	if p.now[a].lsn < k.lsn {
		p.now[a] = k
	}
}
