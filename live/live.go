// Package live keeps screens up to date: it reads the journal once for all of
// them and passes each entry on, so that a screen resumes from a number and
// misses nothing. Presence and typing pass through and are never stored.
//
// It refuses to hold back the journal for a slow screen: that one is cut off and
// resumes from its number.
package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"holdfast"
	"holdfast/bus"
	"holdfast/journal"
)

const (
	// queueLength is how many frames a screen may lag before it is cut off.
	queueLength = 256
	// ringLength is how many entries are kept for screens that come back; older
	// ones are read from the journal.
	ringLength = 4096
	// catchUpLimit is how far behind a screen may be and still be sent entries one
	// by one; beyond it, fetching anew is faster.
	catchUpLimit = 5000
	heartbeat    = 5 * time.Second
)

// Hub fans entries and signals out to screens. Run must be running.
type Hub struct {
	journal *journal.Journal
	bus     *bus.Bus
	log     *slog.Logger

	mu      sync.Mutex
	screens map[*Screen]struct{}
	ring    []framed // the newest entries, oldest first
	at      holdfast.LSN
}

// framed is an entry, slim as a screen gets it, and its frame once somebody has
// wanted it: most entries of a night are never looked at as they happen.
type framed struct {
	entry holdfast.Entry
	frame []byte
}

// bytes is called with the hub's lock held.
func (f *framed) bytes() []byte {
	if f.frame == nil {
		f.frame = frame("entry", map[string]any{"entry": &f.entry})
	}
	return f.frame
}

// New returns a hub over a journal; b carries what concerns the far ends.
func New(j *journal.Journal, b *bus.Bus, log *slog.Logger) *Hub {
	return &Hub{journal: j, bus: b, log: log, screens: map[*Screen]struct{}{}}
}

// Screen is one connected console.
type Screen struct {
	hub       *Hub
	workspace holdfast.ID
	operator  holdfast.ID
	viewing   holdfast.ID
	frames    chan []byte
	gone      bool
}

// Frames delivers what the screen is to be sent; closed when it was too slow or left.
func (s *Screen) Frames() <-chan []byte { return s.frames }

// Run follows the journal until ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	wake, cancel := h.journal.Watch()
	defer cancel()
	h.mu.Lock()
	if h.at == 0 {
		h.at = h.journal.Head()
	}
	at := h.at
	h.mu.Unlock()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		entries, err := h.journal.Next(ctx, at, 512)
		if err != nil && ctx.Err() == nil {
			h.log.Warn("screens are not being updated: the journal cannot be read", "err", err)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return nil
			}
			continue
		}
		for i := range entries {
			h.pass(&entries[i])
			at = entries[i].LSN
		}
		if len(entries) > 0 {
			continue
		}
		select {
		case <-wake:
		case <-beat.C:
			h.broadcast(frame("ping", map[string]any{"lsn": at, "at": time.Now().UTC()}))
		case <-ctx.Done():
			h.closeAll()
			return nil
		}
	}
}

// pass hands an entry, framed once, to the screens of its workspace and
// the far ends that it concerns.
func (h *Hub) pass(e *holdfast.Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = e.LSN
	if len(h.ring) == ringLength {
		copy(h.ring, h.ring[ringLength/4:])
		clear(h.ring[ringLength-ringLength/4:])
		h.ring = h.ring[:ringLength-ringLength/4]
	}
	h.ring = append(h.ring, framed{entry: slim(e)})
	f := &h.ring[len(h.ring)-1]
	for s := range h.screens {
		if s.workspace == e.Workspace {
			h.send(s, f.bytes())
		}
	}
	h.wakeFarEnds(e)
}

// send is called with the lock held.
func (h *Hub) send(s *Screen, b []byte) {
	if s.gone {
		return
	}
	select {
	case s.frames <- b:
	default:
		h.drop(s)
	}
}

func (h *Hub) drop(s *Screen) {
	if !s.gone {
		s.gone = true
		close(s.frames)
		delete(h.screens, s)
	}
}

// EntryFrame is an entry as a screen gets it. HTML is left out: it is fetched
// when it is looked at. So is what a preset holds: not all who hear of it may see it.
func EntryFrame(e *holdfast.Entry) []byte {
	s := slim(e)
	return frame("entry", map[string]any{"entry": &s})
}

// slim is an entry without HTML and without what presets hold.
func slim(e *holdfast.Entry) holdfast.Entry {
	s := *e
	switch b := e.Body.(type) {
	case *holdfast.MessageReceived:
		if b.HTML != "" {
			c := *b
			c.HTML = ""
			s.Body = &withHTML{MessageReceived: &c, HasHTML: true}
		}
	case *holdfast.MessageQueued:
		if b.HTML != "" {
			c := *b
			c.HTML = ""
			s.Body = &c
		}
	case *holdfast.CannedSaved:
		s.Body = &holdfast.CannedSaved{Owner: b.Owner}
	case *holdfast.MacroSaved:
		s.Body = &holdfast.MacroSaved{Owner: b.Owner}
	case *holdfast.ViewSaved:
		s.Body = &holdfast.ViewSaved{Owner: b.Owner}
	}
	return s
}

type withHTML struct {
	*holdfast.MessageReceived
	HasHTML bool `json:"has_html"`
}

func frame(kind string, fields map[string]any) []byte {
	fields["type"] = kind
	b, err := json.Marshal(fields)
	if err != nil {
		b, _ = json.Marshal(map[string]string{"type": "error", "text": err.Error()})
	}
	return b
}

// Join connects a screen that has seen entries up to after (0: none, it fetched
// everything just now and wants what comes from here on). Leave must be called.
func (h *Hub) Join(ctx context.Context, workspace, operator holdfast.ID, after holdfast.LSN) (*Screen, error) {
	s := &Screen{hub: h, workspace: workspace, operator: operator, frames: make(chan []byte, queueLength)}
	h.mu.Lock()
	at := h.at
	behind := after > 0 && after < at
	inRing := behind && len(h.ring) > 0 && h.ring[0].entry.LSN <= after+1
	if !behind || inRing {
		h.admit(s, at)
		var missed [][]byte
		if inRing {
			for i := range h.ring {
				if h.ring[i].entry.LSN > after && h.ring[i].entry.Workspace == workspace {
					missed = append(missed, h.ring[i].bytes())
				}
			}
		}
		if len(missed) > queueLength/2 {
			h.send(s, frame("reset", map[string]any{"lsn": at}))
		} else {
			for _, b := range missed {
				h.send(s, b)
			}
		}
		h.send(s, frame("caught_up", map[string]any{"lsn": at}))
		h.mu.Unlock()
		h.announce(workspace)
		return s, nil
	}
	h.mu.Unlock()

	// Long away: read the journal, without the lock, then join for what came since.
	var missed [][]byte
	from := after
	if at-after <= catchUpLimit {
		for from < at {
			entries, err := h.journal.After(ctx, from, 1000)
			if err != nil {
				return nil, err
			}
			if len(entries) == 0 {
				break
			}
			for i := range entries {
				from = entries[i].LSN
				if entries[i].Workspace == workspace {
					missed = append(missed, EntryFrame(&entries[i]))
				}
			}
		}
	}
	h.mu.Lock()
	h.admit(s, h.at)
	if at-after > catchUpLimit || len(missed) > queueLength/2 {
		h.send(s, frame("reset", map[string]any{"lsn": h.at}))
	} else {
		for _, b := range missed {
			h.send(s, b)
		}
		for i := range h.ring {
			if h.ring[i].entry.LSN > from && h.ring[i].entry.Workspace == workspace {
				h.send(s, h.ring[i].bytes())
			}
		}
	}
	h.send(s, frame("caught_up", map[string]any{"lsn": h.at}))
	h.mu.Unlock()
	h.announce(workspace)
	return s, nil
}

// admit is called with the lock held.
func (h *Hub) admit(s *Screen, at holdfast.LSN) {
	h.screens[s] = struct{}{}
	h.send(s, frame("hello", map[string]any{"lsn": at, "operators": h.present(s.workspace)}))
}

// Leave disconnects a screen.
func (h *Hub) Leave(s *Screen) {
	h.mu.Lock()
	h.drop(s)
	h.mu.Unlock()
	h.announce(s.workspace)
}

func (h *Hub) closeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.screens {
		h.drop(s)
	}
	h.bus.WakeAll()
}

func (h *Hub) broadcast(b []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.screens {
		h.send(s, b)
	}
}

// Screens is how many consoles are connected.
func (h *Hub) Screens() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.screens)
}
