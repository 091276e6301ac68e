package journeys

import (
	"testing"

	"holdfast"
)

// TestOperatorsAreTold lets something happen on the desk and listens to what an
// operator's browser says of it, with two tabs open, in each language.
func TestOperatorsAreTold(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	h.mailbox("help@desk.example", "")
	line := dial(t, h.smtp)
	line.send("help@desk.example", []byte("From: Kim <kim@customer.example>\r\nSubject: Router\r\nMessage-ID: <1@customer.example>\r\n\r\nIt blinks.\r\n"))
	line.send("help@desk.example", []byte("From: Lee <lee@customer.example>\r\nSubject: Cable\r\nMessage-ID: <2@customer.example>\r\n\r\nIt broke.\r\n"))
	links := ""
	for _, language := range []string{"en", "ru", "fa"} {
		id := h.newOperator(h.workspace, holdfast.Operator, "joe-"+language+"@desk.example")
		h.must("PATCH", "/operators/"+id.String(), map[string]any{"language": language}, nil)
		links += h.link(id) + " "
	}
	play(t, "notices.mjs", "HOLDFAST_URL="+h.base, "HOLDFAST_TOKEN="+h.token, "LINKS="+links)
}
