package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"holdfast"
	"holdfast/api"
)

// How long between two tries to open a database that is away.
const (
	awaitFirst = 500 * time.Millisecond
	awaitMost  = 15 * time.Second
)

// awaitRooms is OpenRooms with patience: a database that is away when the desk
// starts (the machine of both has just come up) is waited for, and whoever asks
// meanwhile is told so. An address that cannot work is an error at once: Invalid,
// "store.refused".
func (a *App) awaitRooms(ctx context.Context) error {
	err := a.OpenRooms(ctx)
	if err == nil || a.Config.DatabaseURL == "" {
		return err
	}
	if !away(err) {
		return refused(err)
	}
	m := &meanwhile{}
	m.say(err)
	stop := m.serve(a.listener, a.Log)
	defer stop()
	said := ""
	for wait := awaitFirst; err != nil; wait = min(wait*2, awaitMost) {
		if !away(err) {
			return refused(err)
		}
		if why := reason(err); why != said {
			said = why
			a.Log.Warn("the database is away; the desk starts as soon as it answers", "err", why)
		}
		m.say(err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		err = a.OpenRooms(ctx)
	}
	a.Log.Info("the database answers; the desk starts")
	return nil
}

// away reports whether a database that could not be opened may open later without
// anybody changing a setting: it cannot be reached, or says itself that it is
// starting, stopping or full.
func away(err error) bool {
	var answer interface{ SQLState() string }
	if errors.As(err, &answer) {
		state := answer.SQLState()
		return len(state) == 5 && (state[:2] == "08" || state[:2] == "53" || state[:2] == "57")
	}
	if errors.Is(err, context.Canceled) {
		return false
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || holdfast.KindOf(err) == holdfast.Unavailable
}

// refused is err as a person can act on it, unless it already is.
func refused(err error) error {
	var ours *holdfast.Error
	if errors.As(err, &ours) || errors.Is(err, context.Canceled) {
		return err
	}
	return holdfast.Errorf(holdfast.Invalid, "store.refused", "the database cannot be opened: %s", reason(err)).
		WithNext("Check the user, the password and the database's name in HOLDFAST_DATABASE_URL.")
}

// reason is the cause alone: what is around it names the database's user, which is
// nobody's business who only asks how the desk is.
func reason(err error) string {
	var answer interface {
		SQLState() string
		error
	}
	var network *net.OpError
	switch {
	case errors.As(err, &answer):
		return answer.Error()
	case errors.As(err, &network):
		return network.Error()
	}
	return err.Error()
}

// meanwhile answers for a desk whose database is away: alive, and not ready.
type meanwhile struct{ problem atomic.Pointer[api.Problem] }

func (m *meanwhile) say(err error) {
	m.problem.Store(&api.Problem{Status: http.StatusServiceUnavailable, Code: "store.unavailable",
		Message: "the database is away, and the desk waits for it: " + reason(err), Next: "Start the database; the desk goes on by itself."})
}

// ServeHTTP is http.Handler's.
func (m *meanwhile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.URL.Path == "/healthz" {
		json.NewEncoder(w).Encode(map[string]string{"status": "alive", "version": holdfast.Version})
		return
	}
	h.Set("Retry-After", "5")
	p := m.problem.Load()
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p)
}

// serve answers on a listener that somebody else will use after stop.
func (m *meanwhile) serve(ln net.Listener, log *slog.Logger) (stop func()) {
	l := lent{ln.(*net.TCPListener)}
	s := &http.Server{Handler: m, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	s.SetKeepAlivesEnabled(false) // the next request is the desk's own
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(l)
	}()
	return func() {
		s.Close()
		<-done
		l.TCPListener.SetDeadline(time.Time{})
	}
}

// lent is a listener whose Close ends the waiting in Accept and nothing else.
type lent struct{ *net.TCPListener }

// Close is net.Listener's.
func (l lent) Close() error { return l.TCPListener.SetDeadline(time.Unix(1, 0)) }
