package email

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"holdfast"
	"holdfast/channel"
)

func encode(t *testing.T, e encoding.Encoding, s string) string {
	t.Helper()
	out, err := e.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const russian = "Здравствуйте! Подскажите, пожалуйста, когда восстановят интернет в нашем доме?"

func TestCharsetsWithRightWrongAndNoLabels(t *testing.T) {
	persian := "سلام، اینترنت ما از دیروز قطع است. لطفاً راهنمایی کنید."
	for name, c := range map[string]struct{ label, bytes, want string }{
		"koi8-r":                {"koi8-r", encode(t, charmap.KOI8R, russian), russian},
		"windows-1251":          {"windows-1251", encode(t, charmap.Windows1251, russian), russian},
		"cp1251":                {"CP1251", encode(t, charmap.Windows1251, russian), russian},
		"koi8 called 1251":      {"windows-1251", encode(t, charmap.KOI8R, russian), russian},
		"1251 called koi8":      {"koi8-r", encode(t, charmap.Windows1251, russian), russian},
		"1251 called latin":     {"iso-8859-1", encode(t, charmap.Windows1251, russian), russian},
		"1251 called ascii":     {"us-ascii", encode(t, charmap.Windows1251, russian), russian},
		"1251 called utf-8":     {"utf-8", encode(t, charmap.Windows1251, russian), russian},
		"866 with no label":     {"", encode(t, charmap.CodePage866, russian), russian},
		"koi8 with no label":    {"", encode(t, charmap.KOI8R, russian), russian},
		"1251 in capitals":      {"", encode(t, charmap.Windows1251, strings.ToUpper(russian)), strings.ToUpper(russian)},
		"utf-8 called 1251":     {"windows-1251", russian, russian},
		"utf-8 called koi8":     {"koi8-r", russian, russian},
		"utf-8 called ascii":    {"us-ascii", persian, persian},
		"utf-8 with no label":   {"", persian, persian},
		"utf-8 called nonsense": {"x-unknown-8bit", persian, persian},
		"utf-8 cut off":         {"utf-8", persian + "\xd8", persian + "\uFFFD"},
		"windows-1256":          {"windows-1256", encode(t, charmap.Windows1256, "سلام دنیا"[:8]), "سلام"},
		"french in latin-1":     {"iso-8859-1", "d\xe9j\xe0 vu, \xe7a alors", "déjà vu, ça alors"},
		"a word in latin-1":     {"iso-8859-1", "caf\xe9", "café"},
		"german with no label":  {"", "Gr\xfc\xdfe aus M\xfcnchen und sch\xf6ne Ostern", "Grüße aus München und schöne Ostern"},
		"gb2312":                {"gb2312", "\xc4\xe3\xba\xc3", "你好"},
		"iso-2022-jp":           {"iso-2022-jp", "\x1b$B$3$s$K$A$O\x1b(B", "こんにちは"},
		"iso-2022-jp, no label": {"", "\x1b$B$3$s$K$A$O\x1b(B", "こんにちは"},
		"utf-7":                 {"utf-7", "Hi +BB8EQAQ4BDIENQRC- 1+-1", "Hi Привет 1+1"},
		"utf-16":                {"utf-16", "\xff\xfe\x1f\x04\x40\x04", "Пр"},
		"ukrainian in 1251":     {"windows-1251", encode(t, charmap.Windows1251, "Доброго дня! Чому не працює інтернет? Їду додому."), "Доброго дня! Чому не працює інтернет? Їду додому."},
	} {
		in, _ := parse(t, "From: a@b.c\r\nContent-Type: text/plain; charset="+c.label+"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"+c.bytes, Options{})
		if got := strings.TrimSpace(in.Text); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestHeadersPeopleReallyReceive(t *testing.T) {
	for raw, want := range map[string]struct{ subject, name, email string }{
		"From: \"=?UTF-8?B?0JjQstCw0L0=?=\" <ivan@example.org>\r\nSubject: =?UTF-8?B?0KHRh9GR?= =?UTF-8?B?0YI=?=":               {"Счёт", "Иван", "ivan@example.org"},
		"From: ivan@example.org (=?koi8-r?Q?=E9=D7=C1=CE?=)\r\nSubject: =?koi8-r?B?8NLJ18XU?=":                                  {"Привет", "Иван", "ivan@example.org"},
		"From: =?UTF-8?Q?Иван Петров?= <Ivan@Example.ORG>\r\nSubject: =?utf-8?Q?=D0=9F=D1=80?= =?utf-8?Q?=D0?= =?utf-8?Q?=B8?=": {"При", "Иван Петров", "ivan@example.org"},
		"From: Иван <ivan@xn--e1afmkfd.xn--p1ai>\r\nSubject: Привет, raw":                                                       {"Привет, raw", "Иван", "ivan@пример.рф"},
		"From: " + "\xc8\xe2\xe0\xed\xee\xe2 \xcf\xe5\xf2\xf0" + " <i@b.c>\r\nSubject: x":                                       {"x", "Иванов Петр", "i@b.c"},
		"From: \"Doe, John\" <j@b.c>, second@b.c\r\nSubject: a =?utf-8?q?b?=c":                                                  {"a bc", "Doe, John", "j@b.c"},
		"Sender: s@b.c\r\nSubject: =?unknown-8bit?Q?caf=E9?=":                                                                   {"café", "", "s@b.c"},
		"From: <>\r\nReply-To: r@b.c\r\nSubject: =?utf-8?B?bad padding":                                                         {"=?utf-8?B?bad padding", "", "r@b.c"},
		"From: undisclosed:;\r\nReturn-Path: <r@b.c>\r\nSubject: a\r\n b\r\n\tc":                                                {"a b c", "", "r@b.c"},
	} {
		in, _ := parse(t, raw+"\r\n\r\nx", Options{})
		if in.Subject != want.subject || in.From.Name != want.name || in.From.Value != want.email || in.From.Verified {
			t.Errorf("%q\n got %q %+v", raw, in.Subject, in.From)
		}
	}
}

func TestAttachmentNames(t *testing.T) {
	for header, want := range map[string]string{
		`attachment; filename="a b.pdf"`:                                       "a b.pdf",
		`attachment; filename*=UTF-8''%D0%A1%D1%87%D1%91%D1%82.pdf`:            "Счёт.pdf",
		"attachment; filename*0*=UTF-8''%D0%A1%D1;\r\n filename*1*=%87.pdf":    "Сч.pdf",
		"attachment;\r\n filename*0=\"part one \";\r\n filename*1=\"two.txt\"": "part one two.txt",
		`attachment; filename="=?koi8-r?B?8NLJ18XU?=.doc"`:                     "Привет.doc",
		`attachment; filename*=koi8-r'ru'%F0%D2.txt`:                           "Пр.txt",
		`attachment; filename=unquoted name.txt`:                               "unquoted name.txt",
		"attachment; filename=\"" + "\xcf\xf0\xe8\xe2\xe5\xf2" + ".doc\"":      "Привет.doc",
		`attachment; filename="a;b.txt"; size=3`:                               "a;b.txt",
		`attachment`:                                                           "attachment-1.pdf",
	} {
		in, m := parse(t, "From: a@b.c\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: "+header+"\r\n\r\nPDF\r\n--b--\r\n", Options{})
		if len(in.Attachments) != 1 || in.Attachments[0].Name != want || string(m.blob(in.Attachments[0].Hash)) != "PDF" || in.Text != "text" {
			t.Errorf("%s: %+v %q", header, in.Attachments, in.Text)
		}
	}
}

func TestSignedEncryptedCalendarAndNested(t *testing.T) {
	for name, c := range map[string]struct {
		raw   string
		marks []string
		kinds []string
		text  string
	}{
		"pgp signed":       {"Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\n\n--b\n\nhello\n--b\nContent-Type: application/pgp-signature\n\nsig\n--b--\n", []string{"signed"}, []string{"signature"}, "hello"},
		"s/mime signed":    {"Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b\n\n--b\n\nhello\n--b\nContent-Type: application/pkcs7-signature; name=smime.p7s\n\nsig\n--b--\n", []string{"signed"}, []string{"signature"}, "hello"},
		"s/mime encrypted": {"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n\nxxx", []string{"encrypted"}, []string{""}, ""},
		"pgp encrypted":    {"Content-Type: multipart/encrypted; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream; name=encrypted.asc\n\n-----BEGIN\n--b--\n", []string{"encrypted"}, []string{"", ""}, ""},
		"inline pgp":       {"\n-----BEGIN PGP MESSAGE-----\nabc\n-----END PGP MESSAGE-----", []string{"encrypted"}, nil, "-----BEGIN PGP MESSAGE-----\nabc\n-----END PGP MESSAGE-----"},
		"invitation":       {"Content-Type: multipart/alternative; boundary=b\n\n--b\n\nCome\n--b\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Lunch\nEND:VEVENT\nEND:VCALENDAR\n--b--\n", []string{"calendar"}, []string{"calendar"}, "Come"},
		"bare invitation":  {"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Lunch\\, at\n  noon\nLOCATION:Here\nEND:VEVENT\nEND:VCALENDAR", []string{"calendar"}, []string{"calendar"}, "Lunch, at noon\nHere"},
		"nested":           {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee\n--b\nContent-Type: message/rfc822\n\nSubject: inner\nFrom: x@y.z\n\ninner text\n--b--\n", nil, []string{"message"}, "see"},
	} {
		in, m := parse(t, dashes("From: a@b.c\n"+c.raw), Options{})
		if !slices.Equal(in.Marks, c.marks) || strings.TrimSpace(in.Text) != strings.ReplaceAll(c.text, "\r", "") {
			t.Errorf("%s: marks %v text %q", name, in.Marks, in.Text)
		}
		var kinds []string
		for _, a := range in.Attachments {
			kinds = append(kinds, a.Kind)
			if a.Kind == "message" && (a.Name != "inner.eml" || !strings.Contains(string(m.blob(a.Hash)), "inner text")) {
				t.Errorf("%s: %+v", name, a)
			}
		}
		if !slices.Equal(kinds, c.kinds) {
			t.Errorf("%s: kinds %q", name, kinds)
		}
		if in.Refuse != nil {
			t.Errorf("%s: refused %+v", name, in.Refuse)
		}
	}
}

func TestKeyIsOneForOneMailOnly(t *testing.T) {
	key := func(raw string) string { in, _ := parse(t, raw, Options{}); return in.Key }
	base := "From: a@b.c\r\nMessage-ID: <1@b.c>\r\n\r\nhello\r\nthere\r\n"
	for name, same := range map[string]string{
		"another path":        "Received: by x\r\n" + base,
		"other line ends":     strings.ReplaceAll(base, "\r\n", "\n"),
		"one line end more":   base + "\r\n",
		"one line end less":   strings.TrimSuffix(base, "\r\n"),
		"marked by a scanner": "X-Spam: no\r\n" + base,
	} {
		if key(same) != key(base) {
			t.Errorf("%s: is another mail", name)
		}
	}
	for name, other := range map[string]string{
		"another text":      strings.Replace(base, "there", "THERE", 1),
		"another id":        strings.Replace(base, "<1@", "<2@", 1),
		"no id":             strings.Replace(base, "Message-ID: <1@b.c>\r\n", "", 1),
		"joined lines":      strings.Replace(base, "hello\r\n", "hello", 1),
		"a blank line more": strings.Replace(base, "hello\r\n", "hello\r\n\r\n", 1),
	} {
		if key(other) == key(base) {
			t.Errorf("%s: is the same mail", name)
		}
	}
}

func TestHTMLOnlyMailIsTrimmedToo(t *testing.T) {
	in, _ := parse(t, "From: a@b.c\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<div dir=\"ltr\">Спасибо!</div><br><div class=\"gmail_quote\"><div class=\"gmail_attr\">пн, 2 мар. 2026 г. в 10:15, Поддержка &lt;<a href=\"mailto:s@example.com\">s@example.com</a>&gt;:<br></div><blockquote>Текст<br>ещё</blockquote></div>", Options{})
	if in.Text != "Спасибо!" || !strings.Contains(in.Rest, "> Текст") {
		t.Errorf("text %q rest %q", in.Text, in.Rest)
	}
	if !strings.Contains(in.HTML, "blockquote") {
		t.Errorf("the whole is not kept: %q", in.HTML)
	}
}

// zeros is a mail without end.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
		if i%77 == 76 {
			p[i] = '\n'
		}
	}
	z.n += int64(len(p))
	return len(p), nil
}

func TestAMailThatNeverEndsIsCutOff(t *testing.T) {
	m := newMemory()
	z := &zeros{}
	in, err := Parse(context.Background(), io.MultiReader(strings.NewReader("From: a@b.c\nSubject: endless\n\n"), z), m, Options{Limit: 1 << 20})
	if err != nil || in.Refuse == nil || in.Refuse.Reason != "quarantined" || in.Subject != "endless" {
		t.Fatalf("%v %+v", err, in.Refuse)
	}
	if n := len(m.blob(in.Raw)); n != 1<<20 || z.n > 2<<20 {
		t.Errorf("kept %d bytes and read %d", n, z.n)
	}
}

type brokenReader struct{ r io.Reader }

func (b brokenReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err == io.EOF {
		err = errors.New("connection reset")
	}
	return n, err
}

func TestABrokenTransferIsAnErrorAndNoMail(t *testing.T) {
	if _, err := Parse(context.Background(), brokenReader{strings.NewReader(plainMail("half"))}, newMemory(), Options{}); err == nil {
		t.Error("half a mail was taken for a mail")
	}
}

func TestMemoryDoesNotGrowWithTheMail(t *testing.T) {
	m := &discard{memory: newMemory()}
	m.raw = append([]byte("From: a@b.c\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"), bytes.Repeat([]byte(strings.Repeat("QUJD", 19)+"\r\n"), 500_000)...)
	m.raw = append(m.raw, "--b--\r\n"...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	in, err := Parse(context.Background(), bytes.NewReader(m.raw), m, Options{})
	runtime.ReadMemStats(&after)
	if err != nil || len(in.Attachments) != 1 || m.size != 500_000*57 {
		t.Fatalf("%v, %d attachments, %d bytes", err, len(in.Attachments), m.size)
	}
	if peak := after.HeapSys - before.HeapSys; after.HeapSys > before.HeapSys && peak > 16<<20 {
		t.Errorf("%d MiB for a mail of %d MiB", peak>>20, len(m.raw)>>20)
	}
}

// discard is storage that keeps nothing but the raw mail it was made with.
type discard struct {
	*memory
	raw  []byte
	size int64
}

func (d *discard) Put(_ context.Context, r io.Reader, _ int64) (string, int64, error) {
	n, err := io.Copy(io.Discard, r)
	return "raw", n, err
}

func (d *discard) Attach(_ context.Context, name, claimed string, r io.Reader) (a holdfast.Attachment, err error) {
	d.size, err = io.Copy(io.Discard, r)
	return holdfast.Attachment{Name: name, Type: claimed, Size: d.size}, err
}

func (d *discard) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(d.raw)), nil
}

func TestUuencodedFilesLeaveTheText(t *testing.T) {
	in, m := parse(t, "From: a@b.c\r\n\r\nbefore\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\nafter\r\n", Options{})
	if len(in.Attachments) != 1 || in.Attachments[0].Name != "cat.txt" || string(m.blob(in.Attachments[0].Hash)) != "Cat" {
		t.Errorf("%+v", in.Attachments)
	}
	if words(in.Text) != "beforeafter" {
		t.Errorf("text %q", in.Text)
	}
}

func TestFlowedText(t *testing.T) {
	in, _ := parse(t, "From: a@b.c\r\nContent-Type: text/plain; format=flowed\r\n\r\nOne line \r\nthat goes on\r\nanother\r\n -indented\r\n", Options{})
	if in.Text != "One line that goes on\nanother\n-indented" {
		t.Errorf("text %q", in.Text)
	}
}

// tnefFixture builds a winmail.dat with a body and one file.
func tnefFixture(file []byte) []byte {
	var b bytes.Buffer
	le := binary.LittleEndian
	binary.Write(&b, le, uint32(tnefSignature))
	binary.Write(&b, le, uint16(1))
	attr := func(level byte, id uint32, data []byte) {
		b.WriteByte(level)
		binary.Write(&b, le, id)
		binary.Write(&b, le, uint32(len(data)))
		b.Write(data)
		sum := uint16(0)
		for _, c := range data {
			sum += uint16(c)
		}
		binary.Write(&b, le, sum)
	}
	attr(1, attCodepage, []byte{0xe3, 0x04, 0, 0, 0, 0, 0, 0}) // 1251
	attr(1, attBody, []byte("\xcf\xf0\xe8\xe2\xe5\xf2\x00"))
	attr(2, attRendering, make([]byte, 14))
	attr(2, attTitle, []byte("SCHET~1.PDF\x00"))
	attr(2, attData, file)
	var props bytes.Buffer
	name := []byte("\x21\x04\x47\x04\x51\x04\x42\x04.\x00p\x00d\x00f\x00\x00\x00") // Счёт.pdf, UTF-16
	binary.Write(&props, le, uint32(2))
	binary.Write(&props, le, []uint16{0x001f, 0x3707})
	binary.Write(&props, le, []uint32{1, uint32(len(name))})
	props.Write(name)
	props.Write(make([]byte, (4-len(name)%4)%4))
	binary.Write(&props, le, []uint16{0x001e, 0x370e})
	binary.Write(&props, le, []uint32{1, 16})
	props.WriteString("application/pdf\x00")
	attr(2, attAttachment, props.Bytes())
	return b.Bytes()
}

func TestWinmailDat(t *testing.T) {
	file := bytes.Repeat([]byte("%PDF content "), 1000)
	raw := "From: a@b.c\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n\r\n" + string(tnefFixture(file))
	in, m := parse(t, raw, Options{})
	if strings.TrimSpace(in.Text) != "Привет" {
		t.Errorf("text %q", in.Text)
	}
	if len(in.Attachments) != 1 || in.Attachments[0].Name != "Счёт.pdf" || in.Attachments[0].Type != "application/pdf" || !bytes.Equal(m.blob(in.Attachments[0].Hash), file) {
		t.Errorf("%+v", in.Attachments)
	}
	broken, _ := parse(t, "From: a@b.c\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n\r\nnot TNEF", Options{})
	if len(broken.Attachments) != 1 || broken.Attachments[0].Name != "winmail.dat" {
		t.Errorf("what is no TNEF is lost: %+v", broken.Attachments)
	}
}

func TestRTF(t *testing.T) {
	// the example of MS-OXRTFCP, 4.1.1
	packed := []byte{0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0}
	out, err := unpackRTF(packed)
	if err != nil || string(out) != "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n" {
		t.Errorf("%q %v", out, err)
	}
	if got := rtfText(out, "windows-1252"); got != "hello world" {
		t.Errorf("%q", got)
	}
	if got := rtfText([]byte(`{\rtf1\ansi{\fonttbl{\f0 Arial;}}\'cf\'f0\u1080?\par {\*\generator x;}\{b\}\tab c}`), "windows-1251"); got != "При\n{b}\tc" {
		t.Errorf("%q", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		plainMail("seed"), "", "\n", "From: a@b\n\n", "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b--\n--b\n", "Content-Type: multipart/mixed\n\n--x\n\nhi\n--x--",
		"From: =?utf-8?B?/?=\nSubject: =?x?Q?=?=\n\n", "Content-Type: text/plain; charset*0*=x'y'z; charset*=\n\n", "Content-Transfer-Encoding: base64\n\n=====", "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nRnJvbTogYUBi",
		"From: MAILER-DAEMON\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nStatus: 5\n", "Content-Type: text/plain; format=flowed; delsp=yes\n\na \nb", "X: \x00\xff\n \n \n:", "From: <(\"@:;,>\n\n",
		"Content-Type: application/ms-tnef\n\n" + string(tnefFixture([]byte("x"))), "\n\nbegin 644 x\n#0V%T\nend\n", "Content-Type: text/html\n\n<b>x<blockquote>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := newMemory()
		in, err := Parse(context.Background(), bytes.NewReader(raw), m, Options{Address: "support@example.com", Key: []byte("k")})
		if err != nil {
			t.Fatalf("an error for a mail that was read: %v", err)
		}
		if !bytes.Equal(m.blob(in.Raw), raw) {
			t.Error("the raw form is not what came in")
		}
		if in.Key == "" {
			t.Error("no key")
		}
		if in.Refuse != nil && strings.HasPrefix(in.Refuse.Detail, "the parser failed") {
			t.Error(in.Refuse.Detail)
		}
		if in.Refuse == nil && in.From.Value == "" {
			t.Error("a message of nobody")
		}
		for _, s := range []string{in.Subject, in.From.Name, in.From.Value, in.Text, in.Rest} {
			if strings.ContainsRune(s, 0) {
				t.Errorf("a zero byte in %q", s)
			}
		}
		if strings.ContainsAny(in.Subject, "\r\n") {
			t.Errorf("subject %q", in.Subject)
		}
		var _ channel.Inbound = in
	})
}

func FuzzTNEF(f *testing.F) {
	f.Add(tnefFixture([]byte("x")))
	f.Add(tnefFixture(nil)[:40])
	f.Add([]byte("LZFu"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := readTnef(bytes.NewReader(b), func(_ int, r io.Reader) error { _, err := io.Copy(io.Discard, r); return err })
		if err != nil && !errors.Is(err, errTnef) {
			t.Error(err)
		}
		if len(x.files) > maxTnefObjects {
			t.Errorf("%d files", len(x.files))
		}
		if out, err := unpackRTF(b); err == nil {
			rtfText(out, "windows-1251")
		}
		rtfText(b, "utf-8")
	})
}
