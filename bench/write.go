package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"holdfast"
	"holdfast/channel/chat"
)

// writers are the customers of one load process.
type writers struct {
	*order
	channel holdfast.ID
	bodies  [][]byte // texts as JSON strings
	screen  *screen

	begin, end time.Time // what is counted

	mu     sync.Mutex
	failed int
	first  error
}

// sent is one message and how it went.
type sent struct {
	message holdfast.ID
	at      time.Time // when the customer sent it
	took    time.Duration
}

// write is the role of customers who write.
func write(ctx context.Context, o *order) (*answer, error) {
	w := &writers{order: o}
	var err error
	if w.channel, err = holdfast.ParseID(o.Channel); err != nil {
		return nil, err
	}
	talk := newSpeech(uint64(time.Now().UnixNano()))
	for range 4096 {
		b, err := json.Marshal(talk.message(talk.tongue()))
		if err != nil {
			return nil, err
		}
		w.bodies = append(w.bodies, b)
	}
	if o.Cookie != "" {
		if w.screen, err = watch(ctx, o); err != nil {
			return nil, err
		}
		defer w.screen.close()
	}
	clients := make([]*client, o.Clients)
	for i := range clients {
		if clients[i], err = dial(ctx, o.Address); err != nil {
			return nil, err
		}
		defer clients[i].close()
	}
	w.begin = time.Now().Add(time.Duration(o.Warm * float64(time.Second)))
	w.end = w.begin.Add(time.Duration(o.Seconds * float64(time.Second)))
	due := w.clock(ctx)
	lists := make([][]sent, o.Clients)
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() { lists[i] = w.client(ctx, c, due) })
	}
	wg.Wait()
	return w.answer(lists)
}

// clock hands out the moments at which messages are due; nil without a rate:
// everybody writes again once the last one is acknowledged.
func (w *writers) clock(ctx context.Context) <-chan time.Time {
	if w.Rate == 0 {
		return nil
	}
	due := make(chan time.Time)
	step := time.Second / time.Duration(w.Rate)
	go func() {
		defer close(due)
		for next := time.Now().Add(step); next.Before(w.end) && ctx.Err() == nil; next = next.Add(step) {
			time.Sleep(time.Until(next))
			due <- time.Now() // waiting for a free client counts, oversleeping does not
		}
	}()
	return due
}

// client writes until the time is over, each visitor his turns.
func (w *writers) client(ctx context.Context, c *client, due <-chan time.Time) (list []sent) {
	path := "/chat/v1/" + w.Channel + "/messages"
	var who *visitor
	var body []byte
	for n := 0; ; n++ {
		if n%w.Turns == 0 {
			var err error
			if who, err = c.newVisitor(w.Channel); err != nil {
				w.fault(err)
				return list
			}
		}
		began := time.Now()
		if due != nil {
			var open bool
			if began, open = <-due; !open {
				return list
			}
		} else if began.After(w.end) || ctx.Err() != nil {
			return list
		}
		id := holdfast.NewID()
		text := w.bodies[int(id[15])<<8&0xf00|int(id[14])]
		body = append(append(append(append(append(body[:0], `{"id":"`...), id.String()...), `","lang":"ru","text":`...), text...), '}')
		status, answer, err := c.call("POST", path, who.headers, body)
		if err == nil && status != 201 {
			err = fmt.Errorf("a message was refused with %d: %s", status, answer)
		}
		if err != nil {
			w.fault(err)
			var broken net.Error
			if errors.As(err, &broken) || status == 0 {
				return list
			}
			continue
		}
		list = append(list, sent{chat.StoredID(w.channel, who.id, id), began, time.Since(began)})
	}
}

func (w *writers) fault(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed++; w.first == nil {
		w.first = err
	}
}

func (w *writers) answer(lists [][]sent) (*answer, error) {
	a := &answer{Errors: w.failed}
	if w.first != nil {
		a.FirstError = w.first.Error()
	}
	var file *bufio.Writer
	if w.Acked != "" {
		f, err := os.Create(w.Acked)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		file = bufio.NewWriter(f)
	}
	var acks, frames []time.Duration
	counted := 0
	if w.screen != nil {
		w.screen.settle(2 * time.Second)
	}
	for _, list := range lists {
		a.Acked += len(list)
		for _, s := range list {
			if file != nil {
				file.Write(s.message[:])
			}
			if at := s.at.Add(s.took); at.Before(w.begin) || at.After(w.end) {
				continue
			}
			counted++
			acks = append(acks, s.took)
			if w.screen == nil {
				continue
			}
			if seen, ok := w.screen.seen(s.message); ok {
				frames = append(frames, seen.Sub(s.at))
			} else {
				a.Unseen++
			}
		}
	}
	a.Rate = float64(counted) / w.Seconds
	a.Acks, a.Frames = spreadOf(acks), spreadOf(frames)
	if file == nil {
		return a, nil
	}
	return a, file.Flush()
}

// screen is an operator's console that notes when it was shown each message.
type screen struct {
	socket *socket
	mu     sync.Mutex
	at     map[holdfast.ID]time.Time
	last   time.Time
}

func watch(ctx context.Context, o *order) (*screen, error) {
	sock, err := openSocket(ctx, o.Address, "/api/v1/live", "Cookie: "+o.Cookie+"\r\n")
	if err != nil {
		return nil, err
	}
	s := &screen{socket: sock, at: map[holdfast.ID]time.Time{}}
	go func() {
		for {
			b, err := sock.next()
			if err != nil {
				return
			}
			now := time.Now()
			var f struct {
				Type  string `json:"type"`
				Entry struct {
					Kind string `json:"kind"`
					Body struct {
						Message holdfast.ID `json:"message"`
					} `json:"body"`
				} `json:"entry"`
			}
			if json.Unmarshal(b, &f) != nil || f.Type != "entry" || f.Entry.Kind != "message.received" {
				continue
			}
			s.mu.Lock()
			s.at[f.Entry.Body.Message], s.last = now, now
			s.mu.Unlock()
		}
	}()
	return s, nil
}

// settle waits until nothing has come for a moment, at most limit.
func (s *screen) settle(limit time.Duration) {
	for until := time.Now().Add(limit); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		s.mu.Lock()
		quiet := time.Since(s.last) > 300*time.Millisecond
		s.mu.Unlock()
		if quiet {
			return
		}
	}
}

func (s *screen) seen(message holdfast.ID) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.at[message]
	return at, ok
}

func (s *screen) close() { s.socket.close() }
