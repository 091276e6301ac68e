package importer

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"holdfast"
)

// walked is everything a source hands over.
func walked(t testing.TB, src source, place string) (list []record, err error) {
	t.Helper()
	err = src.read(context.Background(), place, func(r record) error {
		list = append(list, r)
		return nil
	})
	return list, err
}

func written(t testing.TB, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// plausible checks what may never come out of a file, whatever is in it.
func plausible(t *testing.T, list []record) {
	t.Helper()
	for _, r := range list {
		if r.refused == "" && r.conversation != nil {
			if r.conversation.id == "" && r.what == "row" {
				t.Errorf("%s has no id", r.ref)
			}
			for _, m := range r.conversation.messages {
				if !utf8.ValidString(m.text) || m.direction == "" {
					t.Errorf("%s: %q %q", r.ref, m.direction, m.text)
				}
			}
			for _, a := range r.conversation.customerAddresses() {
				if strings.ContainsAny(a.Value, "\r\n\x00") || len(a.Value) > 320 {
					t.Errorf("%s: the address %q", r.ref, a.Value)
				}
			}
		}
	}
}

func (c *conversation) customerAddresses() []holdfast.Address {
	if c.customer == nil {
		return nil
	}
	return c.customer.addresses
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"name,mail,text,date\nA,a@x.example,hello,2024-01-01\n", "имя;почта;текст\n\"a;\n", "\"", "name\n\"\"\"\"\n", "name,ticket\n=cmd|x,1\n\x00,2", "\ufeffname\tmail\r\na\tb\r\n",
		"\xff\xfen\x00a\x00m\x00e\x00\n\x00", "name,mail\n" + strings.Repeat("\"x\n", 50), "phone\n۰۹۱۲۳۴۵۶۷۸۹\n", "name,date,text\na,1402/12/30,x\n", strings.Repeat(",", 300) + "\n"} {
		f.Add([]byte(s), "")
	}
	f.Add([]byte("name,mail\nа,b\n"), "windows-1251")
	f.Fuzz(func(t *testing.T, b []byte, encoding string) {
		if !slices.Contains(Encodings, encoding) {
			encoding = ""
		}
		src := &table{path: written(t, b), settings: &Settings{Encoding: encoding}, zone: time.UTC}
		list, err := walked(t, src, "")
		if err != nil && holdfast.KindOf(err) != holdfast.Invalid {
			t.Fatal(err)
		}
		plausible(t, list)
		if again, _ := walked(t, src, ""); len(again) != len(list) {
			t.Errorf("%d records, then %d", len(list), len(again))
		}
		// From any place on, what follows is what followed.
		for i, r := range list {
			if r.place != "" && i < 20 {
				rest, err := walked(t, src, r.place)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := refs(rest), refs(list[i+1:]); !slices.Equal(got, want) {
					t.Errorf("behind %s come %q, not %q", r.place, got, want)
				}
			}
		}
	})
}

func refs(list []record) (out []string) {
	for _, r := range list {
		if r.ref != "" {
			out = append(out, r.ref+r.refused)
		}
	}
	return out
}

func FuzzJSONL(f *testing.F) {
	for _, s := range []string{`{"type":"customer","id":1,"name":"A"}`, `{"type":"conversation","id":"x","messages":[{"direction":"in","at":1,"text":"a"}]}` + "\n{", `{"type":"message","conversation":null}`,
		`{"type":"conversation","customer":{"addresses":[{"scheme":"x","value":"a\nb"}]}}`, "[]\n1\nnull\n\"\"\n", `{"type":"customer","phones":["` + strings.Repeat("9", 400) + `"]}`, strings.Repeat("[", 20000)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := walked(t, &lines{path: written(t, b), settings: &Settings{}, zone: time.UTC}, "")
		if err != nil {
			t.Fatal(err)
		}
		plausible(t, list)
	})
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"2024-01-01", "1402/12/29 10:00", "۱۴۰۳-۱۲-۳۰", "01.02.2024 3:04", "1709280000", "1709280000000", "1399/13/01", "-1", "1e309", "NaN"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if at, ok := parseTime(s, time.UTC); ok && (at.IsZero() || at.Year() < 1 || at.Year() > 9999) {
			t.Errorf("%q is %v", s, at)
		}
	})
}

func TestDatesOfBothCalendars(t *testing.T) {
	tehran := time.FixedZone("", 3*3600+1800)
	for s, want := range map[string]string{
		"1400/01/01": "2021-03-20T20:30:00Z", "1403/01/01": "2024-03-19T20:30:00Z", "1404/01/01": "2025-03-20T20:30:00Z", "1403/12/30": "2025-03-19T20:30:00Z", "1402/12/29": "2024-03-18T20:30:00Z",
		"1399/12/30 12:00": "2021-03-20T08:30:00Z", "1370-06-31 23:59:59": "1991-09-22T20:29:59Z", "۱۴۰۲/۱۲/۱۱ ۱۰:۳۰": "2024-03-01T07:00:00Z", "1402/12/11، 10:30": "2024-03-01T07:00:00Z",
		"01.03.2024 10:00": "2024-03-01T06:30:00Z", "2024-03-01T10:00:00+03:00": "2024-03-01T07:00:00Z", "2024-03-01 10:00:00 UTC": "2024-03-01T10:00:00Z", "1709280000": "2024-03-01T08:00:00Z", "1709280000123": "2024-03-01T08:00:00Z",
	} {
		if got, ok := parseTime(s, tehran); !ok || got.Format(time.RFC3339) != want {
			t.Errorf("%s is %v, not %s", s, got.Format(time.RFC3339), want)
		}
	}
	for _, s := range []string{"", "1402/12/30", "1403/07/31", "1402/13/01", "32.01.2024", "tomorrow", "17", strings.Repeat("1", 70)} {
		if got, ok := parseTime(s, tehran); ok {
			t.Errorf("%q is %v", s, got)
		}
	}
}

// Whatever a writer of tables writes is read as it was.
func TestAWrittenTableIsReadAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringMatching(`[a-zа-яا-ی0-9 ,;"\n|'=+-]{0,12}`)
		want := rapid.SliceOfN(rapid.SliceOfN(cell, 2, 5), 1, 6).Draw(t, "rows")
		comma := rapid.SampledFrom([]rune{',', ';', '\t', '|'}).Draw(t, "comma")
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.Comma = comma
		if err := w.WriteAll(want); err != nil {
			t.Fatal(err)
		}
		rest := b.Bytes()
		for _, row := range want {
			got, used, whole := split(rest, byte(comma), true)
			if !whole || !slices.Equal(got, row) {
				t.Fatalf("%q was read as %q", row, got)
			}
			// Cut off anywhere, it is either not whole or the same.
			for n := range used - 1 {
				if part, took, ok := split(rest[:n], byte(comma), false); ok && (took != used || !slices.Equal(part, row)) {
					t.Fatalf("the first %d bytes of %q are %q", n, row, part)
				}
			}
			rest = rest[used:]
		}
	})
}

func TestHeadersOfThreeLanguages(t *testing.T) {
	for header, want := range map[string]string{
		"E-mail": "mail", "Email": "mail", "EMAIL Address": "mail", "Customer e-mail": "mail", "Эл. почта": "mail", "ایمیل": "mail", "Телефон": "phone", "شمارهٔ تلفن": "phone", "شماره تلفن": "phone",
		"Номер обращения": "conversation", "Ticket ID": "conversation", "وضعيت": "status", "برچسب‌ها": "tags", "Created At": "created", "ФИО": "name", "نام مشتری": "name", "colour": "",
	} {
		if got := byHeader[fold(header)]; got != want {
			t.Errorf("%q is %q, not %q", header, got, want)
		}
	}
	for field := range names {
		if !slices.Contains(Fields, field) {
			t.Errorf("%q is no field", field)
		}
	}
}

func TestPlainText(t *testing.T) {
	for html, want := range map[string]string{
		"<p>one</p><p>two &amp; three</p>": "one\n\ntwo & three", "a<br>b": "a\nb", "<style>x{}</style><div>سلام</div><script>alert(1)</script>": "سلام", "<table><tr><td>1</td><td>2</td></tr></table>": "1 2", "plain": "plain",
	} {
		if got := plainText(html); got != want {
			t.Errorf("%q is %q, not %q", html, got, want)
		}
	}
}
