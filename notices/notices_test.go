package notices_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"holdfast"
	"holdfast/access"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/notices"
	"holdfast/store"
	"holdfast/store/storetest"
)

// device is a browser that takes pushes, and the service of its maker.
type device struct {
	t    *testing.T
	name string
	key  *ecdh.PrivateKey
	auth []byte

	mu     sync.Mutex
	status int
	tries  int
	got    []map[string]any
}

// service is every push service there is, by the host of the address.
type service struct {
	mu      sync.Mutex
	devices map[string]*device
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	d := s.devices[r.URL.Host]
	s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: d.take(r, body), Status: "x", Body: http.NoBody, Request: r}, nil
}

func (d *device) take(r *http.Request, body []byte) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tries++
	if d.status != 0 {
		return d.status
	}
	header := r.Header.Get("Authorization")
	token, key, ok := strings.Cut(strings.TrimPrefix(header, "vapid t="), ", k=")
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); !ok || err != nil || key == "" || claims["aud"] != "https://"+r.URL.Host || claims["sub"] == "" {
		d.t.Errorf("the push says of who sends it %q", header)
	}
	if r.Header.Get("TTL") == "" || r.Header.Get("Content-Encoding") != "aes128gcm" {
		d.t.Errorf("headers %v", r.Header)
	}
	plain := d.open(body)
	var m map[string]any
	if err := json.Unmarshal(plain, &m); err != nil {
		d.t.Errorf("%q: %v", plain, err)
	}
	if bytes.Contains(plain, []byte("secret")) {
		d.t.Errorf("what the customer wrote is in the push: %s", plain)
	}
	d.got = append(d.got, m)
	return http.StatusCreated
}

// open decrypts as RFC 8291 says.
func (d *device) open(b []byte) []byte {
	salt, size := b[:16], binary.BigEndian.Uint32(b[16:20])
	theirs, sealed := b[21:21+int(b[20])], b[21+int(b[20]):]
	if size < uint32(len(sealed)) {
		d.t.Errorf("a record of %d in %d", len(sealed), size)
	}
	key, err := ecdh.P256().NewPublicKey(theirs)
	if err != nil {
		d.t.Error(err)
		return nil
	}
	shared, err := d.key.ECDH(key)
	if err != nil {
		d.t.Error(err)
		return nil
	}
	derive := func(secret, salt []byte, info string, n int) []byte {
		out, err := hkdf.Key(sha256.New, secret, salt, info, n)
		if err != nil {
			d.t.Error(err)
		}
		return out
	}
	ikm := derive(shared, d.auth, "WebPush: info\x00"+string(d.key.PublicKey().Bytes())+string(theirs), 32)
	block, err := aes.NewCipher(derive(ikm, salt, "Content-Encoding: aes128gcm\x00", 16))
	if err != nil {
		d.t.Error(err)
		return nil
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		d.t.Error(err)
		return nil
	}
	plain, err := aead.Open(nil, derive(ikm, salt, "Content-Encoding: nonce\x00", 12), sealed, nil)
	if err != nil {
		d.t.Errorf("the device cannot read it: %v", err)
	}
	return bytes.TrimRight(bytes.TrimRight(plain, "\x00"), "\x02")
}

// house is an office with a journal and people in it.
type house struct {
	*testing.T
	*notices.Notices
	db      *store.DB
	journal *journal.Journal
	guard   *access.Guard
	service *service
	ws      holdfast.ID
	people  map[string]holdfast.ID
	stop    func()
	again   func()
	mail    notices.Mail
}

func each(t *testing.T, story func(h *house)) {
	t.Run("file", func(t *testing.T) { story(newHouse(t, store.Options{Dir: storetest.Folder(t)})) })
	t.Run("server", func(t *testing.T) { story(newHouse(t, store.Options{URL: storetest.PostgresURL(t)})) })
}

func newHouse(t *testing.T, o store.Options) *house {
	ctx := context.Background()
	h := &house{T: t, db: storetest.Open(t, o), service: &service{devices: map[string]*device{}}, people: map[string]holdfast.ID{}, ws: holdfast.NewID()}
	seal, err := store.OpenSealer(t.TempDir(), strings.Repeat("ab", 32))
	h.must(err)
	log := slog.New(slog.DiscardHandler)
	box := inbox.New(h.db)
	h.journal = journal.New(h.db, log, box)
	h.must(h.journal.Open(ctx))
	h.guard = access.New(h.db, seal, access.Options{Log: log, Cost: access.Cost{MemoryKiB: 8, Passes: 1, Threads: 1}})
	h.must(h.db.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO workspace (id, name, language, time_zone, created_at) VALUES ($1, 'Sky', 'en', 'UTC', $2)", h.ws, tx.Now)
	}))
	h.Notices = notices.New(h.db, seal, h.journal, box, h.guard, &http.Client{Transport: h.service}, "https://desk.example", h.mail, log)
	h.again = func() {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- h.Notices.Run(ctx) }()
		h.stop = func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			h.stop = func() {}
		}
	}
	h.again()
	for n := 0; n == 0; { // what happens before it follows is none of its news
		h.must(h.db.QueryRow(ctx, "SELECT COUNT(*) FROM follower WHERE name = 'notices'").Scan(&n))
	}
	t.Cleanup(func() { h.stop() })
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// hire adds somebody with a device.
func (h *house) hire(name, language string, role holdfast.Role) *device {
	h.Helper()
	m, err := h.guard.CreateOperator(context.Background(), access.System(h.ws), access.NewOperator{Email: name + "@example.com", Name: name, Language: language, Role: role})
	h.must(err)
	h.people[name] = m.ID
	return h.device(name, name)
}

func (h *house) device(owner, name string) *device {
	h.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	h.must(err)
	d := &device{t: h.T, name: name, key: key, auth: make([]byte, 16)}
	rand.Read(d.auth)
	h.service.mu.Lock()
	h.service.devices[name+".push.example"] = d
	h.service.mu.Unlock()
	_, err = h.Subscribe(context.Background(), h.people[owner], d.subscription(), "Firefox")
	h.must(err)
	return d
}

func (d *device) subscription() notices.Subscription {
	b64 := base64.RawURLEncoding
	return notices.Subscription{Endpoint: "https://" + d.name + ".push.example/x", P256dh: b64.EncodeToString(d.key.PublicKey().Bytes()), Auth: b64.EncodeToString(d.auth)}
}

// says appends entries and waits until the follower has seen them.
func (h *house) says(actor holdfast.Actor, subject holdfast.ID, bodies ...holdfast.Body) {
	h.Helper()
	_, err := h.journal.Do(context.Background(), journal.Command{Workspace: h.ws, Actor: actor, Run: func(tx *journal.Tx) error {
		for _, b := range bodies {
			if _, err := tx.Append(subject, b); err != nil {
				return err
			}
		}
		return nil
	}})
	h.must(err)
}

// saw waits until a device has been told exactly this, and nothing else.
func (h *house) saw(d *device, want ...string) {
	h.Helper()
	var got []string
	for range 400 {
		d.mu.Lock()
		got = nil
		for _, m := range d.got {
			got = append(got, fmt.Sprint(m["body"]))
		}
		d.mu.Unlock()
		if len(got) >= len(want) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		h.Fatalf("%s was told %q, want %q", d.name, got, want)
	}
}

func operator(id holdfast.ID) holdfast.Actor {
	return holdfast.Actor{Kind: holdfast.ActorOperator, ID: id}
}

var customer = holdfast.Actor{Kind: holdfast.ActorCustomer}

func TestWhomAnEntryConcernsIsToldAndNobodyElse(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ana := h.hire("ana", "en", holdfast.Administrator)
		joe := h.hire("joe", "ru", holdfast.Operator)
		kim := h.hire("kim", "fa", holdfast.Operator)
		eve := h.hire("eve", "en", holdfast.Observer)
		gone := h.hire("gone", "en", holdfast.Operator)
		h.must(h.guard.RemoveMember(ctx, access.System(h.ws), h.people["gone"]))
		team := holdfast.NewID()
		_, err := h.guard.CreateTeam(ctx, access.System(h.ws), team, "Night")
		h.must(err)
		_, err = h.guard.AddToTeam(ctx, access.System(h.ws), team, h.people["kim"])
		h.must(err)
		for _, name := range []string{"joe", "kim"} {
			s := notices.Defaults()
			s.New.Push = true
			h.must(h.SetSettings(ctx, h.ws, h.people[name], s))
		}
		one, who := holdfast.NewID(), holdfast.NewID()
		h.says(customer, one, &holdfast.ConversationOpened{Number: 7, Customer: who, Team: team},
			&holdfast.MessageReceived{Message: holdfast.NewID(), Customer: who, Text: "secret"})
		h.saw(kim, "گفت‌وگوی تازهٔ ۷") // of Kim's team; nobody has it yet, so the message is no reply to anybody
		h.says(operator(h.people["kim"]), one, &holdfast.ConversationAssigned{Operator: h.people["joe"]})
		h.saw(joe, "Вам назначено обращение 7")
		h.says(customer, one, &holdfast.MessageReceived{Message: holdfast.NewID(), Customer: who, Text: "secret again"})
		h.saw(joe, "Вам назначено обращение 7", "Новое сообщение в обращении 7")
		h.says(operator(h.people["joe"]), one, &holdfast.MessageNoted{Message: holdfast.NewID(), Author: h.people["joe"], Text: "secret",
			Mentions: []holdfast.ID{h.people["ana"], h.people["joe"]}})
		h.saw(ana, "You were mentioned in conversation 7")
		// What one does oneself is no news, and neither is what is not said here.
		h.says(operator(h.people["joe"]), one, &holdfast.ConversationAssigned{Operator: h.people["joe"]}, &holdfast.ConversationTagged{Mark: holdfast.NewID(), Tag: "x"})
		h.says(holdfast.System, holdfast.NewID(), &holdfast.SetupChanged{What: "channel", Action: "down"})
		h.saw(ana, "You were mentioned in conversation 7", "A channel has stopped working")
		h.saw(joe, "Вам назначено обращение 7", "Новое сообщение в обращении 7")
		h.saw(kim, "گفت‌وگوی تازهٔ ۷")
		h.saw(eve)
		h.saw(gone)
	})
}

func TestWhoHasAConversationNowIsNotToldOfWhatCameBefore(t *testing.T) {
	each(t, func(h *house) {
		h.hire("joe", "en", holdfast.Operator)
		one, who := holdfast.NewID(), holdfast.NewID()
		h.stop() // what follows is seen only when all of it has happened
		h.says(customer, one, &holdfast.ConversationOpened{Number: 7, Customer: who, Team: holdfast.NewID()},
			&holdfast.MessageReceived{Message: holdfast.NewID(), Customer: who, Text: "before"})
		h.says(holdfast.System, one, &holdfast.ConversationAssigned{Operator: h.people["joe"]})
		for range 20 { // however much has happened since
			h.says(holdfast.System, one, &holdfast.ConversationTagged{Mark: holdfast.NewID(), Tag: "x"})
		}
		h.says(customer, one, &holdfast.MessageReceived{Message: holdfast.NewID(), Customer: who, Text: "after"})
		h.says(holdfast.System, one, &holdfast.MessageNoted{Message: holdfast.NewID(), Text: "x", Mentions: []holdfast.ID{h.people["joe"]}})
		h.again()
		var kinds []string
		for range 400 {
			rows, err := h.db.Query(context.Background(), "SELECT payload FROM push_delivery ORDER BY lsn")
			kinds, err = store.Collect(rows, err, func(r *store.Rows, kind *string) error {
				var raw []byte
				var p struct{ Kind string }
				if err := r.Scan(&raw); err != nil {
					return err
				}
				err := json.Unmarshal(raw, &p)
				*kind = p.Kind
				return err
			})
			h.must(err)
			if slices.Contains(kinds, "mention") {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if want := []string{"assigned", "reply", "mention"}; !slices.Equal(kinds, want) {
			h.Errorf("joe is told %q, want %q", kinds, want)
		}
	})
}

func TestQuietHoursAndChoicesAreKept(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ana, joe := h.hire("ana", "en", holdfast.Administrator), h.hire("joe", "en", holdfast.Administrator)
		s := notices.Defaults()
		// an hour around now, in Ana's own zone
		zone, err := time.LoadLocation("Asia/Tehran")
		h.must(err)
		now := h.db.Now().In(zone)
		s.TimeZone, s.Quiet = "Asia/Tehran", notices.Quiet{On: true, From: now.Add(-time.Hour).Format("15:04"), To: now.Add(time.Hour).Format("15:04")}
		h.must(h.SetSettings(ctx, h.ws, h.people["ana"], s))
		down := func() {
			h.says(holdfast.System, holdfast.NewID(), &holdfast.SetupChanged{What: "channel", Action: "down"})
		}
		down()
		h.saw(joe, "A channel has stopped working")
		h.saw(ana)
		tried, err := h.Test(ctx, h.ws, h.people["ana"], "en") // asked for, it comes
		h.must(err)
		if tried != (notices.Tried{Sent: 1}) {
			h.Errorf("%+v", tried)
		}
		h.saw(ana, "Notices reach this device.")
		s.Quiet.On, s.Channel.Push = false, false
		h.must(h.SetSettings(ctx, h.ws, h.people["ana"], s))
		down()
		h.saw(joe, "A channel has stopped working", "A channel has stopped working")
		h.saw(ana, "Notices reach this device.")
		for _, bad := range []notices.Settings{{}, {Quiet: notices.Quiet{From: "9:00", To: "10:00"}}, {Quiet: notices.Quiet{From: "25:00", To: "10:00"}},
			{Quiet: s.Quiet, TimeZone: "Moon/Base"}, {Quiet: s.Quiet, TimeZone: "Local"}} {
			if err := h.SetSettings(ctx, h.ws, h.people["ana"], bad); holdfast.KindOf(err) != holdfast.Invalid {
				h.Errorf("%+v: %v", bad, err)
			}
		}
	})
}

func TestAPlanReachesWhomItNamesInTheirQuietHoursAndADrillDoesNot(t *testing.T) {
	each(t, func(h *house) {
		ana, joe, eve := h.hire("ana", "en", holdfast.Operator), h.hire("joe", "fa", holdfast.Operator), h.hire("eve", "en", holdfast.Administrator)
		now := h.db.Now().UTC()
		s := notices.Defaults()
		s.TimeZone, s.Quiet = "UTC", notices.Quiet{On: true, From: now.Add(-time.Hour).Format("15:04"), To: now.Add(time.Hour).Format("15:04")}
		h.must(h.SetSettings(context.Background(), h.ws, h.people["ana"], s))
		both := []holdfast.ID{h.people["ana"], h.people["joe"]}
		h.says(holdfast.System, holdfast.NewID(), &holdfast.PlanCalled{Name: "No internet", Drill: true, Step: "tell", Operators: both})
		h.saw(joe, "تمرین به شما نیاز دارد: No internet")
		h.saw(ana)
		h.says(holdfast.System, holdfast.NewID(), &holdfast.PlanCalled{Name: "No internet", Step: "tell", Operators: both})
		h.saw(ana, "A plan needs you: No internet")
		h.saw(joe, "تمرین به شما نیاز دارد: No internet", "طرح به شما نیاز دارد: No internet")
		h.saw(eve)
	})
}

func TestADeviceThatHasGoneIsForgottenAndAServiceThatIsAwayIsTriedAgain(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ana := h.hire("ana", "en", holdfast.Administrator)
		old := h.device("ana", "old")
		old.mu.Lock()
		old.status = http.StatusGone
		old.mu.Unlock()
		ana.mu.Lock()
		ana.status = http.StatusServiceUnavailable
		ana.mu.Unlock()
		h.says(holdfast.System, holdfast.NewID(), &holdfast.SetupChanged{What: "channel", Action: "down"})
		tried := func(d *device) int {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.tries
		}
		for range 400 {
			if tried(ana) == 1 && tried(old) == 1 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		list, err := h.Devices(ctx, h.people["ana"])
		h.must(err)
		for i := 0; i < 200 && len(list) != 1; i++ {
			time.Sleep(10 * time.Millisecond)
			list, err = h.Devices(ctx, h.people["ana"])
			h.must(err)
		}
		if len(list) != 1 || list[0].Agent != "Firefox" {
			h.Fatalf("devices %+v", list)
		}
		// The next try is put off; here it is due at once, and after a restart.
		h.stop()
		ana.mu.Lock()
		ana.status = 0
		ana.mu.Unlock()
		h.must(h.db.Write(ctx, func(tx *store.Tx) error { return tx.Exec("UPDATE push_delivery SET due_at = 0 WHERE state = 'due'") }))
		h.again()
		h.saw(ana, "A channel has stopped working")
		if n := tried(old); n != 1 {
			h.Errorf("a device that had gone was pushed to %d times", n)
		}
	})
}

func TestDevicesAreTheirOwners(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ana, joe := h.hire("ana", "en", holdfast.Administrator), h.hire("joe", "en", holdfast.Administrator)
		list, err := h.Devices(ctx, h.people["ana"])
		h.must(err)
		if err := h.Unsubscribe(ctx, h.people["joe"], list[0].ID); holdfast.CodeOf(err) != "push.device_missing" {
			h.Errorf("Joe removes Ana's device: %v", err)
		}
		// Joe signs in on Ana's old device: it tells him, and her no more.
		_, err = h.Subscribe(ctx, h.people["joe"], ana.subscription(), "Firefox")
		h.must(err)
		if list, err = h.Devices(ctx, h.people["ana"]); err != nil || len(list) != 0 {
			h.Errorf("%v %v", list, err)
		}
		h.must(h.SetSettings(ctx, h.ws, h.people["joe"], notices.Defaults()))
		h.says(holdfast.System, holdfast.NewID(), &holdfast.SetupChanged{What: "channel", Action: "down"})
		h.saw(joe, "A channel has stopped working")
		h.saw(ana, "A channel has stopped working")
		s := joe.subscription()
		for what, bad := range map[string]notices.Subscription{
			"nothing": {}, "no address": {P256dh: s.P256dh, Auth: s.Auth}, "a file": {Endpoint: "file:///etc/passwd", P256dh: s.P256dh, Auth: s.Auth},
			"no point": {Endpoint: s.Endpoint, P256dh: base64.RawURLEncoding.EncodeToString(make([]byte, 65)), Auth: s.Auth}, "a short secret": {Endpoint: s.Endpoint, P256dh: s.P256dh, Auth: "AAAA"},
		} {
			if _, err := h.Subscribe(ctx, h.people["joe"], bad, ""); holdfast.CodeOf(err) != "push.subscription_invalid" {
				h.Errorf("%s: %v", what, err)
			}
		}
		// What is stored tells nobody where to push, and opens nothing.
		var public string
		var sealed []byte
		h.must(h.db.QueryRow(ctx, "SELECT k.public, s.sealed FROM push_key k, push_subscription s LIMIT 1").Scan(&public, &sealed))
		if key, err := h.PublicKey(ctx); err != nil || key != public || bytes.Contains(sealed, []byte("push.example")) {
			h.Errorf("%q %v", key, err)
		}
	})
}

func FuzzSubscriptions(f *testing.F) {
	f.Add("https://push.example/x", "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "BTBZMqHH6r4Tts7J_aSIgg")
	f.Add("http://[::1", "=", "")
	f.Fuzz(func(t *testing.T, endpoint, key, auth string) {
		// Refused before anything is asked of a database: there is none here.
		defer func() {
			if r := recover(); r != nil {
				if !strings.HasPrefix(endpoint, "http") {
					t.Fatalf("%q was taken for an address: %v", endpoint, r)
				}
			}
		}()
		n := notices.New(nil, nil, nil, nil, nil, nil, "", notices.Mail{}, nil)
		if _, err := n.Subscribe(context.Background(), holdfast.NewID(), notices.Subscription{Endpoint: endpoint, P256dh: key, Auth: auth}, ""); err == nil {
			t.Fatal("stored nowhere")
		}
	})
}
