package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// order is what a load process is told.
type order struct {
	Role    string // "write" or "wait"
	Address string // host:port of the desk
	Channel string

	Clients int
	Turns   int
	Warm    float64 // seconds that are not counted
	Seconds float64
	Rate    int    // messages a second; 0: as many as are acknowledged
	Cookie  string // of an operator whose screen is watched; "": nobody's
	Acked   string // file for the ids of what was acknowledged

	Visitors int
}

// answer is what a load process has found.
type answer struct {
	Acked      int // all of them, the warm-up's included
	Rate       float64
	Errors     int
	FirstError string
	Acks       spread // from the request to its acknowledgement
	Frames     spread // from the request to the operator's screen
	Unseen     int    // acknowledged, and not seen on the screen

	Open int // visitors who are connected
	Lost int // of them, those whose line broke
}

// Load is the other process of the bench: it reads one order from in, carries it
// out and writes its answers to out. A process of its own, so that the desk's
// memory and processor time are the desk's.
func Load(ctx context.Context, in io.Reader, out io.Writer) error {
	var o order
	input := json.NewDecoder(in)
	if err := input.Decode(&o); err != nil {
		return err
	}
	say := json.NewEncoder(out)
	switch o.Role {
	case "write":
		a, err := write(ctx, &o)
		if err != nil {
			return err
		}
		return say.Encode(a)
	case "wait":
		return wait(ctx, &o, say.Encode, func() error { // until the other end has seen enough
			_, err := io.Copy(io.Discard, io.MultiReader(input.Buffered(), in))
			return err
		})
	}
	return fmt.Errorf("there is no role %q", o.Role)
}

// load is a load process as the bench sees it.
type load struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

func (r *run) load(ctx context.Context, o order) (*load, error) {
	cmd := r.command(ctx, r.Loader...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	l := &load{cmd: cmd, in: in, out: json.NewDecoder(bufio.NewReader(out))}
	if err := json.NewEncoder(in).Encode(o); err != nil {
		return nil, errors.Join(err, l.end())
	}
	return l, nil
}

// answer waits for the next one.
func (l *load) answer() (a answer, err error) {
	if err = l.out.Decode(&a); err != nil {
		return a, fmt.Errorf("the load process gave no answer: %w", errors.Join(err, l.end()))
	}
	return a, nil
}

// end lets the process finish.
func (l *load) end() error {
	l.in.Close()
	return l.cmd.Wait()
}

// one carries an order out to its only answer.
func (r *run) one(ctx context.Context, o order) (answer, error) {
	l, err := r.load(ctx, o)
	if err != nil {
		return answer{}, err
	}
	a, err := l.answer()
	if err != nil {
		return a, err
	}
	return a, l.end()
}

// command is this program again, with none of our settings in its environment.
func (r *run) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, r.Self[0], append(r.Self[1:len(r.Self):len(r.Self)], args...)...)
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "HOLDFAST_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Stderr = os.Stderr
	return cmd
}
