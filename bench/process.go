package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// process is the program as a person starts it.
type process struct {
	cmd   *exec.Cmd
	ready time.Duration // from its start to its word that it is ready
}

// startWait is how long a start may take before it is given up.
const startWait = 60 * time.Second

// launch starts the program and waits for its line.
func (r *run) launch(ctx context.Context, p place, command string) (*process, error) {
	args := []string{command, "--listen=127.0.0.1:0", "--data=" + p.dir, "--log-level=warn"}
	if p.url != "" {
		args = append(args, "--database-url="+p.url)
	}
	cmd := r.command(ctx, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan time.Duration, 1)
	go func() {
		defer close(ready)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.Contains(lines.Text(), " is ready at ") {
				ready <- time.Since(began)
				break
			}
		}
		io.Copy(io.Discard, out)
	}()
	select {
	case took, ok := <-ready:
		if !ok {
			return nil, fmt.Errorf("%s stopped before it was ready: %w", command, cmd.Wait())
		}
		return &process{cmd, took}, nil
	case <-time.After(startWait):
		cmd.Process.Kill()
		return nil, fmt.Errorf("%s was not ready after %v: %w", command, startWait, cmd.Wait())
	}
}

// end stops the program as a person does, and kills it if it does not.
func (p *process) end() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return errors.Join(p.cmd.Process.Kill(), p.cmd.Wait())
	}
	late := time.AfterFunc(40*time.Second, func() { p.cmd.Process.Kill() })
	defer late.Stop()
	return p.cmd.Wait()
}

// starts is how often a start is measured.
const starts = 5

// start measures how long the program takes to be ready: on nothing, after its
// first start, and on the full base.
func (r *run) start(ctx context.Context, s storage, full *base) error {
	r.say("start to ready (%s, %d times each)", s.name(), starts)
	var first, empty, filled []time.Duration
	once := func(p place, to *[]time.Duration) error {
		running, err := r.launch(ctx, p, "serve")
		if err != nil {
			return err
		}
		*to = append(*to, running.ready)
		return running.end()
	}
	for range starts {
		p, err := s.fresh(ctx)
		if err != nil {
			return err
		}
		for _, to := range []*[]time.Duration{&first, &empty} {
			if err := once(p, to); err != nil {
				return err
			}
		}
		if err := once(full.place, &filled); err != nil {
			return err
		}
	}
	for _, l := range []struct {
		what string
		list []time.Duration
	}{{"start to ready, the very first", first}, {"start to ready, empty", empty}, {fmt.Sprintf("start to ready, %d messages", full.Messages), filled}} {
		t := spreadOf(l.list)
		r.judge("start", s.name(), l.what, t.P50, "ms", false, 500, fmt.Sprintf("slowest %.0f ms", t.Max))
	}
	return nil
}

// idleTime is how long the demo is left alone before it is weighed.
const idleTime = 10 * time.Second

// idle weighs a demo desk that nobody looks at.
func (r *run) idle(ctx context.Context) error {
	r.say("the demo, left alone for %v", idleTime)
	p, err := embedded{r.folder}.fresh(ctx)
	if err != nil {
		return err
	}
	running, err := r.launch(ctx, p, "demo")
	if err != nil {
		return err
	}
	select {
	case <-time.After(idleTime):
	case <-ctx.Done():
	}
	bytes := resident(running.cmd.Process.Pid)
	if err := errors.Join(running.end(), ctx.Err()); err != nil {
		return err
	}
	if bytes == 0 {
		r.say("this system does not say how much memory a process has")
		return nil
	}
	r.judge("idle", "", "memory idle with the demo", float64(bytes)/(1<<20), "MB", false, 80, fmt.Sprintf("ready after %v, weighed %v later", running.ready.Round(time.Millisecond), idleTime))
	return nil
}
