package loop

import (
	"context"
	"sync"
	"time"

	"holdfast"
	"holdfast/channel"
)

// Provider is the make-believe far end. Make one with New.
type Provider struct {
	mu         sync.Mutex
	name       string // of its kind
	scheme     string // of its customers' addresses
	idempotent bool
	delivers   bool
	script     []Act
	down       *channel.Failure
	received   map[string][]channel.Outbound
	accepted   map[holdfast.ID]int
	asked      map[holdfast.ID]int
	attempts   []time.Time
	sinks      map[holdfast.ID]channel.Sink
	changed    chan struct{} // closed and renewed when a sink comes
}

// Act is what the provider does with one message. The zero Act accepts it.
type Act struct {
	Fail   *channel.Failure // what the desk is told; nil: accepted
	Accept bool             // the customer gets it all the same: only the answer is lost
	Delay  time.Duration    // before the answer, and after the customer has got it
}

// Dropped accepts a message and loses the answer.
func Dropped() Act {
	return Act{Accept: true, Fail: &channel.Failure{Reason: channel.Unknown, Code: "reset", Text: "The connection was reset after the message was written."}}
}

// BadGateway accepts a message and answers 502.
func BadGateway() Act {
	return Act{Accept: true, Fail: &channel.Failure{Reason: channel.Unknown, Code: "502", Text: "Bad gateway."}}
}

// Slow accepts a message and answers after d.
func Slow(d time.Duration) Act { return Act{Accept: true, Delay: d} }

// New returns a provider that accepts everything.
func New() *Provider {
	return &Provider{name: "loop", scheme: Scheme, received: map[string][]channel.Outbound{}, accepted: map[holdfast.ID]int{}, asked: map[holdfast.ID]int{},
		sinks: map[holdfast.ID]channel.Sink{}, changed: make(chan struct{})}
}

// Called makes it another kind of channel, whose customers have addresses of another
// scheme. It is called before Kind.
func (p *Provider) Called(name, scheme string) *Provider {
	p.name, p.scheme = name, scheme
	return p
}

// Idempotent makes the provider recognise a message that comes again.
func (p *Provider) Idempotent(on bool) { p.locked(func() { p.idempotent = on }) }

// Delivers makes acceptance mean delivery.
func (p *Provider) Delivers(on bool) { p.locked(func() { p.delivers = on }) }

// Next says what happens with the next messages, one act each, after what was said before.
func (p *Provider) Next(acts ...Act) { p.locked(func() { p.script = append(p.script, acts...) }) }

// FailNext refuses the next messages; nobody gets them.
func (p *Provider) FailNext(failures ...*channel.Failure) {
	for _, f := range failures {
		p.Next(Act{Fail: f})
	}
}

// Down refuses every message with f until Down(nil). What Next has said waits.
func (p *Provider) Down(f *channel.Failure) { p.locked(func() { p.down = f }) }

// Received lists what the customer at addr got, in order; what came twice is there twice.
func (p *Provider) Received(addr string) (list []channel.Outbound) {
	p.locked(func() { list = append(list, p.received[addr]...) })
	return list
}

// Count is how many times the customer got a message.
func (p *Provider) Count(message holdfast.ID) (n int) {
	p.locked(func() { n = p.accepted[message] })
	return n
}

// Asked is how many times a message was handed in, whatever came of it.
func (p *Provider) Asked(message holdfast.ID) (n int) {
	p.locked(func() { n = p.asked[message] })
	return n
}

// Attempts are the moments at which a message was handed in, whatever came of it.
func (p *Provider) Attempts() (list []time.Time) {
	p.locked(func() { list = append(list, p.attempts...) })
	return list
}

func (p *Provider) locked(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// take does with m what the script says.
func (p *Provider) take(ctx context.Context, m channel.Outbound) (channel.Sent, error) {
	p.mu.Lock()
	p.asked[m.ID]++
	p.attempts = append(p.attempts, time.Now())
	if p.down != nil {
		f := *p.down
		p.mu.Unlock()
		return channel.Sent{}, &f
	}
	var act Act
	if len(p.script) > 0 {
		act, p.script = p.script[0], p.script[1:]
	}
	if act.Fail == nil || act.Accept {
		if !p.idempotent || p.accepted[m.ID] == 0 {
			p.accepted[m.ID]++
			p.received[m.To.Value] = append(p.received[m.To.Value], m)
		}
	}
	sent := channel.Sent{ExternalID: "loop-" + m.ID.String(), Delivered: p.delivers}
	p.mu.Unlock()
	if act.Delay > 0 {
		t := time.NewTimer(act.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return channel.Sent{}, &channel.Failure{Reason: channel.Unknown, Code: "timeout", Text: "The provider did not answer in time.", Err: ctx.Err()}
		}
	}
	if act.Fail != nil {
		f := *act.Fail
		return channel.Sent{}, &f
	}
	return sent, nil
}

// connect notes an account's sink until the returned function is called.
func (p *Provider) connect(account holdfast.ID, sink channel.Sink) func() {
	p.locked(func() {
		p.sinks[account] = sink
		close(p.changed)
		p.changed = make(chan struct{})
	})
	return func() { p.locked(func() { delete(p.sinks, account) }) }
}

// Deliver brings what a customer wrote to the desk through an account (zero: any
// that listens), and waits until one does. The error is the sink's, or ctx's.
func (p *Provider) Deliver(ctx context.Context, account holdfast.ID, m channel.Inbound) (channel.Accepted, error) {
	for {
		p.mu.Lock()
		sink := p.sinks[account]
		if account.IsZero() {
			for _, s := range p.sinks {
				sink = s
			}
		}
		changed := p.changed
		p.mu.Unlock()
		if sink != nil {
			return sink.Accept(ctx, m)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return channel.Accepted{}, ctx.Err()
		}
	}
}

// Report brings the provider's word about a message to the desk; without a
// listener the error is Unavailable.
func (p *Provider) Report(ctx context.Context, r channel.Report) error {
	p.mu.Lock()
	var sink channel.Sink
	for _, s := range p.sinks {
		sink = s
	}
	p.mu.Unlock()
	if sink == nil {
		return holdfast.Errorf(holdfast.Unavailable, "loop.nobody", "no account of the loop listens")
	}
	return sink.Report(ctx, r)
}
