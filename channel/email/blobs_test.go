package email

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
)

// memory is a desk's storage that fits into a test: blobs, state and a sink that
// keeps what it was given.
type memory struct {
	mu       sync.Mutex
	blobs    map[string][]byte
	state    map[string][]byte
	accepted []channel.Inbound
	keys     map[string]int
	fail     func(channel.Inbound) error // what Accept answers instead
	wake     chan struct{}
}

func newMemory() *memory {
	return &memory{blobs: map[string][]byte{}, state: map[string][]byte{}, keys: map[string]int{}, wake: make(chan struct{}, 1000)}
}

func (m *memory) Put(_ context.Context, r io.Reader, max int64) (string, int64, error) {
	if max <= 0 {
		max = 40 << 20
	}
	b, err := io.ReadAll(io.LimitReader(r, max+1))
	if err != nil {
		return "", 0, err
	}
	if int64(len(b)) > max {
		return "", 0, holdfast.Errorf(holdfast.TooLarge, "blob.too_large", "too large")
	}
	sum := sha256.Sum256(b)
	hash := hex.EncodeToString(sum[:])
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blobs[hash] = b
	return hash, int64(len(b)), nil
}

func (m *memory) Open(_ context.Context, hash string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.blobs[hash]
	if !ok {
		return nil, holdfast.Errorf(holdfast.NotFound, "blob.not_found", "no such blob")
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m *memory) Attach(ctx context.Context, name, claimed string, r io.Reader) (holdfast.Attachment, error) {
	hash, size, err := m.Put(ctx, r, 40<<20)
	return holdfast.Attachment{ID: holdfast.NewID(), Name: name, Type: claimed, Size: size, Hash: hash}, err
}

func (m *memory) blob(hash string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.blobs[hash]
}

type memoryState struct{ m *memory }

func (s memoryState) Get(_ context.Context, key string) ([]byte, error) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	return s.m.state[key], nil
}

func (s memoryState) Put(_ context.Context, key string, value []byte) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.state[key] = bytes.Clone(value)
	return nil
}

func (m *memory) Accept(_ context.Context, in channel.Inbound) (channel.Accepted, error) {
	m.mu.Lock()
	fail := m.fail
	m.mu.Unlock()
	if fail != nil {
		if err := fail(in); err != nil {
			m.ring()
			return channel.Accepted{}, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	defer m.ring()
	m.keys[in.Key]++
	if m.keys[in.Key] > 1 {
		return channel.Accepted{Duplicate: true}, nil
	}
	m.accepted = append(m.accepted, in)
	return channel.Accepted{Message: holdfast.NewID()}, nil
}

func (m *memory) Report(context.Context, channel.Report) error { return nil }

func (m *memory) ring() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *memory) subjects() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var s []string
	for _, in := range m.accepted {
		s = append(s, in.Subject)
	}
	return s
}

// until waits for a condition that a sink's call brings about.
func (m *memory) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-limit:
			t.Fatalf("%s: never happened; the desk has %q", what, m.subjects())
		case <-m.wake:
		case <-tick.C:
		}
	}
}

// corpus is a folder of the test material that nobody here wrote.
func corpus(t testing.TB, path string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		p := filepath.Join(dir, "shared", "corpora", path)
		if _, err := os.Stat(p); err == nil {
			return p
		}
		up := filepath.Dir(dir)
		if up == dir {
			skip(t, "the corpora are not here: "+path)
		}
		dir = up
	}
}

// skip leaves out what cannot run here, and fails where everything must run.
func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("HOLDFAST_TEST_REQUIRE") == "all" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func parse(t testing.TB, raw string, o Options) (channel.Inbound, *memory) {
	t.Helper()
	m := newMemory()
	in, err := Parse(context.Background(), bytes.NewReader([]byte(raw)), m, o)
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	return in, m
}
