package chat

import (
	"net/http"
	"strings"

	"holdfast"
	"holdfast/channel"
)

// ServeWebhook is the visitor's API. The path starts after the account's id.
func (a *Adapter) ServeWebhook(w http.ResponseWriter, r *http.Request, sink channel.Sink) {
	if !a.allow(w, r) {
		return
	}
	path := strings.Trim(r.URL.Path, "/")
	if hash, ok := strings.CutPrefix(path, "files/"); ok {
		if a.method(w, r, http.MethodGet) {
			a.finish(w, r, a.serveFile(w, r, hash))
		}
		return
	}
	var err error
	switch path {
	case "config":
		if a.method(w, r, http.MethodGet) {
			err = a.serveConfig(w, r)
		}
	case "session":
		if a.method(w, r, http.MethodPost) {
			err = a.startSession(w, r)
		}
	case "messages":
		if r.Method == http.MethodPost {
			err = a.postMessage(w, r, sink)
		} else if a.method(w, r, http.MethodGet, http.MethodPost) {
			err = a.listMessages(w, r)
		}
	case "messages/batch":
		if a.method(w, r, http.MethodPost) {
			err = a.postBatch(w, r, sink)
		}
	case "uploads":
		if a.method(w, r, http.MethodPost) {
			err = a.upload(w, r)
		}
	case "transcripts":
		if a.method(w, r, http.MethodPost) {
			err = a.postTranscript(w, r)
		}
	case "signals":
		if a.method(w, r, http.MethodPost) {
			err = a.postSignal(w, r, sink)
		}
	case "poll":
		if a.method(w, r, http.MethodGet) {
			err = a.poll(w, r, sink)
		}
	case "events":
		if a.method(w, r, http.MethodGet) {
			err = a.serveEvents(w, r, sink)
		}
	case "ws":
		if a.method(w, r, http.MethodGet) {
			err = a.serveSocket(w, r, sink)
		}
	default:
		err = holdfast.Errorf(holdfast.NotFound, "chat.route_unknown", "there is nothing here").
			WithNext("See the chat channel's README for the addresses.")
	}
	a.finish(w, r, err)
}

func (a *Adapter) finish(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		a.fail(w, r, err)
	}
}

func (a *Adapter) method(w http.ResponseWriter, r *http.Request, allowed ...string) bool {
	for _, m := range allowed {
		if r.Method == m || m == http.MethodGet && r.Method == http.MethodHead {
			return true
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	writeJSON(w, http.StatusMethodNotAllowed, problem{
		Code: "chat.method", Message: "this address does not take " + r.Method, Next: "Use " + strings.Join(allowed, " or ") + ".",
	})
	return false
}

// reader is who asks for r and from which number on; one turn of his is taken.
func (a *Adapter) reader(r *http.Request) (who *claims, after int64, err error) {
	if who, err = a.visitor(r); err != nil {
		return nil, 0, err
	}
	if err = a.limits.signal(who.Visitor, a.env.Now()); err != nil {
		return nil, 0, err
	}
	after, err = number(r.URL.Query(), "after", 0)
	return who, after, err
}
