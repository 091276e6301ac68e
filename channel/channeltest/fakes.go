package channeltest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"holdfast"
	"holdfast/channel"
)

// MemorySink is the desk's side of a channel in memory. The zero value is ready.
type MemorySink struct {
	mu       sync.Mutex
	failing  error
	calls    []channel.Inbound // everything that was offered, refused and doubled ones too
	inbound  []channel.Inbound // what was taken in, once each
	accepted map[string]channel.Accepted
	reports  []channel.Report
}

// Fail makes Accept and Report answer err until Fail(nil).
func (s *MemorySink) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = err
}

// Accept takes m in once per Key (or ID, where the client made one).
func (s *MemorySink) Accept(_ context.Context, m channel.Inbound) (channel.Accepted, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, m)
	if s.failing != nil {
		return channel.Accepted{}, s.failing
	}
	key := m.Key + "|" + m.ID.String()
	if a, ok := s.accepted[key]; ok {
		a.Duplicate = true
		return a, nil
	}
	s.inbound = append(s.inbound, m)
	id := m.ID
	if id.IsZero() {
		id = holdfast.DeriveID(holdfast.ID{1}, m.Key)
	}
	a := channel.Accepted{Message: id, Conversation: m.Conversation, LSN: holdfast.LSN(len(s.inbound))}
	if a.Conversation.IsZero() {
		a.Conversation = holdfast.DeriveID(holdfast.ID{2}, m.From.String())
	}
	if m.Refuse != nil {
		a.Refused = m.Refuse.Reason
	}
	if s.accepted == nil {
		s.accepted = map[string]channel.Accepted{}
	}
	s.accepted[key] = a
	return a, nil
}

// Report notes r.
func (s *MemorySink) Report(_ context.Context, r channel.Report) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing != nil {
		return s.failing
	}
	s.reports = append(s.reports, r)
	return nil
}

// Offered lists every call of Accept, in order.
func (s *MemorySink) Offered() []channel.Inbound {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Taken lists what was taken in, once each.
func (s *MemorySink) Taken() []channel.Inbound {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.inbound)
}

// Reports lists what Report was told.
func (s *MemorySink) Reports() []channel.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.reports)
}

// MemoryState is an account's state in memory. The zero value is ready.
type MemoryState struct {
	mu     sync.Mutex
	values map[string][]byte
}

// Get reads a value, nil when there is none.
func (s *MemoryState) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.values[key]), nil
}

// Put keeps a value.
func (s *MemoryState) Put(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = map[string][]byte{}
	}
	s.values[key] = bytes.Clone(value)
	return nil
}

// blobLimit is how much a blob may have where the caller sets no limit.
const blobLimit = 40 << 20

// MemoryBlobs is blob storage in memory. The zero value is ready.
type MemoryBlobs struct {
	mu    sync.Mutex
	blobs map[string][]byte
}

// Put keeps what r gives. Past max bytes (0: 40 MiB) the error is TooLarge and nothing is kept.
func (b *MemoryBlobs) Put(_ context.Context, r io.Reader, max int64) (string, int64, error) {
	if max <= 0 {
		max = blobLimit
	}
	data, err := io.ReadAll(io.LimitReader(r, max+1))
	if err != nil {
		return "", 0, err
	}
	if int64(len(data)) > max {
		return "", 0, holdfast.Errorf(holdfast.TooLarge, "blob.too_large", "larger than %d bytes", max)
	}
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.blobs == nil {
		b.blobs = map[string][]byte{}
	}
	b.blobs[hash] = data
	return hash, int64(len(data)), nil
}

// Open reads a blob. The error is NotFound.
func (b *MemoryBlobs) Open(_ context.Context, hash string) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.blobs[hash]
	if !ok {
		return nil, holdfast.Errorf(holdfast.NotFound, "blob.missing", "there is no such blob")
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Attach keeps a file of a message; its type is sniffed, its name loses its path.
func (b *MemoryBlobs) Attach(ctx context.Context, name, claimed string, r io.Reader) (holdfast.Attachment, error) {
	hash, size, err := b.Put(ctx, r, 0)
	if err != nil {
		return holdfast.Attachment{}, err
	}
	kind := claimed
	if data := b.Bytes(hash); len(data) > 0 {
		if sniffed := http.DetectContentType(data); sniffed != "application/octet-stream" || kind == "" {
			kind = sniffed
		}
	}
	name = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return -1
		}
		return c
	}, path.Base(strings.ReplaceAll(name, `\`, "/")))
	return holdfast.Attachment{ID: holdfast.NewID(), Name: name, Type: kind, Size: size, Hash: hash}, nil
}

// Bytes is a blob's content, nil when there is none.
func (b *MemoryBlobs) Bytes(hash string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.blobs[hash]
}

// Add keeps content as a file of a message, for outbound fixtures.
func (b *MemoryBlobs) Add(name, kind, content string) holdfast.Attachment {
	a, err := b.Attach(context.Background(), name, kind, strings.NewReader(content))
	if err != nil {
		panic(err) // memory does not fail
	}
	a.Type = kind
	return a
}

// MemoryFeed is the far end of a channel without a provider, in memory. The zero
// value is ready; somebody is on duty until Duty(false).
type MemoryFeed struct {
	mu       sync.Mutex
	n        int64
	items    map[string][]channel.Item
	watchers map[string]map[chan channel.Signal]bool
	signals  []channel.Signal
	off      bool

	// Transcripts are those that were asked for: who, where to and in which language.
	Transcripts []string
}

// Add puts an item before the person at addr and wakes whoever watches. N and,
// where empty, ID and At are filled.
func (f *MemoryFeed) Add(addr holdfast.Address, it channel.Item) channel.Item {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	it.N = f.n
	if it.ID.IsZero() {
		it.ID = holdfast.NewID()
	}
	if it.At.IsZero() {
		it.At = time.Now().UTC()
	}
	if f.items == nil {
		f.items = map[string][]channel.Item{}
	}
	f.items[addr.String()] = append(f.items[addr.String()], it)
	f.wake(addr, channel.Signal{})
	return it
}

func (f *MemoryFeed) wake(addr holdfast.Address, s channel.Signal) {
	for c := range f.watchers[addr.String()] {
		select {
		case c <- s:
		default:
		}
	}
}

// Hint passes an operator's signal to the person at addr.
func (f *MemoryFeed) Hint(addr holdfast.Address, s channel.Signal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wake(addr, s)
}

// Duty says whether somebody is there to answer.
func (f *MemoryFeed) Duty(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = !on
}

// Signals lists what people's clients have signalled.
func (f *MemoryFeed) Signals() []channel.Signal {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.signals)
}

// Since implements channel.Feed.
func (f *MemoryFeed) Since(_ context.Context, addr holdfast.Address, after int64, limit int) ([]channel.Item, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []channel.Item
	for _, it := range f.items[addr.String()] {
		if it.N > after && len(list) < limit {
			list = append(list, it)
		}
	}
	return list, nil
}

// Head implements channel.Feed.
func (f *MemoryFeed) Head(context.Context) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n, nil
}

// Watch implements channel.Feed.
func (f *MemoryFeed) Watch(addr holdfast.Address) (<-chan channel.Signal, func()) {
	c := make(chan channel.Signal, 4)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers == nil {
		f.watchers = map[string]map[chan channel.Signal]bool{}
	}
	key := addr.String()
	if f.watchers[key] == nil {
		f.watchers[key] = map[chan channel.Signal]bool{}
	}
	f.watchers[key][c] = true
	return c, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watchers[key], c)
	}
}

// Service implements channel.Feed: nothing is known of the hours.
func (f *MemoryFeed) Service(context.Context) holdfast.Service { return holdfast.Service{} }

// Transcript implements channel.Feed: it notes that it was asked for, and where to.
func (f *MemoryFeed) Transcript(_ context.Context, addr holdfast.Address, to, lang string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if to == "" {
		return "", holdfast.Errorf(holdfast.Invalid, "transcript.address_needed", "no e-mail address of this customer is known").WithField("address")
	}
	f.Transcripts = append(f.Transcripts, addr.Value+" "+to+" "+lang)
	return to, nil
}

// Signal implements channel.Feed.
func (f *MemoryFeed) Signal(_ holdfast.Address, s channel.Signal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signals = append(f.signals, s)
}

// OnDuty implements channel.Feed.
func (f *MemoryFeed) OnDuty(context.Context) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.off
}
