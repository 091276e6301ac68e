package email

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMime4jTree compares the tree that the walker sees, and every leaf's
// decoded content, with what Apache James Mime4j says about 100 mails.
func TestMime4jTree(t *testing.T) {
	for _, folder := range []string{"testmsgs", "mimetools-testmsgs"} {
		dir := corpus(t, "email/mime4j/core/src/test/resources/"+folder)
		files, err := filepath.Glob(filepath.Join(dir, "*.msg"))
		if err != nil || len(files) < 20 {
			t.Fatalf("%s: %d mails, %v", folder, len(files), err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".msg")
			t.Run(folder+"/"+name, func(t *testing.T) {
				if why, ok := mime4jExceptions[name]; ok {
					t.Log("not as expected: " + why)
					return
				}
				want, err := os.ReadFile(strings.TrimSuffix(file, ".msg") + "_decoded.xml")
				if err != nil {
					t.Fatal(err)
				}
				var leaves []string
				for _, m := range leafName.FindAllStringSubmatch(string(want), -1) {
					leaves = append(leaves, m[1])
				}
				f, err := os.Open(file)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				i := 0
				w := newWalker(f, func(p *part, r io.Reader) error {
					got, err := io.ReadAll(r)
					if err != nil {
						return err
					}
					if i >= len(leaves) {
						t.Errorf("a leaf too much: %v %s %q", p.path, p.media, clipText(string(got), 60))
						return nil
					}
					content, err := os.ReadFile(filepath.Join(dir, leaves[i]))
					if err != nil {
						return err
					}
					if strings.HasPrefix(p.media, "text/") {
						got = []byte(decodeCharset(got, p.params["charset"]))
						content = []byte(decodeCharset(content, p.params["charset"]))
					}
					if g, w := lf(got), lf(content); g != w {
						t.Errorf("leaf %s (%s):\n got %s\nwant %s", leaves[i], p.media, differ(g, w), differ(w, g))
					}
					i++
					return nil
				})
				w.descend = true
				if _, err := w.walk(); err != nil {
					t.Fatal(err)
				}
				if i < len(leaves) {
					t.Errorf("%d leaves, want %d: %v", i, len(leaves), leaves[i:])
				}
			})
		}
	}
}

var leafName = regexp.MustCompile(`-body name="([^"]+)"`)

// mime4jExceptions are the mails where the expectation is not what a desk needs.
var mime4jExceptions = map[string]string{
	"basic-plain-with-bad-header-separator": "it takes a line with one blank for a continuation and swallows the text; people see an empty line",
	"hdr-fakeout":                           "the same: the text would be lost",
	"malformedHeader-noheader":              "it takes a text without a header for rubbish; we keep the text",
	"malformedHeaderStartsBody-nocrlfcrlf":  "another mode of the parser for the mail malformedHeader-nocrlfcrlf, which is tested",
	"malformedHeaderStartsBody-noheader":    "it keeps one line of two; we keep both",
	"missing-boundary":                      "parts that never come: it has no leaf, we show the text",
	"missing-inner-boundary":                "the same, inside another multipart",
	"badbound":                              "the same, with a boundary of two lines",
	"frag":                                  "cut off inside a group of base64: it drops the last bytes, we keep them",
	"multi-frag":                            "the same",
}

func lf(b []byte) string { return strings.ReplaceAll(string(b), "\r\n", "\n") }

// differ shows a around the first place where it is not b.
func differ(a, b string) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return fmt.Sprintf("%d bytes, at %d: %q", len(a), i, clipText(a[max(0, i-20):], 80))
}

func TestEncodedWords(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(corpus(t, "email/header-decoding"), "encoded-words.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Encoded, Expected, Source string }
	if err := json.Unmarshal(raw, &cases); err != nil || len(cases) < 10 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		if got := decodeWords(c.Encoded); got != c.Expected {
			t.Errorf("%q\n got %q\nwant %q (%s)", c.Encoded, got, c.Expected, c.Source)
		}
	}
}

func TestHeaderDecodingMails(t *testing.T) {
	dir := filepath.Join(corpus(t, "email/header-decoding"), "smtpsrv")
	raw, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]struct {
		From, To      [][2]string
		Subject, Text string
	}
	if err := json.Unmarshal(raw, &cases); err != nil || len(cases) < 5 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for name, c := range cases {
		mail, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		in, _ := parse(t, string(mail), Options{})
		if in.Subject != c.Subject {
			t.Errorf("%s: subject %q, want %q", name, in.Subject, c.Subject)
		}
		if got := strings.TrimSpace(in.Text + in.Rest); got != strings.TrimSpace(c.Text) {
			t.Errorf("%s: text %q, want %q", name, got, c.Text)
		}
		if in.From.Value != c.From[0][1] || in.From.Name != c.From[0][0] {
			t.Errorf("%s: from %+v, want %v", name, in.From, c.From)
		}
		for i, to := range c.To {
			if i >= len(in.To) || in.To[i] != to[1] {
				t.Errorf("%s: to %v, want %v", name, in.To, c.To)
			}
		}
	}
}

// person1 is an address in the zbateson expectations.
type person1 struct{ Name, Email string }

func TestZbatesonMails(t *testing.T) {
	root := corpus(t, "email/zbateson-mail-mime-parser")
	raw, err := os.ReadFile(filepath.Join(root, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]map[string]any
	if err := json.Unmarshal(raw, &cases); err != nil || len(cases) < 60 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			mail, err := os.ReadFile(filepath.Join(root, "emails", name+".txt"))
			if os.IsNotExist(err) {
				t.Log("the corpus has an expectation and no mail")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			in, _ := parse(t, string(mail), Options{})
			if want, ok := c["From"].(map[string]any); ok {
				if got := in.From.Value; got != strings.ToLower(str(want["email"])) {
					t.Errorf("from %q, want %v", got, want["email"])
				}
				if want["name"] != nil && in.From.Name != str(want["name"]) {
					t.Errorf("from %q, want %v", in.From.Name, want["name"])
				}
			}
			if want, ok := c["To"].(map[string]any); ok && (len(in.To) == 0 || in.To[0] != str(want["email"])) {
				t.Errorf("to %q, want %v", in.To, want["email"])
			}
			if want := str(c["Subject"]); want != "" && in.Subject != want {
				t.Errorf("subject %q, want %q", in.Subject, want)
			}
			if want := str(c["Message-ID"]); want != "" && strings.Trim(in.ExternalID, "<>") != want {
				t.Errorf("message id %q, want %q", in.ExternalID, want)
			}
			var files []string // the corpus does not count signatures
			for _, a := range in.Attachments {
				if a.Kind != "signature" {
					files = append(files, a.Name+" "+a.Type)
				}
			}
			if want, ok := c["attachments"].(float64); ok && len(files) != int(want) {
				if name != "m1009" || len(files) != 3 { // it shows a text file as text; we keep it as the file that it was
					t.Errorf("%d attachments, want %v: %q", len(files), want, files)
				}
			}
			for _, key := range []string{"text", "html"} {
				file := str(c[key])
				if file == "" {
					continue
				}
				want, err := os.ReadFile(filepath.Join(root, "emails", "files", file))
				if err != nil {
					t.Fatal(err)
				}
				want = []byte(decodeCharset(want, "windows-1252"))
				got := in.Text + in.Rest
				if key == "html" && in.HTML == "" {
					t.Error("no html")
				}
				if !strings.Contains(words(got), words(string(want))) {
					t.Errorf("%s:\n got %q\nwant %q", key, differ(words(got), words(string(want))), differ(words(string(want)), words(got)))
				}
			}
		})
	}
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

// words is a text without its spaces, by which line breaks do not matter.
func words(s string) string { return strings.Join(strings.Fields(s), "") }
