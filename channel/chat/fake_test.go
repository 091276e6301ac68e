package chat

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
)

// world is the desk behind an adapter, kept in memory: its Sink, Feed and Blobs.
type world struct {
	mu       sync.Mutex
	now      time.Time
	n        int64
	items    map[string][]channel.Item // by visitor
	keys     map[string]channel.Accepted
	inbound  []channel.Inbound
	reports  []channel.Report
	signals  []channel.Signal
	watchers map[string]map[chan channel.Signal]struct{}
	blobs    map[string][]byte
	broken   error    // what Accept answers instead of storing
	mailed   []string // transcripts that were asked for
	duty     bool
	log      bytes.Buffer
}

func newWorld() *world {
	return &world{
		now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), items: map[string][]channel.Item{}, keys: map[string]channel.Accepted{},
		watchers: map[string]map[chan channel.Signal]struct{}{}, blobs: map[string][]byte{}, duty: true,
	}
}

func (d *world) Accept(_ context.Context, m channel.Inbound) (channel.Accepted, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken != nil {
		return channel.Accepted{}, d.broken
	}
	if acc, ok := d.keys[m.Key]; ok {
		acc.Duplicate = true
		return acc, nil
	}
	d.inbound = append(d.inbound, m)
	conv := holdfast.DeriveID(m.ID, "conversation")
	if list := d.items[m.From.Value]; len(list) > 0 {
		conv = list[0].Conversation
	}
	d.n++
	d.put(m.From.Value, channel.Item{N: d.n, ID: m.ID, Conversation: conv, Direction: holdfast.Inbound, Text: m.Text, Attachments: m.Attachments, At: d.now})
	acc := channel.Accepted{Message: m.ID, Conversation: conv, LSN: holdfast.LSN(d.n)}
	d.keys[m.Key] = acc
	return acc, nil
}

func (d *world) put(visitor string, it channel.Item) {
	d.items[visitor] = append(d.items[visitor], it)
	for ch := range d.watchers[visitor] {
		select {
		case ch <- channel.Signal{}:
		default:
		}
	}
}

// answers is an operator writing to a visitor.
func (d *world) answers(visitor, text string) channel.Item {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n++
	it := channel.Item{N: d.n, ID: holdfast.NewID(), Conversation: holdfast.DeriveID(holdfast.ID{1}, visitor), Direction: holdfast.Outbound, Author: "Joe", Text: text, At: d.now}
	d.put(visitor, it)
	return it
}

// hints is an operator's moment, passed to the visitor.
func (d *world) hints(visitor string, s channel.Signal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ch := range d.watchers[visitor] {
		ch <- s
	}
}

func (d *world) Report(_ context.Context, r channel.Report) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reports = append(d.reports, r)
	return nil
}

func (d *world) Since(_ context.Context, addr holdfast.Address, after int64, limit int) ([]channel.Item, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []channel.Item
	for _, it := range d.items[addr.Value] {
		if it.N > after && len(out) < limit {
			out = append(out, it)
		}
	}
	return out, nil
}

func (d *world) Head(context.Context) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.n, nil
}

func (d *world) Watch(addr holdfast.Address) (<-chan channel.Signal, func()) {
	ch := make(chan channel.Signal, 4)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.watchers[addr.Value] == nil {
		d.watchers[addr.Value] = map[chan channel.Signal]struct{}{}
	}
	d.watchers[addr.Value][ch] = struct{}{}
	return ch, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.watchers[addr.Value], ch)
	}
}

func (d *world) watching(visitor string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.watchers[visitor])
}

func (d *world) Signal(_ holdfast.Address, s channel.Signal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.signals = append(d.signals, s)
}

func (d *world) OnDuty(context.Context) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.duty
}

func (d *world) Service(context.Context) holdfast.Service { return holdfast.Service{} }

func (d *world) Transcript(_ context.Context, addr holdfast.Address, to, lang string) (string, error) {
	if to == "" {
		return "", holdfast.Errorf(holdfast.Invalid, "transcript.address_needed", "no e-mail address of this customer is known").WithField("address")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mailed = append(d.mailed, addr.Value+" "+to+" "+lang)
	return to, nil
}

func (d *world) Put(_ context.Context, r io.Reader, _ int64) (string, int64, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return "", 0, err
	}
	sum := sha256.Sum256(b)
	hash := hex.EncodeToString(sum[:])
	d.mu.Lock()
	defer d.mu.Unlock()
	d.blobs[hash] = b
	return hash, int64(len(b)), nil
}

func (d *world) Open(_ context.Context, hash string) (io.ReadCloser, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok := d.blobs[hash]
	if !ok {
		return nil, holdfast.Errorf(holdfast.NotFound, "blob.missing", "no such file")
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (d *world) Attach(ctx context.Context, name, claimed string, r io.Reader) (holdfast.Attachment, error) {
	hash, size, err := d.Put(ctx, r, 0)
	if err != nil {
		return holdfast.Attachment{}, err
	}
	return holdfast.Attachment{ID: holdfast.NewID(), Name: name, Type: claimed, Size: size, Hash: hash}, nil
}

type noState struct{}

func (noState) Get(context.Context, string) ([]byte, error) { return nil, nil }
func (noState) Put(context.Context, string, []byte) error   { return nil }

func (d *world) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *world) passes(t time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(t)
}

var testAccount = holdfast.MustID("0197a3f0-1c2d-7abc-8def-0123456789ab")

// site is one chat on a server, for as long as a test runs.
type site struct {
	*world
	t    *testing.T
	a    *Adapter
	srv  *httptest.Server
	stop func() // ends the account, as a change of its settings does
}

func newSite(t *testing.T, change ...func(*Settings)) *site {
	t.Helper()
	d := newWorld()
	a := adapterFor(t, d, testAccount, bytes.Repeat([]byte{7}, 32), change...)
	s := &site{world: d, t: t, a: a}
	s.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.ServeWebhook(w, r, d) }))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Listen(ctx, d) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		s.stop()
		s.srv.Close()
	})
	return s
}

func adapterFor(t testing.TB, d *world, account holdfast.ID, key []byte, change ...func(*Settings)) *Adapter {
	t.Helper()
	kind := Kind()
	set := kind.Settings().(*Settings)
	for _, f := range change {
		f(set)
	}
	ad, err := kind.New(
		channel.Account{ID: account, Name: "Shop", Language: "ru", Settings: set},
		channel.Env{Log: slog.New(slog.NewTextHandler(&lockedWriter{d: d}, nil)), Blobs: d, State: noState{}, Feed: d, Now: d.clock, Key: key},
	)
	if err != nil {
		t.Fatal(err)
	}
	return ad.(*Adapter)
}

type lockedWriter struct{ d *world }

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return l.d.log.Write(b)
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) json(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatalf("%d %q: %v", r.status, r.body, err)
	}
}

func (r reply) code(t *testing.T) string {
	t.Helper()
	var p problem
	r.json(t, &p)
	return p.Code
}

// do sends one request; headers are "Name: value".
func (s *site) do(method, path, body string, headers ...string) reply {
	s.t.Helper()
	req, err := http.NewRequest(method, s.srv.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

// guest is a visitor with a token.
type guest struct {
	s     *site
	Token string `json:"token"`
	ID    string `json:"visitor"`
}

func (s *site) guest(body string) *guest {
	s.t.Helper()
	g := &guest{s: s}
	r := s.do("POST", "/session", body)
	if r.status != 200 {
		s.t.Fatalf("session: %d %s", r.status, r.body)
	}
	r.json(s.t, g)
	return g
}

func (g *guest) do(method, path, body string, headers ...string) reply {
	g.s.t.Helper()
	return g.s.do(method, path, body, append(headers, "Authorization: Bearer "+g.Token)...)
}

func (g *guest) writes(id, text string) reply {
	g.s.t.Helper()
	b, _ := json.Marshal(map[string]string{"id": id, "text": text})
	return g.do("POST", "/messages", string(b))
}

// eventually waits for something that another goroutine brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("never: " + what)
}
