package journeys

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"holdfast"
)

// TestPeopleAreToldOfAnOutage lets an administrator open the status page and write an
// incident and a banner in the console; a stranger reads them without a script, a
// visitor in the chat, colleagues in theirs, and a shop's screen keeps them through a
// reload while the desk cannot be reached.
func TestPeopleAreToldOfAnOutage(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	site := h.channel("chat", "Website", map[string]any{})
	h.visit(site).write(holdfast.NewID(), "My line is dead.")
	l := newLine(t, h.Addr())
	_, port, err := net.SplitHostPort(l.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		is := r.URL.Query().Get("is")
		if is != "row" {
			l.set(is)
			return
		}
		var code string // as it is printed on the sheet
		if err := h.DB.QueryRow(r.Context(), "SELECT code FROM paper_row ORDER BY code LIMIT 1").Scan(&code); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Write([]byte(code[:5] + "-" + code[5:]))
	}))
	defer control.Close()
	admin := h.newOperator(h.workspace, holdfast.Administrator, "admin@desk.example")
	observer := h.newOperator(h.workspace, holdfast.Observer, "eve@desk.example")
	play(t, "status.mjs", "HOLDFAST_URL=http://localhost:"+port, "HOLDFAST_LINK="+h.link(admin), "OTHER="+h.link(observer), "CONTROL="+control.URL, "DESK="+h.base, "SITE="+site.String())
}
