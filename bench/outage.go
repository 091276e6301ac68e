package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/app"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/channel/sms"
	"holdfast/channel/sms/smsc"
	desks "holdfast/desk"
	"holdfast/links"
	"holdfast/setup"
)

// falls is how often the messenger falls.
const falls = 20

// fallback measures how soon a message that waits on a messenger is taken by the short
// message centre, once the messenger's line is known to be down. The messenger and the
// centre are make-believe ones in this process; SMPP between them is not.
func (r *run) fallback(ctx context.Context, s storage) (err error) {
	r.say("a messenger falls %d times, and what waits goes by SMS (%s)", falls, s.name())
	p, err := s.fresh(ctx)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	taken := map[string]time.Time{}
	centre, err := smsc.Start("127.0.0.1:0", smsc.Options{OnPart: func(p smsc.Part) {
		mu.Lock()
		defer mu.Unlock()
		if _, ok := taken[p.To]; !ok {
			taken[p.To] = p.At
		}
	}})
	if err != nil {
		return err
	}
	defer centre.Close()
	c := r.Config
	c.Data, c.DatabaseURL, c.Listen, c.PublicURL, c.SMTPListen, c.S3Endpoint, c.AllowPrivate = p.dir, p.url, "127.0.0.1:0", "", "", "", true
	messenger := loop.New()
	kind := messenger.Kind(channel.ResendPark)
	a := app.New(c, r.log)
	a.Kinds = []*channel.Kind{kind, sms.Kind()}
	if err := a.OpenRooms(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.DB.Close()) }()
	w, err := a.Setup.CreateWorkspace(ctx, access.System(holdfast.ID{}), setup.NewWorkspace{ID: holdfast.NewID(), Name: founded, Language: "en", TimeZone: "UTC"})
	if err != nil {
		return err
	}
	by := access.System(w.ID)
	first, err := a.Setup.CreateChannel(ctx, by, setup.NewChannel{ID: holdfast.NewID(), Kind: kind.Name, Name: "Messenger", Settings: json.RawMessage(`{}`)})
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(centre.Addr())
	if err != nil {
		return err
	}
	if _, err := a.Setup.CreateChannel(ctx, by, setup.NewChannel{ID: holdfast.NewID(), Kind: "sms", Name: "Texts",
		Settings: json.RawMessage(fmt.Sprintf(`{"via":"smpp","smpp_host":%q,"smpp_port":%s,"smpp_security":"none","smpp_system_id":"desk","smpp_rate":100}`, host, port))}); err != nil {
		return err
	}
	rooms, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.RunRooms(rooms) }()
	defer func() { stop(); err = errors.Join(err, <-done) }()
	if err := a.Fallback.SaveChain(ctx, by, holdfast.ChainSaved{Sort: holdfast.SortReply, First: 3600, Legs: []holdfast.Leg{{Kind: "sms", Wait: 3600}}}); err != nil {
		return err
	}
	author := desks.By{Workspace: w.ID, Actor: holdfast.System}
	author.Operator = holdfast.NewID()
	if _, err := a.Guard.CreateOperator(ctx, by, access.NewOperator{ID: author.Operator, Name: "Joe", Email: "joe@bench.example", Language: "en", Role: holdfast.Operator}); err != nil {
		return err
	}
	author.Actor = holdfast.Actor{Kind: holdfast.ActorOperator, ID: author.Operator}
	wait := func(what string, ok func() bool) error {
		for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
			if ctx.Err() != nil || time.Now().After(end) {
				return holdfast.Errorf(holdfast.Unavailable, "bench.slow", "not within half a minute: %s", what)
			}
		}
		return nil
	}
	if err := wait("the desk is signed in at the centre", centre.Bound); err != nil {
		return err
	}
	var took []time.Duration
	for i := range falls {
		number, who := fmt.Sprintf("7999%07d", i), fmt.Sprint("customer", i)
		in, err := messenger.Deliver(ctx, first.ID, channel.Inbound{Key: who, Text: "Hello?", From: holdfast.Address{Scheme: loop.Scheme, Value: who}, Also: []holdfast.Address{{Scheme: "tel", Value: "+" + number, Verified: true}}})
		if err != nil {
			return err
		}
		// It fails once, and waits for its next attempt.
		messenger.Down(&channel.Failure{Reason: channel.Temporary, Code: "connect", Text: "no route"})
		m := desks.Reply{ID: holdfast.NewID(), Text: "We are here."}
		if _, err := a.Desk.Reply(ctx, author, in.Conversation, m); err != nil {
			return err
		}
		if err := wait("the messenger was tried", func() bool { return messenger.Asked(m.ID) > 0 }); err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond) // its failure is on record
		began := time.Now()
		a.Outbox.Cut(first.ID, "reach", "The line is down.") // as the watch of the links says it
		if err := wait("the centre took it", func() bool { mu.Lock(); defer mu.Unlock(); return !taken[number].IsZero() }); err != nil {
			return err
		}
		mu.Lock()
		took = append(took, taken[number].Sub(began))
		mu.Unlock()
		messenger.Down(nil)
		a.Outbox.Restore(first.ID)
	}
	if n, _, _ := centre.Taken(); n != falls {
		return holdfast.Errorf(holdfast.Conflict, "bench.doubled", "the centre took %d texts of %d", n, falls)
	}
	t := spreadOf(took)
	r.judge("fallback", s.name(), "line down to the text accepted by the centre, slowest", t.Max, "ms", false, 2000, fmt.Sprintf("median %.0f ms, %d falls", t.P50, falls))
	return nil
}

// probing measures what it costs to probe one uplink at six targets.
func (r *run) probing(ctx context.Context) error {
	r.say("an uplink is probed at six targets for %v", r.Duration)
	var targets []links.Target
	for i := range 6 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		go func() {
			for c, err := ln.Accept(); err == nil; c, err = ln.Accept() {
				c.Close()
			}
		}()
		place := links.InCountry
		if i%2 == 1 {
			place = links.Abroad
		}
		targets = append(targets, links.Target{Address: "127.0.0.1", Port: ln.Addr().(*net.TCPAddr).Port, Probe: links.ByTCP, Place: place})
	}
	network := links.NewNetwork(links.Uplink{})
	defer network.Close()
	ctx, stop := context.WithTimeout(ctx, r.Duration)
	defer stop()
	w := links.NewWatch(links.Options{Uplink: links.Uplink{Kind: links.Fibre}, Targets: targets, Probe: network.Probe})
	before := ticks()
	if err := w.Run(ctx); err != nil {
		return err
	}
	if s := w.Snapshot(); s.State != holdfast.LinkUp || s.Rounds == 0 {
		return holdfast.Errorf(holdfast.Internal, "bench.probing", "the uplink is %s after %d rounds", s.State, s.Rounds)
	}
	if after := ticks(); after > 0 {
		r.judge("probing", "", "of a core, for one uplink at six targets by TCP", 100*float64(after-before)/100/r.Duration.Seconds(), "%", false, 1, "the other ends and this bench among it")
	} else {
		r.say("this system does not say how much processor time a process has taken")
	}
	const month = 30 * 24 * time.Hour
	rounds := float64(month / links.Sparing(targets))
	r.judge("probing", "", "a month of an idle metered backup by TCP", rounds*2*float64(links.Cost(targets[0]))/1e6, "MB", false, 50, fmt.Sprintf("two targets every %v", links.Sparing(targets)))
	return nil
}

// ticks is the processor time that this process has taken, in hundredths of a second; 0
// where the system does not say.
func ticks() int64 {
	b, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ") // a name may have blanks
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return user + system
}
