package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"holdfast"
	"holdfast/access"
	"holdfast/live"
)

// recheckEvery is how often a stream's rights are looked at again. What changes
// through this node is seen at once; another node's word takes this long.
const recheckEvery = 30 * time.Second

// after is the number that a stream resumes from.
func after(r *http.Request) (holdfast.LSN, error) {
	s := r.URL.Query().Get("after")
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		s = id
	}
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, holdfast.Errorf(holdfast.Invalid, "cursor.malformed", "after is not a number").WithField("after")
	}
	return holdfast.LSN(n), nil
}

func (a *API) join(r *http.Request) (*live.Screen, access.Identity, error) {
	id, err := a.who(r.Context(), holdfast.ReadConversations)
	if err != nil {
		return nil, id, err
	}
	from, err := after(r)
	if err != nil {
		return nil, id, err
	}
	s, err := a.Hub.Join(r.Context(), id.Workspace, id.Operator, from)
	return s, id, err
}

// sameOrigin says whether a browser's request comes from our own pages; programs
// that are no browser send no Origin.
func sameOrigin(r *http.Request) bool {
	o := r.Header.Get("Origin")
	if o == "" {
		return true
	}
	u, err := url.Parse(o)
	return err == nil && u.Host == r.Host
}

// socket is a console's live stream.
func (a *API) socket(w http.ResponseWriter, r *http.Request) {
	q := r.Context().Value(requestKey{}).(*request)
	if q.byCookie && !sameOrigin(r) {
		a.writeProblem(w, r, holdfast.Errorf(holdfast.Forbidden, "request.forged", "a live stream opens from the console alone"))
		return
	}
	s, id, err := a.join(r)
	if err != nil {
		a.writeProblem(w, r, err)
		return
	}
	defer a.Hub.Leave(s)
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(8 << 10)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var who atomic.Pointer[access.Identity]
	who.Store(&id)
	go func() {
		defer cancel()
		a.hear(ctx, c, s, &who)
	}()
	changed, unwatch := a.Guard.Watch()
	defer unwatch()
	recheck := time.NewTicker(recheckEvery)
	defer recheck.Stop()
	// Whoever was disabled, signed out or lost a role in the meantime is shut out.
	check := func() bool {
		now, err := a.who(ctx, holdfast.ReadConversations)
		if err != nil && holdfast.KindOf(err) != holdfast.Unavailable && ctx.Err() == nil {
			c.Close(websocket.StatusPolicyViolation, holdfast.CodeOf(err))
			return false
		}
		if err == nil {
			who.Store(&now)
		}
		return true
	}
	for {
		select {
		case b, open := <-s.Frames():
			if !open {
				c.Close(websocket.StatusTryAgainLater, "resume")
				return
			}
			wctx, stop := context.WithTimeout(ctx, 10*time.Second)
			err := c.Write(wctx, websocket.MessageText, b)
			stop()
			if err != nil {
				return
			}
		case <-changed:
			if !check() {
				return
			}
		case <-recheck.C:
			if !check() {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// hear reads what a console says: what it shows, and that its operator types.
func (a *API) hear(ctx context.Context, c *websocket.Conn, s *live.Screen, who *atomic.Pointer[access.Identity]) {
	for {
		kind, b, err := c.Read(ctx)
		if err != nil {
			return
		}
		var f struct {
			Type         string      `json:"type"`
			Conversation holdfast.ID `json:"conversation"`
		}
		if kind != websocket.MessageText || json.Unmarshal(b, &f) != nil {
			c.Close(websocket.StatusUnsupportedData, "frame.malformed")
			return
		}
		switch f.Type {
		case "viewing":
			a.Hub.View(s, f.Conversation)
		case "typing":
			a.typing(ctx, *who.Load(), f.Conversation)
		}
	}
}

// typing tells the other screens, and the customer when their channel can show it.
func (a *API) typing(ctx context.Context, id access.Identity, conversation holdfast.ID) {
	if !id.May(holdfast.WriteConversations) || conversation.IsZero() {
		return
	}
	c, err := a.Inbox.Conversation(ctx, id.Workspace, conversation, id.Operator)
	if err != nil {
		return
	}
	a.Hub.Typing(id.Workspace, conversation, id.Operator, holdfast.ID{}, "")
	if c.Person != nil {
		for _, addr := range c.Person.Addresses {
			a.Hub.SignalTo(id.Workspace, addr.Scheme, addr.Value, holdfast.Signal{Typing: true, Name: id.Name})
		}
	}
}

// events is the live stream for networks that block WebSockets.
func (a *API) events(w http.ResponseWriter, r *http.Request) {
	s, _, err := a.join(r)
	if err != nil {
		a.writeProblem(w, r, err)
		return
	}
	defer a.Hub.Leave(s)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	rc := http.NewResponseController(w)
	changed, unwatch := a.Guard.Watch()
	defer unwatch()
	recheck := time.NewTicker(recheckEvery)
	defer recheck.Stop()
	shut := func() bool {
		_, err := a.who(r.Context(), holdfast.ReadConversations)
		return err != nil && holdfast.KindOf(err) != holdfast.Unavailable
	}
	for {
		select {
		case b, open := <-s.Frames():
			if !open {
				return
			}
			var n struct {
				Type  string       `json:"type"`
				LSN   holdfast.LSN `json:"lsn"`
				Entry struct {
					LSN holdfast.LSN `json:"lsn"`
				} `json:"entry"`
			}
			json.Unmarshal(b, &n)
			rc.SetWriteDeadline(time.Now().Add(10 * time.Second))
			if n.Entry.LSN > 0 {
				fmt.Fprintf(w, "id: %d\n", n.Entry.LSN)
			} else if n.Type == "caught_up" || n.Type == "ping" {
				fmt.Fprintf(w, "id: %d\n", n.LSN)
			}
			if _, err := fmt.Fprintf(w, "data: %s\n\n", b); err != nil || rc.Flush() != nil {
				return
			}
		case <-changed:
			if shut() {
				return
			}
		case <-recheck.C:
			if shut() {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}
