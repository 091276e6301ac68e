package bench

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// dialers bounds how many visitors arrive at once.
const dialers = 32

// wait is the role of visitors who have a page open and say nothing.
func wait(ctx context.Context, o *order, say func(any) error, enough func() error) error {
	var (
		mu     sync.Mutex
		lines  []*socket
		first  error
		lost   atomic.Int64
		ending atomic.Bool
		wg     sync.WaitGroup
	)
	places := make(chan struct{}, o.Visitors)
	for range o.Visitors {
		places <- struct{}{}
	}
	close(places)
	for range dialers {
		wg.Go(func() {
			c, err := dial(ctx, o.Address)
			for range places {
				var who *visitor
				var s *socket
				if err == nil {
					who, err = c.newVisitor(o.Channel)
				}
				if err == nil {
					s, err = openSocket(ctx, o.Address, "/chat/v1/"+o.Channel+"/ws?token="+who.token, "")
				}
				mu.Lock()
				if err != nil {
					if first == nil {
						first = err
					}
					mu.Unlock()
					return
				}
				lines = append(lines, s)
				mu.Unlock()
				go func() {
					for {
						if _, err := s.next(); err != nil {
							if !ending.Load() {
								lost.Add(1)
							}
							return
						}
					}
				}()
			}
			if c != nil {
				c.close()
			}
		})
	}
	wg.Wait()
	a := answer{Open: len(lines)}
	if first != nil {
		a.FirstError = first.Error()
	}
	if err := say(a); err != nil {
		return err
	}
	err := enough()
	ending.Store(true)
	for _, s := range lines {
		s.close()
	}
	if err != nil {
		return err
	}
	a.Lost = int(lost.Load())
	return say(a)
}

// visitors measures what idle ones weigh. The limit on open files is raised to
// what this account may have by the Go runtime itself, in both processes.
func (r *run) visitors(ctx context.Context) error {
	r.say("%d visitors connected and idle", r.Visitors)
	d, err := r.openDesk(ctx, embedded{r.folder})
	if err != nil {
		return err
	}
	defer d.close()
	if _, err := r.one(ctx, order{Role: "wait", Address: d.address, Channel: d.channel.String(), Visitors: 20}); err != nil {
		return err // and what comes with the first visitor is there before the count
	}
	before := weigh()
	l, err := r.load(ctx, order{Role: "wait", Address: d.address, Channel: d.channel.String(), Visitors: r.Visitors})
	if err != nil {
		return err
	}
	a, err := l.answer()
	if err != nil {
		return err
	}
	if a.Open == 0 {
		l.end()
		return fmt.Errorf("nobody could connect: %s", a.FirstError)
	}
	// Long enough for every one of them to have had a heartbeat.
	select {
	case <-time.After(25 * time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	after := weigh()
	l.in.Close()
	end, err := l.answer()
	if err != nil {
		return err
	}
	if err := l.end(); err != nil {
		return err
	}
	detail := fmt.Sprintf("of %d", a.Open)
	if a.FirstError != "" {
		detail += ", then " + a.FirstError
	}
	if end.Lost > 0 {
		detail += fmt.Sprintf("; %d lines broke", end.Lost)
	}
	each := func(a, b uint64) float64 { return (float64(a) - float64(b)) / 1024 / float64(end.Open) }
	if after.resident > 0 {
		r.judge("visitors", "", "memory of an idle visitor, as the system counts it", each(after.resident, before.resident), "KB", false, 25, detail)
	}
	r.judge("visitors", "", "memory of an idle visitor, heap and stacks", each(after.live, before.live), "KB", false, 25, detail)
	if a.Open < r.Visitors || end.Lost > 0 {
		r.judge("visitors", "", "visitors connected at once", float64(a.Open-end.Lost), "", true, float64(r.Visitors), a.FirstError)
	}
	return nil
}

// weight is what this process takes, in bytes.
type weight struct{ live, resident uint64 }

func weigh() weight {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return weight{m.HeapInuse + m.StackInuse, resident(os.Getpid())}
}

// resident is a process's resident memory in bytes; 0 where it cannot be read.
func resident(pid int) uint64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}
