package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/loop"
)

// messengerKind is the name of the demo's own kind of channel and of its addresses.
// It is in the build of no desk but this one.
const messengerKind = "messenger"

const messengerIcon = `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="m3 11 18-8-6 18-4-7Z"/><path d="m11 14 10-11"/></svg>`

const (
	threadMost = 200 // messages of one person that a device of the demo remembers
	sayMost    = 1000
	// probeEvery is how often the desk asks whether the messenger's service is there.
	probeEvery  = 2 * time.Second
	handEvery   = time.Second
	serviceTime = 5 * time.Second
)

// said is one message as a device shows it.
type said struct {
	At      time.Time
	Mine    bool // the person wrote it
	Text    string
	Parts   int  // of an SMS
	Waiting bool // written, and the desk does not have it yet
}

// Messenger is an imaginary messenger's service: an HTTP server on a loopback
// address that takes what the desk sends, and hands the desk what people write. What
// it has from people waits in it while the desk cannot be reached.
type Messenger struct {
	token string
	log   *slog.Logger
	// open reports whether the way between the desk and the service is open.
	open func() bool

	port   net.Listener
	server *http.Server
	out    sync.WaitGroup

	mu      sync.Mutex
	hook    string // where the desk takes messages
	threads map[string][]said
	taken   map[string]bool // ids of the desk's messages: the same twice is one
	queue   []arrival
	running bool
	stop    chan struct{}
}

// arrival is a message on its way to the desk.
type arrival struct {
	Key  string `json:"key"`
	From string `json:"from"`
	Name string `json:"name"`
	Text string `json:"text"`
}

func newMessenger(log *slog.Logger, open func() bool) *Messenger {
	return &Messenger{token: rand.Text(), log: log, open: open, threads: map[string][]said{}, taken: map[string]bool{}, stop: make(chan struct{})}
}

// Open listens on a free port.
func (m *Messenger) Open() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	m.port = l
	m.server = &http.Server{Handler: m, ReadHeaderTimeout: serviceTime, IdleTimeout: serviceTime, ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelDebug)}
	m.out.Go(func() {
		if err := m.server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			m.log.Debug("the demo's messenger stopped", "err", err)
		}
	})
	return nil
}

// Close stops the service, if it was opened; what was said in it is gone.
func (m *Messenger) Close() {
	if m.server == nil {
		return
	}
	close(m.stop)
	m.server.Close()
	m.out.Wait()
}

// settings are those of the desk's account, by the names of its form.
func (m *Messenger) settings() map[string]any {
	return map[string]any{"url": "http://" + m.port.Addr().String() + "/messages", "token": m.token, "idempotent": true, "resend": string(channel.ResendSame)}
}

// ServeHTTP takes a message from the desk: {"id", "to", "text"}. A GET says that the
// service is there.
func (m *Messenger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+m.token)) != 1 {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodGet {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var b struct{ ID, To, Text string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&b); err != nil || b.ID == "" || b.To == "" {
		http.Error(w, "send id, to and text", http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	if !m.taken[b.ID] {
		m.taken[b.ID] = true
		m.keep(b.To, said{At: time.Now(), Text: b.Text})
	}
	m.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"id": "m-" + b.ID, "delivered": true})
}

// keep adds to a person's thread; m.mu is held.
func (m *Messenger) keep(person string, s said) {
	list := append(m.threads[person], s)
	m.threads[person] = list[max(0, len(list)-threadMost):]
}

// Thread is what one person has on their device.
func (m *Messenger) Thread(person string) []said {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := append([]said(nil), m.threads[person]...)
	for _, q := range m.queue {
		if q.From == person {
			list = append(list, said{At: time.Now(), Mine: true, Text: q.Text, Waiting: true})
		}
	}
	return list
}

// Write takes what a person writes to the company; the service hands it over as soon
// as it can.
func (m *Messenger) Write(person, name, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.queue) >= threadMost {
		return
	}
	m.queue = append(m.queue, arrival{Key: rand.Text(), From: person, Name: name, Text: text})
	if !m.running {
		m.running = true
		m.out.Go(m.hand)
	}
}

// hand gives the desk what waits, in order, until nothing does.
func (m *Messenger) hand() {
	client := m.client()
	for {
		m.mu.Lock()
		if len(m.queue) == 0 {
			m.running = false
			m.mu.Unlock()
			return
		}
		next, hook := m.queue[0], m.hook
		m.mu.Unlock()
		err := m.post(client, hook, next)
		if err == nil {
			m.mu.Lock()
			m.queue = m.queue[1:]
			m.keep(next.From, said{At: time.Now(), Mine: true, Text: next.Text})
			m.mu.Unlock()
			continue
		}
		m.log.Debug("the demo's messenger does not reach the desk", "err", err)
		select {
		case <-time.After(handEvery):
		case <-m.stop:
			return
		}
	}
}

func (m *Messenger) post(client *http.Client, hook string, a arrival) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, hook, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+m.token)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 4<<10))
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the desk answers %s", res.Status)
	}
	return nil
}

// client goes the virtual way between the desk and the service: nothing connects
// while it is cut.
func (m *Messenger) client() *http.Client {
	d := &net.Dialer{Timeout: serviceTime}
	return &http.Client{Timeout: 2 * serviceTime, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if !m.open() {
			return nil, &net.OpError{Op: "dial", Net: network, Err: errPulled}
		}
		return d.DialContext(ctx, network, address)
	}}}
}

// kind describes the messenger to the desk: the loop's adapter, which speaks HTTP with
// it, behind the virtual way, and a probe of the service.
func (m *Messenger) kind() *channel.Kind {
	k := loop.New().Called(messengerKind, messengerKind).Kind(channel.ResendSame)
	k.Icon, k.Needs = messengerIcon, holdfast.International
	texts := channel.Texts{}
	for lang, words := range messengerTexts {
		texts[lang] = map[string]string{}
		for key, text := range k.Texts[lang] {
			texts[lang][key] = text
		}
		texts[lang]["title"], texts[lang]["about"] = words[0], words[1]
	}
	k.Texts = texts
	inner := k.New
	k.New = func(acc channel.Account, env channel.Env) (channel.Adapter, error) {
		env.HTTP = m.client()
		a, err := inner(acc, env)
		if err != nil {
			return nil, err
		}
		set := acc.Settings.(*loop.Settings) // inner has looked
		return &messengerAccount{Adapter: a.(*loop.Adapter), url: set.URL, token: string(set.Token), http: env.HTTP, health: channel.Health{State: string(holdfast.ChannelUp)}}, nil
	}
	return k
}

var messengerTexts = map[string][2]string{
	"en": {"Messenger", "An imaginary messenger from abroad, which lives in this demo."},
	"ru": {"Мессенджер", "Вымышленный зарубежный мессенджер, который живёт в этом демо."},
	"fa": {"پیام‌رسان", "پیام‌رسانی خیالی از خارج که در همین نسخهٔ نمایشی زندگی می‌کند."},
}

// messengerAccount is a loop account that knows how its provider is.
type messengerAccount struct {
	*loop.Adapter
	url, token string
	http       *http.Client

	mu     sync.Mutex
	health channel.Health
}

// Health is what the latest probe has shown.
func (a *messengerAccount) Health() channel.Health {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.health
}

// Listen asks the provider now and then whether it is there, until ctx ends.
func (a *messengerAccount) Listen(ctx context.Context, _ channel.Sink) error {
	for {
		err := a.probe(ctx)
		h := channel.Health{State: string(holdfast.ChannelUp)}
		if err != nil && ctx.Err() == nil {
			h = channel.Health{State: string(holdfast.ChannelDown), Reason: "The messenger's service cannot be reached."}
		}
		a.mu.Lock()
		if h.Since = a.health.Since; h.State != a.health.State || h.Since.IsZero() {
			h.Since = time.Now().UTC()
		}
		a.health = h
		a.mu.Unlock()
		select {
		case <-time.After(probeEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

func (a *messengerAccount) probe(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	res, err := a.http.Do(req)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("the service answers %s", res.Status)
	}
	return nil
}
