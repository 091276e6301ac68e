package importer_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/importer"
)

// shows are the recorded desks and what people see here after each.
var shows = []struct {
	source, token, user string
	want                string
	counts              importer.Counts
	report              []string
}{
	{source: importer.Chatwoot, token: "cw-secret", want: `
2024-03-03 08:00 | Wandering River |  | snoozed
  03-03 08:00 in Do you deliver on Fridays?
  03-03 08:01 out Yes, until six. (Кирилл Бывший, former true)
2024-03-02 08:00 | رضا کریمی |  | open | unread | #اینترنت
  03-02 08:00 in سلام، اینترنت قطع شده است
  03-02 08:00 out پیام شما رسید
2024-03-01 08:00 | Анна Петрова | Не приходит счёт | resolved | olga | p2 | #оплата #срочно
  03-01 08:00 in Здравствуйте! Счёт за февраль так и не пришёл.
  03-01 08:01 note Проверьте, пожалуйста, цены в договоре (olga)
  03-01 09:00 out Выслали счёт ещё раз, он во вложении. (olga) [invoice.pdf 21]
`, counts: importer.Counts{CustomersMade: 3, ConversationsMade: 3, MessagesMade: 7, FilesMade: 1, OperatorsMade: 1}},
	{source: importer.Zendesk, token: "zd-secret", user: "admin@x.example", want: `
2024-02-03 10:00 | Sam Hill | Where is my parcel? | waiting | p0
  02-03 10:00 in Where is my parcel?
  02-03 10:30 out With the courier. (Petra Left, former true)
  02-03 10:31 out We have merged another ticket.
2024-02-01 10:00 | Мария Иванова | Возврат денег | resolved | olga | p3 | #возврат
  02-01 10:00 in Хочу вернуть деньги за роутер.
  02-01 10:30 note Проверить у бухгалтерии (olga)
  02-01 11:00 out Деньги отправлены. (olga) [чек.txt 6]
`, counts: importer.Counts{CustomersMade: 2, ConversationsMade: 2, MessagesMade: 6, FilesMade: 1, OperatorsMade: 1, Refused: 1},
		report: []string{"refused conversation ticket 503: import.deleted"}},
	{source: importer.Freshdesk, token: "fd-secret", want: `
2024-01-11 09:00 | Tom Baker | New tariff | waiting | p0
  01-11 09:00 out We have a new tariff for you. (Hans Gone, former true)
2024-01-10 09:00 | مریم احمدی | قطعی اینترنت | resolved | olga | p2 | #قطعی
  01-10 09:00 in از صبح اینترنت نداریم
  01-10 09:10 note لطفاً مودم را بررسی کنید (olga)
  01-10 11:00 out مشکل برطرف شد. (olga)
  01-10 11:30 in ممنون
`, counts: importer.Counts{CustomersMade: 2, ConversationsMade: 2, MessagesMade: 5, FilesLost: 1, OperatorsMade: 1, Refused: 1},
		report: []string{"lost attachment ticket 801 مودم.png: import.file", "refused conversation ticket 803: import.spam"}},
	{source: importer.Zammad, token: "zm-secret", want: `
2024-03-06 09:00 | Nicole Braun | Contract | snoozed
  03-06 09:00 in Please send me the contract.
  03-06 09:00 out We have received your mail.
2024-03-05 09:00 | Павел Сидоров | Настройка роутера | resolved | olga | p2 | #роутер
  03-05 09:00 in Как настроить роутер? [фото.txt 5]
  03-05 10:00 note Перезвонить завтра (olga)
  03-05 11:00 out Инструкция отправлена. (olga)
`, counts: importer.Counts{CustomersMade: 2, ConversationsMade: 2, MessagesMade: 5, FilesMade: 1}},
	{source: importer.FreeScout, token: "fs-secret", want: `
2024-04-02 08:00 | Ali Rezaei | Hello | open
  04-02 08:00 in Is the shop open?
2024-04-01 08:00 | Елена Орлова | Подключение дома | resolved | olga | #подключение
  04-01 08:00 in Здравствуйте, когда подключите дом?
  04-01 08:30 note Позвонить монтажникам (olga)
  04-01 09:00 out Подключим в пятницу.⏎С уважением, Ольга (olga) [договор.txt 8]
`, counts: importer.Counts{CustomersMade: 2, ConversationsMade: 2, MessagesMade: 4, FilesMade: 1, Refused: 1},
		report: []string{"refused conversation conversation 3003: import.spam"}},
}

func (d *desk) same(what, want string) {
	d.t.Helper()
	if got := strings.TrimSpace(d.tells()); got != strings.TrimSpace(want) {
		d.t.Errorf("%s:\n%s\nwant\n%s", what, got, strings.TrimSpace(want))
	}
}

func TestEveryDeskComesOverWholeAndOnce(t *testing.T) {
	for _, s := range shows {
		t.Run(s.source, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				tape := record(t, s.source)
				wish := importer.NewImport{Source: s.source, Settings: importer.Settings{URL: tape.URL + "/", Token: s.token, User: s.user}}
				dry := wish
				dry.Dry = true
				before := d.entries()
				v := d.imports(dry, "")
				if len(before) != 0 || len(d.entries()) != 0 || d.tells() != "" {
					t.Errorf("a dry run wrote %v: %s", d.entries(), d.tells())
				}
				if members, _ := d.Guard.Operators(context.Background(), d.workspace); len(members) != 1 {
					t.Errorf("a dry run made operators: %+v", members)
				}
				if v.State != importer.Done || v.Counts.MessagesMade != s.counts.MessagesMade || v.Counts.ConversationsMade != s.counts.ConversationsMade || v.Counts.CustomersMade != s.counts.CustomersMade {
					t.Errorf("the dry run promised %+v", v)
				}

				v = d.imports(wish, "")
				if v.State != importer.Done || v.Counts != s.counts {
					t.Errorf("%s %s %s: %+v", v.State, v.Code, v.Reason, v.Counts)
				}
				d.same("the first time", s.want)
				if got := d.report(v.ID); !slices.Equal(got, s.report) {
					t.Errorf("the report says %q", got)
				}
				if len(tape.strange) > 0 && s.source != importer.Freshdesk { // whose picture is gone
					t.Errorf("asked for what the desk does not have: %q", tape.strange)
				}
				// Nothing was, or will be, sent.
				if n := d.entries()["message.queued"]; n != d.entries()["message.sent"] {
					t.Errorf("%d queued, %d sent", n, d.entries()["message.sent"])
				}
				totals, err := d.Outbox.Totals(context.Background(), d.workspace)
				if err != nil || totals.Queued+totals.Sending+totals.RetryWait != 0 {
					t.Errorf("the outbox has %+v (%v)", totals, err)
				}

				once := d.entries()
				v = d.imports(wish, "")
				if v.Counts.MessagesMade+v.Counts.ConversationsMade+v.Counts.CustomersMade+v.Counts.OperatorsMade != 0 || v.Counts.MessagesHere != s.counts.MessagesMade {
					t.Errorf("the second time made %+v", v.Counts)
				}
				for kind, n := range d.entries() {
					if n != once[kind] {
						t.Errorf("the second time wrote %d of %s", n-once[kind], kind)
					}
				}
				d.same("the second time", s.want)
				for _, name := range d.Journal.Projections() {
					if err := d.Journal.Rebuild(context.Background(), name, nil); err != nil {
						t.Fatal(err)
					}
				}
				d.same("filled anew from the journal", s.want)
			})
		})
	}
}

func TestAFailureInTheMiddleLosesAndDoublesNothing(t *testing.T) {
	for _, s := range shows {
		t.Run(s.source, func(t *testing.T) {
			d := newDesk(t, t.TempDir(), "")
			tape := record(t, s.source)
			// Every request is the last one once; the import is resumed each time.
			last := 1
			tape.interfere = func(n int, w http.ResponseWriter, r *http.Request) bool {
				if n < last {
					return false
				}
				w.WriteHeader(http.StatusBadGateway)
				return true
			}
			id := d.starts(importer.NewImport{Source: s.source, Settings: importer.Settings{URL: tape.URL, Token: s.token, User: s.user}}, "")
			failures := 0
			for range 100 {
				if err := d.Importer.RunOne(context.Background(), id); err != nil {
					t.Fatal(err)
				}
				v := d.view(id)
				if v.State == importer.Done {
					break
				}
				if v.State != importer.Failed || v.Code != "import.unreachable" {
					t.Fatalf("%+v", v)
				}
				failures++
				tape.mu.Lock()
				tape.asked, last = nil, 2+failures
				tape.mu.Unlock()
				if _, err := d.Importer.Resume(context.Background(), d.by, id); err != nil {
					t.Fatal(err)
				}
			}
			if failures < 2 {
				t.Errorf("it failed only %d times", failures)
			}
			// A file that cannot be had is no failure of the import.
			want := s.want
			if lost := d.view(id).Counts.FilesLost; lost > 0 {
				got := d.tells()
				for line := range strings.Lines(want) {
					if i := strings.Index(line, " ["); i > 0 && !strings.Contains(got, strings.TrimSpace(line)) {
						want = strings.Replace(want, line, line[:i]+"\n", 1)
					}
				}
			}
			d.same("after it was mended", want)
			if c := d.view(id).Counts; c.ConversationsMade != s.counts.ConversationsMade || c.CustomersMade != s.counts.CustomersMade || c.MessagesMade != s.counts.MessagesMade {
				t.Errorf("counted %+v", c)
			}
		})
	}
}

func TestItWaitsAsLongAsTheOtherDeskSays(t *testing.T) {
	d := newDesk(t, t.TempDir(), "")
	waits := importer.Hurry(d.Importer)
	tape := record(t, importer.FreeScout)
	tape.interfere = func(n int, w http.ResponseWriter, r *http.Request) bool {
		switch n {
		case 1, 2:
			w.Header().Set("Retry-After", "42")
			w.WriteHeader(http.StatusTooManyRequests)
		case 3:
			w.Header().Set("Retry-After", time.Now().Add(90*time.Second).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusTooManyRequests)
		case 4:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return n <= 4
	}
	v := d.imports(importer.NewImport{Source: importer.FreeScout, Settings: importer.Settings{URL: tape.URL, Token: "fs-secret"}}, "")
	if v.State != importer.Done {
		t.Errorf("%+v", v)
	}
	if len(*waits) != 4 || (*waits)[0] != 42*time.Second || (*waits)[1] != 42*time.Second || (*waits)[2] < time.Minute || (*waits)[2] > 2*time.Minute || (*waits)[3] != time.Second {
		t.Errorf("waited %v", *waits)
	}
}

func TestATokenGoesToItsOwnDeskAlone(t *testing.T) {
	d := newDesk(t, t.TempDir(), "")
	told := make(chan string, 10)
	var elsewhere *recorded
	elsewhere = record(t, importer.FreeScout)
	elsewhere.interfere = func(n int, w http.ResponseWriter, r *http.Request) bool {
		told <- r.Header.Get("X-FreeScout-API-Key") + r.Header.Get("Authorization")
		w.Write([]byte("stolen"))
		return true
	}
	tape := record(t, importer.FreeScout)
	tape.interfere = func(n int, w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/storage/") {
			http.Redirect(w, r, elsewhere.URL+"/x", http.StatusFound)
			return true
		}
		return false
	}
	d.Importer.Deps.Outside = http.DefaultClient // or it would refuse to go there at all
	v := d.imports(importer.NewImport{Source: importer.FreeScout, Settings: importer.Settings{URL: tape.URL, Token: "fs-secret"}}, "")
	if v.Counts.FilesMade != 1 {
		t.Errorf("%+v %q", v.Counts, d.report(v.ID))
	}
	select {
	case got := <-told:
		if got != "" {
			t.Errorf("a stranger was told %q", got)
		}
	default:
		t.Error("the redirect was not followed")
	}
}

func TestAFileInsideTheHouseIsNotFetchedForAStranger(t *testing.T) {
	d := newDesk(t, t.TempDir(), "")
	secret := record(t, importer.FreeScout)
	secret.interfere = func(n int, w http.ResponseWriter, r *http.Request) bool { w.Write([]byte("inside")); return true }
	v := d.imports(importer.NewImport{Source: importer.JSONL, Settings: importer.Settings{File: "a.jsonl"}},
		`{"type":"conversation","id":"1","customer":{"name":"A","emails":["a@x.example"]},"messages":[{"direction":"in","at":"2024-01-01T00:00:00Z","text":"hi","attachments":[{"name":"x","url":"`+secret.URL+`/latest"}]}]}`)
	if len(secret.asked) != 0 || v.Counts.FilesLost != 1 || v.Counts.MessagesMade != 1 {
		t.Errorf("asked %q, %+v", secret.asked, v.Counts)
	}
}

func TestAWrongTokenAndAWrongAddressAreNamed(t *testing.T) {
	d := newDesk(t, t.TempDir(), "")
	tape := record(t, importer.Zammad)
	v := d.imports(importer.NewImport{Source: importer.Zammad, Settings: importer.Settings{URL: tape.URL, Token: "other-secret"}}, "")
	if v.State != importer.Failed || v.Code != "import.denied" || strings.Contains(v.Reason, "other-secret") {
		t.Errorf("%+v", v)
	}
	v = d.imports(importer.NewImport{Source: importer.Zammad, Settings: importer.Settings{URL: tape.URL + "/elsewhere", Token: "zm-secret"}}, "")
	if v.State != importer.Failed || v.Code != "import.no_api" {
		t.Errorf("%+v", v)
	}
	for url, token := range map[string]string{"": "t", "ftp://x.example": "t", "https://u:p@x.example": "t", "https://x.example?a=b": "t", "https://x.example": "", "https://y.example": "two words"} {
		_, err := d.Importer.Create(context.Background(), d.by, importer.NewImport{ID: holdfast.NewID(), Source: importer.Zammad, Settings: importer.Settings{URL: url, Token: token}})
		if holdfast.KindOf(err) != holdfast.Invalid {
			t.Errorf("%q, %q: %v", url, token, err)
		}
	}
}

func TestWhatChangedThereSinceIsTakenOverAndOurOwnWordStands(t *testing.T) {
	d := newDesk(t, t.TempDir(), "")
	line := func(status, more string) string {
		return `{"type":"conversation","id":"7","subject":"S","status":"` + status + `","created_at":"2024-01-01T00:00:00Z","updated_at":"2024-01-0` + map[string]string{"open": "2", "resolved": "3"}[status] + `T00:00:00Z","customer":{"name":"A","emails":["a@x.example"]},"messages":[{"id":"1","direction":"in","at":"2024-01-01T00:00:00Z","text":"one"}` + more + `]}`
	}
	wish := importer.NewImport{Source: importer.JSONL, Settings: importer.Settings{File: "a.jsonl"}}
	d.imports(wish, line("open", ""))
	d.same("first", "2024-01-01 00:00 | A | S | open\n  01-01 00:00 in one")
	d.imports(wish, line("resolved", `,{"id":"2","direction":"out","at":"2024-01-02T10:00:00Z","text":"two","author":{"email":"olga@desk.example"}}`))
	d.same("later", "2024-01-01 00:00 | A | S | resolved\n  01-01 00:00 in one\n  01-02 10:00 out two (olga)")
}
