package journeys

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"holdfast"
)

// visitor is a program that chats as a site's visitor does.
type visitor struct {
	t     testing.TB
	root  string
	token string
}

func (h *house) visit(site holdfast.ID) *visitor {
	v := &visitor{t: h.t, root: h.base + "/chat/v1/" + site.String()}
	var s struct{ Token string }
	v.ask("POST", "/session", map[string]string{"name": "Visitor", "lang": "en"}, &s)
	v.token = s.Token
	return v
}

// ask fails the test for any answer that is no success; it may be called from any goroutine.
func (v *visitor) ask(method, path string, body, into any) {
	var r io.Reader
	if body != nil {
		b, _ := json.Marshal(body)
		r = bytes.NewReader(b)
	}
	q, err := http.NewRequest(method, v.root+path, r)
	if err != nil {
		v.t.Error(err)
		return
	}
	if v.token != "" {
		q.Header.Set("Authorization", "Bearer "+v.token)
	}
	q.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		v.t.Error(err)
		return
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		v.t.Errorf("%s %s: %d %s %v", method, path, res.StatusCode, b, err)
		return
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			v.t.Errorf("%s: %v", b, err)
		}
	}
}

func (v *visitor) write(id holdfast.ID, text string) {
	v.ask("POST", "/messages", map[string]any{"id": id, "text": text}, nil)
}
