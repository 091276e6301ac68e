package importer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"holdfast"
	"holdfast/access"
	"holdfast/importer"
	"holdfast/setup"
)

func csvOf(name string) importer.NewImport {
	return importer.NewImport{Source: importer.CSV, Settings: importer.Settings{File: name}}
}

const russianTable = `Номер обращения;Тема;Статус;Приоритет;Имя;Эл. почта;Телефон;Дата;Направление;Почта автора;Автор;Сообщение;Метки
1;Не работает;решено;срочный;Анна Петрова;Anna@Customer.example;+7 900 123-45-67;01.03.2024 10:00;входящее;;;Здравствуйте! Нет интернета :(;сеть, жалоба
1;Не работает;решено;срочный;Анна Петрова;anna@customer.example;;01.03.2024 10:05;исходящее;olga@desk.example;Ольга;Проверяем линию;
1;Не работает;решено;срочный;Анна Петрова;anna@customer.example;;01.03.2024 10:06;заметка;olga@desk.example;Ольга;Позвонить завтра;
2;Счёт;открыто;;Иван;ivan@customer.example;;02.03.2024 9:00;входящее;;;"Пришлите ""счёт""
пожалуйста";
`

const russianTold = `
2024-03-02 06:00 | Иван | Счёт | open
  03-02 06:00 in Пришлите "счёт"⏎пожалуйста
2024-03-01 07:00 | Анна Петрова | Не работает | resolved | p3 | #жалоба #сеть
  03-01 07:00 in Здравствуйте! Нет интернета :(
  03-01 07:05 out Проверяем линию (olga)
  03-01 07:06 note Позвонить завтра (olga)
`

const persianTable = `شماره تیکت,موضوع,وضعیت,نام مشتری,ایمیل,تلفن همراه,تاریخ,جهت,متن پیام,برچسب‌ها
۱۲,قطعی اینترنت,حل شده,رضا کریمی,reza@customer.example,۰۹۱۲۳۴۵۶۷۸۹,۱۴۰۲/۱۲/۱۱ ۱۰:۳۰,ورودی,سلام، پنج روز است اینترنت قطع است,قطعی
۱۲,قطعی اینترنت,حل شده,رضا کریمی,reza@customer.example,,۱۴۰۲/۱۲/۱۱ ۱۱:۰۰,خروجی,مشکل برطرف شد,
`

const persianTold = `
2024-03-01 07:30 | رضا کریمی | قطعی اینترنت | resolved | #قطعی
  03-01 07:30 in سلام، پنج روز است اینترنت قطع است
  03-01 08:00 out مشکل برطرف شد
`

func TestTablesInEveryLanguageAndEncoding(t *testing.T) {
	// windows-1256 has no Persian yeh and digits: what programs of that time write instead.
	arabic := strings.NewReplacer("ی", "ي", "ک", "ك", "۰", "0", "۱", "1", "۲", "2", "۳", "3", "۴", "4", "۵", "5", "۶", "6", "۷", "7", "۸", "8", "۹", "9").Replace
	for _, c := range []struct {
		name, table, want string
		in                encoding.Encoding
	}{
		{"ru utf-8", russianTable, russianTold, nil},
		{"ru utf-8 with a mark", "\ufeff" + russianTable, russianTold, nil},
		{"ru windows lines", strings.ReplaceAll(russianTable, "\n", "\r\n"), russianTold, nil},
		{"ru windows-1251", russianTable, russianTold, charmap.Windows1251},
		{"ru utf-16le", russianTable, russianTold, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)},
		{"ru utf-16be", russianTable, russianTold, unicode.UTF16(unicode.BigEndian, unicode.UseBOM)},
		{"ru utf-16 without a mark", russianTable, russianTold, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
		{"ru tabs", strings.ReplaceAll(russianTable, ";", "\t"), russianTold, nil},
		{"fa utf-8", persianTable, persianTold, nil},
		{"fa utf-16", persianTable, persianTold, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)},
		{"fa windows-1256", arabic(persianTable), arabic(strings.ReplaceAll(persianTold, "2024", "۲")), charmap.Windows1256},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, t.TempDir(), "")
			table := c.table
			if c.in != nil {
				var err error
				if table, err = c.in.NewEncoder().String(table); err != nil {
					t.Fatal(err)
				}
			}
			v := d.imports(csvOf("t.csv"), table)
			if v.State != importer.Done || v.Counts.Refused != 0 {
				t.Fatalf("%+v %q", v, d.report(v.ID))
			}
			want := strings.ReplaceAll(c.want, "۲", "2024")
			if c.name == "fa windows-1256" {
				want = strings.ReplaceAll(arabic(persianTold), "۲", "2")
			}
			d.same(c.name, want)
			if n := len(d.entries()); n == 0 {
				t.Error("nothing was written")
			}
		})
	}
}

func TestWhatATableMustNotBringIsRefusedRowByRow(t *testing.T) {
	d := newDesk(t, t.TempDir(), "")
	good := "9,Добрый,good@customer.example,2024-01-01 10:00,in,hello\n"
	rows := []string{
		"1,Ann,ann@customer.example,2024-01-01 10:00,in,=SUM(A1:A9)\n",
		"2,Ann,ann@customer.example,2024-01-01 10:00,in,\"=HYPERLINK(\"\"http://x.example\"\",\"\"y\"\")\"\n",
		"3,=cmd|' /C calc'!A0,ann@customer.example,2024-01-01 10:00,in,hello\n",
		"4,Ann,ann@customer.example,2024-01-01 10:00,in,nul\x00byte\n",
		"5,Ann,ann@customer.example,2024-01-01 10:00,in,broken \xff\xfe utf-8\n",
		"6,Ann,no address,2024-01-01 10:00,in,hello\n",
		"7,Ann,ann@customer.example,yesterday,in,hello\n",
		"8,Ann,ann@customer.example,,in,hello\n",
		"10,Ann,ann@customer.example,2024-01-01 10:00,sideways,hello\n",
		"11,,,2024-01-01 10:00,in,hello\n",
		"12,Ann,ann@customer.example,2124-01-01 10:00,in,hello\n",
		"13,Ann,ann@customer.example,2024-01-01 10:00,in," + strings.Repeat("x", 300<<10) + "\n",
		"14,Ann,ann@customer.example,2024-01-01 10:00,in,\"" + strings.Repeat("never closed\n", 100_000),
	}
	v := d.imports(csvOf("t.csv"), "ticket,name,e-mail,date,direction,text\n"+strings.Join(rows[:12], good)+good+
		"15,Ann,ann@customer.example,2024-01-01 10:00,in,=) a smile is no formula\n16,Ann,ann@customer.example,2024-01-01 10:01,in,+7 900 123-45-67\n17,Ann,ann@customer.example,2024-01-01 10:02,in,-- a line\n"+rows[12])
	want := []string{"import.formula", "import.formula", "import.formula", "import.nul", "import.encoding", "import.mail", "import.date", "import.date", "import.direction", "import.nobody", "import.date", "import.cell_too_long", "import.row_too_long"}
	var got []string
	for _, l := range d.report(v.ID) {
		code := l[strings.LastIndex(l, ": ")+2:]
		if !strings.HasPrefix(l, "refused ") {
			t.Errorf("%s", l)
		}
		if len(got) == 0 || got[len(got)-1] != code || len(got) < len(want) && want[len(got)] == code {
			got = append(got, code)
		}
	}
	// What follows the quotation mark that is never closed is rows again, none of them sound.
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("refused %q", got[:min(len(got), 20)])
	}
	if v.Counts.MessagesMade != 4 {
		t.Errorf("%+v\n%s", v.Counts, d.tells())
	}
}

func TestATableWithoutPeopleOrHeadersIsNamed(t *testing.T) {
	d := newDesk(t, t.TempDir(), "")
	for table, code := range map[string]string{"\n": "import.no_header", "colour,size\nred,1\n": "import.columns"} {
		if v := d.imports(csvOf("t.csv"), table); v.State != importer.Failed || v.Code != code {
			t.Errorf("%q: %+v", table, v)
		}
	}
	n := csvOf("t.csv")
	n.Settings.Columns = map[string]string{"colour": "name", "size": "phone"}
	if v := d.imports(n, "colour,size\nred,+7 900 000 00 01\n"); v.Counts.CustomersMade != 1 {
		t.Errorf("%+v %q", v, d.report(v.ID))
	}
}

func TestLinesOfJSON(t *testing.T) {
	d := newDesk(t, t.TempDir(), "")
	file := `{"type":"customer","id":5,"name":"Sara","emails":["sara@customer.example","s@work.example"],"phones":["+98 21 1234 5678"],"company":"Pars"}
{"type":"conversation","id":"a","customer_id":"5","subject":"Hi","status":"waiting","priority":"high","tags":["vip"],"assignee":"olga@desk.example","created_at":"2024-01-01T10:00:00Z","messages":[{"id":1,"direction":"in","at":1704103200,"text":"one"}]}

not json at all
{"type":"conversation","id":"b","customer_id":"404","messages":[{"direction":"in","at":"2024-01-01T10:00:00Z","text":"x"}]}
{"type":"ticket"}
{"type":"message","conversation":"a","id":2,"direction":"out","at":"2024-01-01T12:00:00Z","html":"<p>two <script>alert(1)</script><b>words</b></p>"}
{"type":"conversation","id":"c","status":"broken","customer":{"name":"N"}}
` + `{"type":"conversation","id":"d","pad":"` + strings.Repeat("x", 9<<20) + `"}
{"type":"conversation","id":"e","subject":"E","customer":{"id":5},"created_at":"2024-02-01T10:00:00Z"}`
	v := d.imports(importer.NewImport{Source: importer.JSONL, Settings: importer.Settings{File: "x.jsonl"}}, file)
	d.same("lines", `
2024-02-01 10:00 | Sara | E | open
2024-01-01 10:00 | Sara | Hi | waiting | olga | p2 | #vip
  01-01 10:00 in one
  01-01 12:00 out two words`)
	want := []string{"refused row line 4: import.json", "refused conversation conversation b: import.no_customer", "refused row line 6: import.type", "refused conversation line 8: import.status", "refused row line 9: import.row_too_long"}
	if got := d.report(v.ID); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	ctx := context.Background()
	list, _, err := d.Inbox.Customers(ctx, d.workspace, "", 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v %v", list, err)
	}
	c, err := d.Inbox.Customer(ctx, d.workspace, list[0].ID)
	if err != nil || len(c.Addresses) != 3 || c.Company != "Pars" {
		t.Errorf("%+v %v", c, err)
	}
}

func TestACustomerWhoIsHereIsThatCustomer(t *testing.T) {
	d := newDesk(t, t.TempDir(), "")
	ctx := context.Background()
	a, err := d.Setup.CreateChannel(ctx, d.by, setup.NewChannel{ID: holdfast.NewID(), Kind: "loop", Name: "Loop"})
	if err != nil {
		t.Fatal(err)
	}
	id := holdfast.NewID()
	by := deskBy(d)
	if _, err := d.Desk.CreateCustomer(ctx, by, id, holdfast.CustomerCreated{Name: "Ann Here", Addresses: []holdfast.Address{{Scheme: "mailto", Value: "ann@customer.example"}}}); err != nil {
		t.Fatal(err)
	}
	n := csvOf("t.csv")
	n.Settings.Channel = a.ID
	v := d.imports(n, "customer id,name,mail,phone,ticket,date,text\n77,Ann There,ANN@customer.example,+7 900 000 00 07,1,2024-01-01,hello\n")
	if v.Counts.CustomersMade != 0 || v.Counts.CustomersHere != 1 || v.Counts.ConversationsMade != 1 {
		t.Errorf("%+v", v.Counts)
	}
	c, err := d.Inbox.Customer(ctx, d.workspace, id)
	if err != nil || c.Name != "Ann Here" || len(c.Addresses) != 2 {
		t.Errorf("%+v %v", c, err)
	}
	d.same("hers", "2023-12-31 21:00 | Ann Here |  | open\n  12-31 21:00 in hello")
}

// bigTable is a table of n rows: a conversation for each three.
func bigTable(n int) string {
	var b strings.Builder
	b.WriteString("ticket,subject,status,name,mail,date,direction,text\n")
	at := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		way := [...]string{"in", "out", "note"}[i%3]
		fmt.Fprintf(&b, "%d,Matter %d,resolved,Customer %d,c%d@customer.example,%s,%s,Message number %d\n", i/3, i/3, i/3%200, i/3%200, at.Add(time.Duration(i)*time.Minute).Format("2006-01-02 15:04"), way, i)
	}
	return b.String()
}

func TestKilledAnywhereItGoesOnAndIsOnce(t *testing.T) {
	table := bigTable(1200)
	whole := newDesk(t, t.TempDir(), "")
	whole.imports(csvOf("t.csv"), table)
	want, counts := whole.tells(), whole.entries()

	each(t, func(t *testing.T, d *desk) {
		id := d.starts(csvOf("t.csv"), table)
		cuts := 0
		for round := 0; ; round++ {
			if round > 400 {
				t.Fatal("it never ends")
			}
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- d.Importer.RunOne(ctx, id) }()
			pause := time.Duration(20+4*round*round) * time.Millisecond
			ended := false
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
				ended = true
			case <-time.After(pause):
				cuts++
				if round%2 == 0 {
					cancel() // told to stop
				} else {
					d.DB.Close() // gone, in the middle of whatever it was
				}
				<-done
			}
			cancel()
			if ended && d.view(id).State == importer.Done {
				break
			}
			d.reopen()
			// What a process that is gone has held is free after a while.
			d.DB.Write(context.Background(), expire)
		}
		if cuts < 2 {
			t.Errorf("it was cut off only %d times", cuts)
		}
		if got := d.tells(); got != want {
			t.Errorf("it is not what it is when nothing goes wrong: %d and %d bytes", len(got), len(want))
		}
		for kind, n := range d.entries() {
			if n != counts[kind] {
				t.Errorf("%d entries of %s, not %d", n, kind, counts[kind])
			}
		}
		if c := d.view(id).Counts; c.MessagesMade != 1200 || c.ConversationsMade != 400 || c.CustomersMade != 200 || c.MessagesHere != 0 {
			t.Errorf("counted %+v", c)
		}
	})
}

func TestCancelledAndResumed(t *testing.T) {
	d := newDesk(t, t.TempDir(), "")
	id := d.starts(csvOf("t.csv"), bigTable(3000))
	ctx := context.Background()
	done := make(chan error, 1)
	go func() { done <- d.Importer.RunOne(ctx, id) }()
	for d.view(id).Counts.MessagesMade == 0 {
		time.Sleep(time.Millisecond)
	}
	if v, err := d.Importer.Cancel(ctx, d.by, id); err != nil || v.State != importer.Cancelled {
		t.Fatalf("%+v %v", v, err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	v := d.view(id)
	if v.State != importer.Cancelled || v.Counts.MessagesMade == 3000 {
		t.Errorf("%+v", v)
	}
	if err := d.Importer.RunOne(ctx, id); err != nil || d.view(id).State != importer.Cancelled {
		t.Errorf("a cancelled import was walked (%v)", err)
	}
	if _, err := d.Importer.Resume(ctx, d.by, id); err != nil {
		t.Fatal(err)
	}
	if err := d.Importer.RunOne(ctx, id); err != nil {
		t.Fatal(err)
	}
	if v := d.view(id); v.State != importer.Done || v.Counts.MessagesMade != 3000 {
		t.Errorf("%+v", v)
	}
}

func TestAFileComesInPiecesAndADryRunIsThenDone(t *testing.T) {
	d := newDesk(t, t.TempDir(), "")
	ctx := context.Background()
	n := csvOf("a (1).csv")
	n.ID, n.Dry = holdfast.NewID(), true
	if v, err := d.Importer.Create(ctx, d.by, n); err != nil || v.State != importer.Uploading {
		t.Fatalf("%+v %v", v, err)
	}
	table := bigTable(30)
	up := func(offset int, last bool, s string) (importer.View, error) {
		return d.Importer.Upload(ctx, d.workspace, n.ID, int64(offset), last, strings.NewReader(s))
	}
	if _, err := up(0, false, table[:100]); err != nil {
		t.Fatal(err)
	}
	if _, err := up(500, false, table[500:]); holdfast.CodeOf(err) != "import.offset" {
		t.Errorf("a piece that leaves a hole: %v", err)
	}
	if v, err := up(0, false, table[:100]); err != nil || v.Uploaded != 100 { // again
		t.Errorf("%+v %v", v, err)
	}
	if v, err := up(100, true, table[100:]); err != nil || v.State != importer.Queued {
		t.Errorf("%+v %v", v, err)
	}
	if err := d.Importer.RunOne(ctx, n.ID); err != nil {
		t.Fatal(err)
	}
	dry := d.view(n.ID)
	if dry.Counts.MessagesMade != 30 || len(d.entries()) != 0 {
		t.Errorf("%+v %v", dry, d.entries())
	}
	if lines := d.report(n.ID); len(lines) != 20 { // ten customers, ten conversations
		t.Errorf("%q", lines)
	}
	v := d.imports(importer.NewImport{Like: n.ID}, "")
	if v.State != importer.Done || v.Counts != dry.Counts || v.Dry {
		t.Errorf("%+v", v)
	}
	if _, err := os.Stat(filepath.Join(d.Config.Data, "imports", v.ID.String())); err == nil {
		t.Error("the file stays when nobody needs it")
	}
	// The same table saved under the name that a browser gives it the second time.
	if v := d.imports(csvOf("a (2).csv"), table); v.Counts.MessagesMade != 0 || v.Counts.MessagesHere != 30 {
		t.Errorf("%+v", v.Counts)
	}
}

func TestAnImportBelongsToItsWorkspace(t *testing.T) {
	d := newDesk(t, t.TempDir(), "")
	ctx := context.Background()
	w, err := d.Setup.CreateWorkspace(ctx, access.System(holdfast.ID{}), setup.NewWorkspace{ID: holdfast.NewID(), Name: "Other", Language: "en", TimeZone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	v := d.imports(csvOf("t.csv"), bigTable(3))
	other := access.System(w.ID)
	_, err1 := d.Importer.View(ctx, w.ID, v.ID)
	_, err2 := d.Importer.Lines(ctx, w.ID, v.ID, "", 0, 10)
	_, err3 := d.Importer.Cancel(ctx, other, v.ID)
	_, err4 := d.Importer.Resume(ctx, other, v.ID)
	_, err5 := d.Importer.Create(ctx, other, importer.NewImport{ID: holdfast.NewID(), Like: v.ID})
	_, err6 := d.Importer.Upload(ctx, w.ID, v.ID, 0, true, strings.NewReader("x"))
	for i, err := range []error{err1, err2, err3, err4, err5, err6} {
		if holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("%d: %v", i, err)
		}
	}
	if _, err := d.Importer.Create(ctx, other, importer.NewImport{ID: v.ID, Source: importer.CSV}); holdfast.CodeOf(err) != "setup.id_taken" {
		t.Errorf("%v", err)
	}
	if list, err := d.Importer.List(ctx, w.ID, 0); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
	// The same file into the other workspace is another history.
	d2 := *d
	d2.workspace, d2.by = w.ID, other
	if v := d2.imports(csvOf("t.csv"), bigTable(3)); v.Counts.MessagesMade != 3 {
		t.Errorf("%+v", v.Counts)
	}
}

// A hundred thousand rows in bounded memory: B/op is what was allocated in all,
// "peak" what was in use at most.
func BenchmarkATableOfAHundredThousandRows(b *testing.B) {
	table := bigTable(100_000)
	for range b.N {
		d := newDesk(b, b.TempDir(), "")
		id := d.starts(csvOf("t.csv"), table)
		stop, peak := make(chan struct{}), uint64(0)
		done := make(chan struct{})
		go func() {
			defer close(done)
			var m runtime.MemStats
			for {
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
				select {
				case <-stop:
					return
				case <-time.After(200 * time.Millisecond):
				}
			}
		}()
		if err := d.Importer.RunOne(context.Background(), id); err != nil {
			b.Fatal(err)
		}
		close(stop)
		<-done
		if v := d.view(id); v.Counts.MessagesMade != 100_000 {
			b.Fatalf("%+v", v)
		}
		b.ReportMetric(float64(peak)/1e6, "peak-MB")
	}
}
