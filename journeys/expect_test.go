package journeys

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
)

// person is a name and an address as the corpus writes them.
type person struct{ Name, Email string }

// stated is what the corpus says about one mail; absent fields say nothing.
type stated struct {
	from, to    *person
	subject     string
	hasSubject  bool
	messageID   string
	texts       []string // each must be found in what is shown
	html        bool
	attachments int // -1: not said
}

// expected is what the corpus says, by the mail's name.
type expected map[string]stated

func expectations(t testing.TB) expected {
	t.Helper()
	x := expected{}
	x.zbateson(t, corpus(t, "email/zbateson-mail-mime-parser"))
	x.headers(t, filepath.Join(corpus(t, "email/header-decoding"), "smtpsrv"))
	if len(x) < 70 {
		t.Fatalf("the corpus states the fields of only %d mails", len(x))
	}
	return x
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (x expected) zbateson(t testing.TB, root string) {
	var cases map[string]struct {
		From, To            *person
		Subject, Text, HTML string
		MessageID           string `json:"Message-ID"`
		Attachments         *int
	}
	if err := json.Unmarshal(read(t, filepath.Join(root, "expected.json")), &cases); err != nil {
		t.Fatal(err)
	}
	for name, c := range cases {
		s := stated{from: c.From, to: c.To, subject: c.Subject, hasSubject: c.Subject != "", messageID: c.MessageID, html: c.HTML != "", attachments: -1}
		if c.Attachments != nil {
			s.attachments = *c.Attachments
		}
		for _, file := range []string{c.Text, c.HTML} {
			if file == "" {
				continue
			}
			// the expectations are written in Windows' Latin letters
			b, err := charmap.Windows1252.NewDecoder().Bytes(read(t, filepath.Join(root, "emails", "files", file)))
			if err != nil {
				t.Fatal(err)
			}
			s.texts = append(s.texts, string(b))
		}
		x["zbateson-mail-mime-parser/emails/"+name+".txt"] = s
	}
}

func (x expected) headers(t testing.TB, dir string) {
	var cases map[string]struct {
		From, To      [][2]string
		Subject, Text string
	}
	if err := json.Unmarshal(read(t, filepath.Join(dir, "expected.json")), &cases); err != nil {
		t.Fatal(err)
	}
	for name, c := range cases {
		s := stated{subject: c.Subject, hasSubject: true, attachments: -1, texts: []string{c.Text}}
		if len(c.From) > 0 {
			s.from = &person{c.From[0][0], c.From[0][1]}
		}
		if len(c.To) > 0 {
			s.to = &person{c.To[0][0], c.To[0][1]}
		}
		x["header-decoding/smtpsrv/"+name] = s
	}
}

// check compares what the API shows of a mail with what the corpus says about it.
func (x expected) check(t testing.TB, h *house, m letter, got seen) {
	t.Helper()
	want, ok := x[m.name]
	if !ok {
		return
	}
	if want.hasSubject && got.Subject != want.subject {
		t.Errorf("%s: the subject is %q, the corpus says %q", m.name, got.Subject, want.subject)
	}
	if want.messageID != "" && strings.Trim(got.ExternalID, "<>") != want.messageID {
		t.Errorf("%s: the message id is %q, the corpus says %q", m.name, got.ExternalID, want.messageID)
	}
	if got.arrival {
		if want.from != nil && got.Sender != strings.ToLower(want.from.Email) {
			t.Errorf("%s: the arrival is of %q, the corpus says %q", m.name, got.Sender, want.from.Email)
		}
		return
	}
	if want.from != nil && (got.From == nil || got.From.Value != strings.ToLower(want.from.Email) || want.from.Name != "" && got.From.Name != want.from.Name) {
		t.Errorf("%s: it is from %+v, the corpus says %+v", m.name, got.From, want.from)
	}
	if want.to != nil && !slices.Contains(got.To, want.to.Email) {
		t.Errorf("%s: it is to %q, the corpus says %q", m.name, got.To, want.to.Email)
	}
	if want.html && !got.HasHTML {
		t.Errorf("%s: its formatted form is lost", m.name)
	}
	for _, text := range want.texts {
		if shown := squeezed(got.Text + got.Rest); !strings.Contains(shown, squeezed(text)) {
			t.Errorf("%s: it shows %.300q, the corpus says %.300q", m.name, shown, squeezed(text))
		}
	}
	var names []string // the corpus does not count signatures
	for _, a := range got.Attachments {
		if a.Kind != "signature" {
			names = append(names, a.Name)
		}
	}
	// m1009: the corpus shows a text file as text; we keep it as the file that it was.
	if want.attachments >= 0 && len(names) != want.attachments && !(strings.HasSuffix(m.name, "/m1009.txt") && len(names) == 3) {
		t.Errorf("%s: its files are %q, the corpus counts %d", m.name, names, want.attachments)
	}
	for _, a := range got.Attachments {
		file := h.must("GET", "/messages/"+got.ID.String()+"/attachments/"+a.ID.String(), nil, nil)
		if int64(len(file.body)) != a.Size || a.Name == "" {
			t.Errorf("%s: the file %q of %d bytes downloads as %d bytes", m.name, a.Name, a.Size, len(file.body))
		}
		if d := file.header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment") {
			t.Errorf("%s: the file %q is served as %q", m.name, a.Name, d)
		}
	}
}

// squeezed is a text without its spaces, by which line breaks do not matter.
func squeezed(s string) string { return strings.Join(strings.Fields(s), "") }
