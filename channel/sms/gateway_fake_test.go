package sms

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/channeltest"
)

// recorded is a file of testdata/gateways.
type recorded struct {
	Settings map[string]any `json:"settings"`
	To       string         `json:"to"`
	Send     question       `json:"send"`
	Answers  []struct {
		Name, Body, Reason, Code, ID string
		Status                       int
	} `json:"answers"`
	Status []struct {
		question
		Body, State string
	} `json:"status"`
	Balance struct {
		question
		Status     int
		Body, Says string
	} `json:"balance"`
	Refused struct {
		Status     int
		Body, Says string
	} `json:"refused"`
	Calls []struct {
		Name, Sign, Method, Query, Body, JSON, From, Text, Key, At, Answer, State, External, Code string
		Ours                                                                                      bool
	} `json:"calls"`
}

type question struct {
	Method string            `json:"method"`
	Path   string            `json:"path"`
	Query  map[string]string `json:"query"`
	Header map[string]string `json:"header"`
	Form   map[string]string `json:"form"`
	JSON   any               `json:"json"`
}

// provider is a fake gateway: it notes what it is asked and answers what it is told.
type provider struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request)
	asked  []*http.Request
	bodies []string
}

func newProvider(t testing.TB) *provider {
	p := &provider{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		p.asked, p.bodies = append(p.asked, r), append(p.bodies, string(body))
		answer := p.answer
		p.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) says(status int, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); io.WriteString(w, body) }
}

func (p *provider) times() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

func recordings(t *testing.T) map[string]recorded {
	t.Helper()
	all := map[string]recorded{}
	files, _ := filepath.Glob("testdata/gateways/*.json")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var r recorded
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(f, err)
		}
		all[strings.TrimSuffix(filepath.Base(f), ".json")] = r
	}
	for name := range gateways {
		if _, ok := all[name]; !ok {
			t.Errorf("%s is not tried", name)
		}
	}
	if len(all) != len(gateways)+1 {
		t.Errorf("%d files", len(all))
	}
	return all
}

// seat connects an account with r's settings to p.
func (r recorded) seat(t testing.TB, p *provider, without ...string) (*channeltest.Bench, *adapter) {
	t.Helper()
	b := channeltest.TestEnv(t)
	b.Env.PublicURL = "https://desk.example.org"
	set := map[string]any{"via": "http", "region": "IR"}
	if strings.HasPrefix(r.To, "+7") {
		set["region"] = "RU"
	}
	for k, v := range r.Settings {
		if s, ok := v.(string); ok {
			v = strings.ReplaceAll(s, "BASE", p.URL)
		}
		set[k] = v
	}
	if set["http_url"] == nil {
		set["http_url"] = p.URL
	}
	for _, k := range without {
		delete(set, k)
	}
	raw, _ := json.Marshal(set)
	k := Kind()
	a, err := k.New(b.Account(t, k, string(raw)), b.Env)
	if err != nil {
		t.Fatal(err)
	}
	return b, a.(*adapter)
}

func (r recorded) message() channel.Outbound {
	return channel.Outbound{ID: gatewayMessage, To: holdfast.Address{Scheme: "tel", Value: r.To}, Text: gatewayText, Attempt: 1, Trace: &channel.Trace{}}
}

// fits compares what was asked with what should have been.
func (q question) fits(t *testing.T, p *provider, words *strings.Replacer) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.asked) != 1 {
		t.Fatalf("%d requests", len(p.asked))
	}
	r, body := p.asked[0], p.bodies[0]
	if q.Method != "" && r.Method != q.Method || r.URL.Path != q.Path {
		t.Errorf("%s %s", r.Method, r.URL.Path)
	}
	same := func(what string, got url.Values, want map[string]string) {
		if want == nil {
			return
		}
		if len(got) != len(want) {
			t.Errorf("%s: %v", what, got)
		}
		for k, v := range want {
			if got.Get(k) != words.Replace(v) {
				t.Errorf("%s %s is %q, want %q", what, k, got.Get(k), words.Replace(v))
			}
		}
	}
	same("query", r.URL.Query(), q.Query)
	if q.Form != nil {
		form, err := url.ParseQuery(body)
		if err != nil {
			t.Error(err)
		}
		same("form", form, q.Form)
	}
	for k, v := range q.Header {
		if r.Header.Get(k) != v {
			t.Errorf("header %s is %q", k, r.Header.Get(k))
		}
	}
	if q.JSON != nil {
		var got any
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if want := replaced(q.JSON, words); !reflect.DeepEqual(got, want) {
			t.Errorf("body %v, want %v", got, want)
		}
	}
}

func replaced(v any, words *strings.Replacer) any {
	switch x := v.(type) {
	case string:
		return words.Replace(x)
	case []any:
		for i := range x {
			x[i] = replaced(x[i], words)
		}
	case map[string]any:
		for k := range x {
			x[k] = replaced(x[k], words)
		}
	}
	return v
}
