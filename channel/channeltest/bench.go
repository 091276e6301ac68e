package channeltest

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
)

// Bench is a desk made of fakes around one adapter under test.
type Bench struct {
	Env   channel.Env
	Sink  *MemorySink
	Blobs *MemoryBlobs
	State *MemoryState
	Feed  *MemoryFeed

	log  lockedBuffer
	mu   sync.Mutex
	left []string // addresses outside this machine that somebody tried to reach
}

// TestEnv makes a bench whose network ends at this machine. Everything is real
// but the desk: time, sockets, files in the test's own memory.
func TestEnv(t testing.TB) *Bench {
	t.Helper()
	b := &Bench{Sink: &MemorySink{}, Blobs: &MemoryBlobs{}, State: &MemoryState{}, Feed: &MemoryFeed{}}
	transport := &http.Transport{DialContext: b.dial, DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	b.Env = channel.Env{
		Log:   slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		HTTP:  &http.Client{Transport: transport, Timeout: 30 * time.Second},
		Blobs: b.Blobs, State: b.State, Feed: b.Feed,
		Now:       time.Now,
		Key:       []byte("0123456789abcdef0123456789abcdef"),
		PublicURL: "http://desk.test",
	}
	return b
}

// Logged is everything that was logged so far.
func (b *Bench) Logged() string { return b.log.String() }

// Left lists the addresses outside this machine that somebody tried to reach.
func (b *Bench) Left() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.left...)
}

// dial refuses whatever is not on this machine.
func (b *Bench) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	ip := net.ParseIP(host)
	if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		b.mu.Lock()
		b.left = append(b.left, addr)
		b.mu.Unlock()
		return nil, fmt.Errorf("channeltest: %s is not on this machine", addr)
	}
	return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, addr)
}

// fence keeps the process's own defaults, which adapters must not use for the
// world, inside this machine too: the default HTTP transport and name look-ups.
func (b *Bench) fence(t testing.TB) {
	transport, resolver := http.DefaultTransport, net.DefaultResolver
	http.DefaultTransport = &http.Transport{DialContext: b.dial, DisableKeepAlives: true}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(_ context.Context, _, addr string) (net.Conn, error) {
		b.mu.Lock()
		b.left = append(b.left, "name look-up at "+addr)
		b.mu.Unlock()
		return nil, fmt.Errorf("channeltest: no name look-ups outside this machine")
	}}
	t.Cleanup(func() { http.DefaultTransport, net.DefaultResolver = transport, resolver })
}

// Account is an account of k with settings from JSON over the kind's defaults.
func (b *Bench) Account(t testing.TB, k *channel.Kind, settings string) channel.Account {
	t.Helper()
	s, err := k.Decode([]byte(settings))
	if err != nil {
		t.Fatalf("settings %s: %v", settings, err)
	}
	return channel.Account{ID: holdfast.MustID("0197a3f0-1c2d-7abc-8def-000000000001"), Workspace: holdfast.MustID("0197a3f0-1c2d-7abc-8def-000000000002"),
		Name: "exam", Language: "en", Settings: s}
}

// leaks names those of the secrets that text shows, plainly or as basic
// authentication, query or base64 would carry them.
func leaks(text string, secrets []string) (found []string) {
	for _, s := range secrets {
		for _, form := range []string{s, url.QueryEscape(s), base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s))} {
			if len(form) >= 6 && bytes.Contains([]byte(text), []byte(form)) {
				found = append(found, s)
				break
			}
		}
	}
	return found
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
