package chat

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
)

const someID = "0197a3f0-0000-7000-8000-000000000001"

func TestAMessageIsAcknowledgedOnceItIsStored(t *testing.T) {
	s := newSite(t)
	s.duty = false // nobody is there; it is taken in all the same
	ana := s.guest(`{"name":"Ana","lang":"en"}`)
	r := ana.writes(someID, "  Where is my order?\r\n")
	if r.status != 201 {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	var got struct {
		ID, Message, Conversation string
		N                         int64
		At                        time.Time
		Duplicate                 bool
	}
	r.json(t, &got)
	if got.ID != someID || got.Duplicate || got.N != 1 || got.Conversation == "" || !got.At.Equal(s.now) {
		t.Fatalf("got %+v", got)
	}
	in := s.inbound[0]
	if in.Text != "Where is my order?" || in.From != (holdfast.Address{Scheme: "visitor", Value: ana.ID, Name: "Ana"}) || in.Language != "en" {
		t.Fatalf("stored %+v", in)
	}
	if in.Key != ana.ID+":"+someID || in.ID != StoredID(testAccount, ana.ID, holdfast.MustID(someID)) || in.ID.String() != got.Message {
		t.Fatalf("stored under %q, %s", in.Key, in.ID)
	}

	s.passes(time.Hour)
	again := ana.writes(someID, "Where is my order?")
	var second = got
	again.json(t, &second)
	if again.status != 201 || !second.Duplicate || second.Message != got.Message || second.N != got.N || !second.At.Equal(got.At) {
		t.Fatalf("the second answer is %d %s, the first %s", again.status, again.body, r.body)
	}
	if len(s.inbound) != 1 {
		t.Fatalf("%d messages are stored", len(s.inbound))
	}
}

func TestNothingIsAcknowledgedThatIsNotStored(t *testing.T) {
	for _, tc := range []struct {
		err    error
		status int
		retry  bool
	}{
		{holdfast.Errorf(holdfast.Unavailable, "store.down", "the disk is full"), 503, true},
		{holdfast.Errorf(holdfast.TooMany, "intake.busy", "slow down"), 429, true},
		{holdfast.Errorf(holdfast.Invalid, "intake.invalid", "no"), 400, false},
		{errors.New("password=hunter2 connection refused"), 500, false},
	} {
		s := newSite(t)
		ana := s.guest(`{}`)
		s.broken = tc.err
		r := ana.writes(someID, "hello")
		if r.status != tc.status || (r.header.Get("Retry-After") != "") != tc.retry {
			t.Errorf("%v: got %d, Retry-After %q", tc.err, r.status, r.header.Get("Retry-After"))
		}
		if strings.Contains(r.body, "hunter2") {
			t.Errorf("an inner error reaches the visitor: %s", r.body)
		}
		s.broken = nil
		if r = ana.writes(someID, "hello"); r.status != 201 || strings.Contains(r.body, `"duplicate":true`) {
			t.Errorf("the retry got %d %s", r.status, r.body)
		}
		if list := ana.do("GET", "/messages", ""); strings.Count(list.body, `"text":"hello"`) != 1 {
			t.Errorf("the visitor sees %s", list.body)
		}
	}
}

func TestARefusedMessageIsNoMessage(t *testing.T) {
	s := newSite(t)
	ana := s.guest(`{}`)
	s.keys[ana.ID+":"+someID] = channel.Accepted{Refused: "blocked"}
	if r := ana.writes(someID, "hello"); r.status != 403 || r.code(t) != "chat.refused" {
		t.Fatalf("got %d %s", r.status, r.body)
	}
}

func TestOneVisitorsIdsAreNothingToAnother(t *testing.T) {
	s := newSite(t)
	ana, eve := s.guest(`{}`), s.guest(`{}`)
	ana.writes(someID, "my secret")
	r := eve.writes(someID, "mine")
	if r.status != 201 || strings.Contains(r.body, `"duplicate":true`) || strings.Contains(r.body, "secret") {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	if s.inbound[0].ID == s.inbound[1].ID {
		t.Fatal("two visitors share a stored id")
	}
	if list := eve.do("GET", "/messages?after=0", ""); strings.Contains(list.body, "secret") || !strings.Contains(list.body, "mine") {
		t.Fatalf("eve sees %s", list.body)
	}
	// Naming the stored id of another's message makes one's own message, too.
	if r := eve.writes(s.inbound[0].ID.String(), "probe"); r.status != 201 || strings.Contains(r.body, `"duplicate":true`) {
		t.Fatalf("got %d %s", r.status, r.body)
	}
}

func TestDialogues(t *testing.T) {
	long := strings.Repeat("ж", textLimit)
	for _, tc := range []struct {
		name, method, path, body string
		status                   int
		code                     string
	}{
		{"empty", "POST", "/messages", `{"id":"` + someID + `","text":" \n\u0000 "}`, 400, "chat.message_empty"},
		{"no id", "POST", "/messages", `{"text":"hi"}`, 400, "id.malformed"},
		{"nil id", "POST", "/messages", `{"id":"00000000-0000-0000-0000-000000000000","text":"hi"}`, 400, "id.malformed"},
		{"wrong id", "POST", "/messages", `{"id":"../../etc","text":"hi"}`, 400, "id.malformed"},
		{"no json", "POST", "/messages", `text=hi`, 400, "chat.body_invalid"},
		{"wrong type", "POST", "/messages", `{"id":"` + someID + `","text":7}`, 400, "chat.body_invalid"},
		{"as long as allowed", "POST", "/messages", `{"id":"` + someID + `","text":"` + long + `"}`, 201, ""},
		{"too long", "POST", "/messages", `{"id":"` + someID + `","text":"` + long + `ж"}`, 400, "chat.message_too_long"},
		{"far too long", "POST", "/messages", `{"id":"` + someID + `","text":"` + strings.Repeat("x", bodyMax) + `"}`, 413, "chat.body_too_large"},
		{"unknown attachment", "POST", "/messages", `{"id":"` + someID + `","text":"hi","attachments":["v1.e30.AAAA"]}`, 400, "chat.attachment_unknown"},
		{"too many attachments", "POST", "/messages", `{"id":"` + someID + `","attachments":["","","","","","","","","","",""]}`, 400, "chat.attachments_too_many"},
		{"list", "GET", "/messages?after=0", "", 200, ""},
		{"list from a word", "GET", "/messages?after=x", "", 400, "chat.number_invalid"},
		{"list from below", "GET", "/messages?after=-1", "", 400, "chat.number_invalid"},
		{"poll", "GET", "/poll?after=0&wait=0", "", 200, ""},
		{"signal", "POST", "/signals", `{"type":"typing","text":"I wonder"}`, 204, ""},
		{"no signal", "POST", "/signals", `{"type":"shout"}`, 400, "chat.frame_unknown"},
		{"nowhere", "GET", "/admin", "", 404, "chat.route_unknown"},
		{"root", "GET", "/", "", 404, "chat.route_unknown"},
		{"delete", "DELETE", "/messages", "", 405, "chat.method"},
		{"get a session", "GET", "/session", "", 405, "chat.method"},
		{"a file without a signature", "GET", "/files/abc", "", 404, "chat.file_link"},
		{"an upload without a file", "POST", "/uploads", "", 400, "chat.file_missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			r := s.guest(`{}`).do(tc.method, tc.path, tc.body)
			if r.status != tc.status {
				t.Fatalf("got %d %.300s", r.status, r.body)
			}
			if tc.code != "" {
				var p problem
				r.json(t, &p)
				if p.Code != tc.code || p.Message == "" || p.Next == "" {
					t.Fatalf("got %+v", p)
				}
				if len(s.inbound) != 0 {
					t.Fatal("something was stored")
				}
			}
		})
	}
}

func TestWithoutATokenNothingIsRead(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"GET /messages", "GET /poll?wait=0", "GET /events", "GET /ws", "POST /messages", "POST /uploads", "POST /signals"} {
		method, path, _ := strings.Cut(path, " ")
		if r := s.do(method, path, `{}`); r.status != 401 || r.code(t) != "chat.token_missing" {
			t.Errorf("%s %s: got %d %s", method, path, r.status, r.body)
		}
	}
}

func TestAttachmentsBelongToTheirVisitor(t *testing.T) {
	s := newSite(t)
	ana, eve := s.guest(`{}`), s.guest(`{}`)
	form := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"счёт №7.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\nbody\r\n--b--\r\n"
	r := ana.do("POST", "/uploads", form, "Content-Type: multipart/form-data; boundary=b")
	if r.status != 201 {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	var up fileWire
	r.json(t, &up)
	if up.Name != "счёт №7.png" || up.Size != 12 || up.ID == "" {
		t.Fatalf("got %+v", up)
	}
	if r := eve.do("POST", "/messages", fmt.Sprintf(`{"id":%q,"attachments":[%q]}`, someID, up.ID)); r.code(t) != "chat.attachment_unknown" {
		t.Fatalf("eve took ana's file: %d %s", r.status, r.body)
	}
	if r := ana.do("POST", "/messages", fmt.Sprintf(`{"id":%q,"attachments":[%q]}`, someID, up.ID)); r.status != 201 {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	if got := s.inbound[0].Attachments; len(got) != 1 || got[0].Name != up.Name {
		t.Fatalf("stored %+v", got)
	}
	var list listWire
	ana.do("GET", "/messages", "").json(t, &list)
	link := "/" + list.Items[0].Attachments[0].URL
	file := s.do("GET", link, "") // the link itself is the right
	h := file.header
	if file.status != 200 || file.body != "\x89PNG\r\n\x1a\nbody" || h.Get("Content-Type") != "image/png" ||
		h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") != "default-src 'none'; sandbox" ||
		!strings.HasPrefix(h.Get("Content-Disposition"), "attachment;") || !strings.Contains(h.Get("Content-Disposition"), "%D1%81%D1%87%D1%91%D1%82") {
		t.Fatalf("got %d %q %v", file.status, file.body, h)
	}
	other, _, _ := s.Put(t.Context(), strings.NewReader("another's"), 0)
	_, sig, _ := strings.Cut(link, "?")
	for _, bad := range []string{"/files/" + other + "?" + sig, link + "x", "/files/" + up.URL[6:40], strings.Replace(link, "sig=v1.", "sig=v1.e", 1)} {
		if r := s.do("GET", bad, ""); r.status != 404 {
			t.Errorf("%s: got %d", bad, r.status)
		}
	}
	s.passes(3 * 24 * time.Hour)
	if r := s.do("GET", link, ""); r.status != 404 {
		t.Errorf("an old link: got %d", r.status)
	}
}

func TestActiveContentIsOnlyBytes(t *testing.T) {
	s := newSite(t)
	ana := s.guest(`{}`)
	for _, typ := range []string{"text/html", "image/svg+xml", "application/xhtml+xml"} {
		var up fileWire
		ana.do("POST", "/uploads?name=a.html", "<script>alert(1)</script>", "Content-Type: "+typ).json(t, &up)
		r := s.do("GET", "/"+up.URL, "")
		if r.status != 200 || r.header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%s is served as %q", typ, r.header.Get("Content-Type"))
		}
	}
}

func TestAFileThatIsTooLargeIsRefusedEarly(t *testing.T) {
	s := newSite(t)
	ana := s.guest(`{}`)
	req, _ := http.NewRequest("POST", s.srv.URL+"/uploads?name=big", strings.NewReader("x"))
	req.Header.Set("Authorization", "Bearer "+ana.Token)
	req.ContentLength = fileLimit + 2<<20
	req.Body = http.NoBody
	rec := &recorder{header: http.Header{}}
	s.a.ServeWebhook(rec, req, s.world)
	if rec.status != 413 {
		t.Fatalf("got %d", rec.status)
	}
}

type recorder struct {
	header http.Header
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(s int)           { r.status = s }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }

func TestLimits(t *testing.T) {
	t.Run("visitor", func(t *testing.T) {
		s := newSite(t, func(set *Settings) { set.VisitorRate = 20 })
		ana, ben := s.guest(`{}`), s.guest(`{}`)
		var last reply
		for i := range 11 {
			last = ana.writes(fmt.Sprintf("0197a3f0-0000-7000-8000-%012d", i), "hi")
		}
		if last.status != 429 || last.header.Get("Retry-After") != "3" || last.code(t) != "chat.too_many" {
			t.Fatalf("got %d %v %s", last.status, last.header, last.body)
		}
		if r := ben.writes(someID, "hi"); r.status != 201 {
			t.Fatalf("another visitor got %d", r.status)
		}
		s.passes(3 * time.Second)
		if r := ana.writes("0197a3f0-0000-7000-8000-000000000010", "hi"); r.status != 201 {
			t.Fatalf("after the wait: %d", r.status)
		}
	})
	t.Run("address", func(t *testing.T) {
		d := newWorld()
		a := adapterFor(t, d, testAccount, make([]byte, 32), func(set *Settings) { set.AddressRate = 20 })
		send := func(addr string) int {
			rec := &recorder{header: http.Header{}}
			req, _ := http.NewRequest("POST", "/session", strings.NewReader(`{}`))
			req.RemoteAddr = addr
			a.ServeWebhook(rec, req, d)
			return rec.status
		}
		var got []int
		for i := range 12 {
			got = append(got, send(fmt.Sprintf("[2001:db8::%x]:5000", i+1))) // one /64 is one customer
		}
		if slices.Index(got, 429) != 10 {
			t.Fatalf("got %v", got)
		}
		if send("198.51.100.7:1") != 200 {
			t.Fatal("another address is throttled, too")
		}
		for range 50 {
			if send("127.0.0.1:1") != 200 {
				t.Fatal("a proxy on this machine is throttled")
			}
		}
	})
	t.Run("memory", func(t *testing.T) {
		b := newBuckets(60)
		for i := range 100_000 {
			if err := b.take(fmt.Sprint(i), time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		total := 0
		for i := range b.shards {
			total += len(b.shards[i].byKey)
			if len(b.shards[i].byKey) != b.shards[i].order.Len() {
				t.Fatal("the map and the order differ")
			}
		}
		if total > bucketShards*bucketsMax || total == 0 {
			t.Fatalf("%d buckets are kept", total)
		}
	})
}

func TestSendNeedsOnlyAVisitor(t *testing.T) {
	a := adapterFor(t, newWorld(), testAccount, make([]byte, 32))
	if _, err := a.Send(t.Context(), channel.Outbound{To: holdfast.Address{Scheme: "visitor", Value: someID}}); err != nil {
		t.Fatal(err)
	}
	for _, to := range []holdfast.Address{{Scheme: "mailto", Value: "a@b.c"}, {Scheme: "visitor", Value: "x"}} {
		_, err := a.Send(t.Context(), channel.Outbound{To: to})
		var f *channel.Failure
		if !errors.As(err, &f) || f.Reason != channel.Permanent {
			t.Errorf("%s: got %v", to, err)
		}
	}
}

func TestTheWidgetAndTheDeskDeriveTheSameID(t *testing.T) {
	// The same vector stands in the widget's tests.
	got := StoredID(testAccount, someID, holdfast.MustID("0197a3f0-0000-7000-8000-00000000000f"))
	if got.String() != "0197a3f0-0000-82ad-87f8-38ea5d368410" {
		t.Fatal(got)
	}
}
