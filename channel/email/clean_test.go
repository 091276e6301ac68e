package email

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

// checkClean reads cleaned HTML as a browser would and reports whatever could
// run, be fetched or leave its box.
func checkClean(t interface {
	Errorf(string, ...any)
}, page string) {
	clean, remote := Clean(page)
	doc, err := html.Parse(strings.NewReader(clean))
	if err != nil {
		t.Errorf("cleaned HTML of %q cannot be read: %v", page, err)
		return
	}
	sawRemote := false
	var look func(*html.Node)
	look = func(n *html.Node) {
		if n.Type == html.CommentNode {
			t.Errorf("a comment is left of %q: %q", page, n.Data)
		}
		if n.Type == html.ElementNode {
			switch n.Data {
			case "html", "head", "body":
			default:
				if !kept[n.DataAtom] || n.Namespace != "" {
					t.Errorf("<%s> is left of %q", n.Data, page)
				}
			}
			for _, a := range n.Attr {
				val := strings.ToLower(strings.TrimSpace(a.Val))
				switch {
				case strings.HasPrefix(a.Key, "on") || a.Key == "srcdoc" || a.Key == "id" || a.Key == "name" || a.Key == "action" || a.Key == "formaction" || a.Key == "srcset" || a.Key == "background" || a.Key == "poster" || a.Key == "ping":
					t.Errorf("%s=%q is left of %q", a.Key, a.Val, page)
				case a.Key == "href":
					u, err := url.Parse(a.Val)
					if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" && u.Scheme != "tel" {
						t.Errorf("a link to %q is left of %q", a.Val, page)
					}
				case a.Key == "src":
					if !strings.HasPrefix(val, "cid:") && !strings.HasPrefix(val, "data:image/") || strings.Contains(val, "svg") {
						t.Errorf("src=%q is left of %q", a.Val, page)
					}
				case a.Key == "data-remote-src":
					sawRemote = true
					if !strings.HasPrefix(val, "http://") && !strings.HasPrefix(val, "https://") {
						t.Errorf("remote image %q of %q", a.Val, page)
					}
				case a.Key == "style":
					for _, bad := range []string{"url", "expression", "@", "\\", "position", "behavior", "binding", "import", "<", "var("} {
						if strings.Contains(val, bad) {
							t.Errorf("style=%q is left of %q", a.Val, page)
						}
					}
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			look(c)
		}
	}
	look(doc)
	if remote != sawRemote {
		t.Errorf("remote is %v, images from elsewhere: %v, in %q", remote, sawRemote, page)
	}
	if again, _ := Clean(clean); !strings.Contains(clean, "data-remote-src") && again != clean {
		t.Errorf("cleaning twice differs: %q then %q, of %q", clean, again, page)
	}
}

func TestCleanHostileCorpus(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(corpus(t, "html"), "dompurify-expect.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Title, Payload string }
	if err := json.Unmarshal(raw, &cases); err != nil || len(cases) < 200 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		checkClean(t, c.Payload)
	}
}

func TestCleanKeepsWhatAMailNeeds(t *testing.T) {
	for in, want := range map[string]string{
		`<p dir="rtl" lang="fa">سلام <b>دنیا</b></p>`:                                                  `<p dir="rtl" lang="fa">سلام <b>دنیا</b></p>`,
		`<table border="1" cellpadding="2"><tr><td colspan="2" bgcolor="#eee">x</td></tr></table>`:     `<table border="1" cellpadding="2"><tbody><tr><td colspan="2" bgcolor="#eee">x</td></tr></tbody></table>`,
		`<html dir="rtl"><body bgcolor="#fff">متن</body></html>`:                                       `<div dir="rtl" bgcolor="#fff">متن</div>`,
		`<img src="cid:logo@x" alt="Logo" onerror="alert(1)">`:                                         `<img src="cid:logo@x" alt="Logo"/>`,
		`<img src="data:image/png;base64,iVBORw0KGgo=">`:                                               `<img src="data:image/png;base64,iVBORw0KGgo="/>`,
		`<img src="https://t.example/p.gif?u=1&amp;v=2" width="1">`:                                    `<img data-remote-src="https://t.example/p.gif?u=1&amp;v=2" width="1"/>`,
		`<img src="//t.example/p.gif">`:                                                                `<img data-remote-src="https://t.example/p.gif"/>`,
		`<a href="https://example.com/a?b=c&amp;d=e" onclick="x()">link</a>`:                           `<a href="https://example.com/a?b=c&amp;d=e" target="_blank" rel="noopener noreferrer nofollow">link</a>`,
		`<a href="javascript:alert(1)">x</a>`:                                                          `<a>x</a>`,
		`<a href=" java&#10;script:alert(1)">x</a>`:                                                    `<a>x</a>`,
		`<div style="color: red; position: fixed; background: url(http://x); font-size: 12px">x</div>`: `<div style="color: red; font-size: 12px">x</div>`,
		`<style>p{color:red}</style><script>alert(1)</script>text<!-- c -->`:                           `text`,
		`<form action="http://x"><input name="p"><b>pay</b></form>`:                                    `<b>pay</b>`,
		`<svg><a xlink:href="javascript:1">x</a></svg>after`:                                           `after`,
		`<meta http-equiv="refresh" content="0;url=http://x"><base href="http://x">y`:                  `y`,
		`<iframe src="http://x">in</iframe>y`:                                                          `y`,
		`5 < 6 & 7`:                                                                                    `5 &lt; 6 &amp; 7`,
	} {
		if got, _ := Clean(in); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
	if _, remote := Clean(`<img src="cid:x"><img src="data:image/gif;base64,R0lG">`); remote {
		t.Error("images of the mail itself count as remote")
	}
	deep := strings.Repeat("<div>", 100_000) + "text"
	if got, _ := Clean(deep); !strings.Contains(got, "text") {
		t.Error("a deep page has lost its words")
	}
}

func TestHTMLText(t *testing.T) {
	for in, want := range map[string]string{
		`<p>One</p><p>Two<br>three</p>`:                                               "One\n\nTwo\nthree",
		`<ul><li>a<li>b</ul><ol start=3><li>c<li>d</ol>`:                              "• a\n• b\n3. c\n4. d",
		`<ul><li>a<ul><li>b</ul></ul>`:                                                "• a\n  • b",
		`see <a href="https://example.com/x">here</a>, <a href="https://a.b">a.b</a>`: "see here <https://example.com/x>, a.b",
		`<a href="mailto:ana@a.b">ana@a.b</a>`:                                        "ana@a.b",
		`new<blockquote>old<br>older<blockquote>oldest</blockquote></blockquote>`:     "new\n> old\n> older\n>> oldest",
		`<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>`:   "a\tb\nc\td",
		`<style>x</style><script>y</script><p style="display:none">hidden</p>shown`:   "shown",
		"<pre>a\n  b</pre>c": "a\n  b\nc",
		`<div dir="rtl">Holdfast سلام</div><div dir="rtl">سلام</div>`: "\u200fHoldfast سلام\nسلام",
		`a &amp; b&nbsp;c &lt;d&gt;`:                                  "a & b c <d>",
		`x<hr>y`:                                                      "x\n________________________________\ny",
		`<div>Hi</div><div><br></div><div>there</div>`:                "Hi\n\nthere",
	} {
		if got := htmlText(in); got != want {
			t.Errorf("%s\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestTextAsHTMLAndBack(t *testing.T) {
	if got := textHTML("a <b> & c\nd\n\nhttps://x.y/?a=1&b=\"2\" end."); got != "<p dir=\"auto\">a &lt;b&gt; &amp; c<br>\nd</p>\n<p dir=\"auto\"><a href=\"https://x.y/?a=1&amp;b=\">https://x.y/?a=1&amp;b=</a>&#34;2&#34; end.</p>" {
		t.Errorf("got %s", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab <>&\"'\n/:.hтпсعی"))).Draw(t, "text")
		if got := htmlText(textHTML(text)); words(got) != words(text) {
			t.Errorf("%q came back as %q", text, got)
		}
		checkClean(t, textHTML(text))
	})
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{
		`<img src=x onerror=alert(1)>`, `<a href="java&#x09;script:alert(1)">x`, `<svg><style><img src=x onerror=alert(1)></style>`,
		`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
		`<div style="background:\75rl(http://x)">`, `<table background=http://x><td>`, `<img srcset="http://x 1x" src=cid:a>`, `<a href="//x">y</a>`, "<p\x00 onclick=1>", `<img src="data:image/svg+xml;base64,PHN2Zz4=">`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, page string) { checkClean(t, page) })
}
