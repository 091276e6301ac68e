package api

import (
	"io"
	"net/http"

	"holdfast"
)

// alive says that the process answers.
func (a *API) alive(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "alive", "version": holdfast.Version})
}

// ready says whether messages can be taken, else why not.
func (a *API) ready(w http.ResponseWriter, r *http.Request) {
	if err := a.Ready(); err != nil {
		p := problem(err)
		p.Status = http.StatusServiceUnavailable
		writeJSON(w, p.Status, p)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready", "version": holdfast.Version})
}

// figures are the metrics of this process, for Prometheus.
func (a *API) figures(w http.ResponseWriter, r *http.Request) {
	a.Figures(w)
}

// document serves the description of the API.
func (a *API) document(w http.ResponseWriter, r *http.Request) {
	b, err := a.described()
	if err != nil {
		a.writeProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Write(b)
}

// docs is a page to read the description with; it loads nothing from elsewhere.
func (a *API) docs(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'")
	io.WriteString(w, docsPage)
}

func (a *API) docsScript(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	io.WriteString(w, docsScript)
}
