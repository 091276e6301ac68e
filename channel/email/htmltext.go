package email

import (
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	xhtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlText is what a page says, as plain text: lists with marks, quotes with
// ">", links with their addresses, tables row by row.
func htmlText(page string) string {
	doc, err := xhtml.Parse(strings.NewReader(page))
	if err != nil {
		return tagless(page)
	}
	w := &textWriter{}
	w.node(doc, 0)
	return strings.Trim(w.out.String(), "\n ")
}

// tagless is the fall-back for pages that the parser refuses.
func tagless(page string) string {
	z := xhtml.NewTokenizer(strings.NewReader(page))
	var out strings.Builder
	skip := 0
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			return strings.TrimSpace(out.String())
		case xhtml.TextToken:
			if skip == 0 {
				out.Write(z.Text())
			}
		case xhtml.StartTagToken:
			if name, _ := z.TagName(); string(name) == "script" || string(name) == "style" {
				skip++
			}
			out.WriteByte(' ')
		case xhtml.EndTagToken:
			if name, _ := z.TagName(); (string(name) == "script" || string(name) == "style") && skip > 0 {
				skip--
			}
		}
	}
}

type textWriter struct {
	out   strings.Builder
	quote int      // depth of blockquotes
	lists []int    // counters; -1 for a list without numbers
	lines int      // line ends at the end of out
	space bool     // a space is due before the next word
	pre   int      // depth of <pre>
	begun bool     // something was written on this line
	mark  string   // list mark due on this line
	dirs  []string // of the blocks around
}

func (w *textWriter) newline(n int) {
	if w.out.Len() == 0 {
		return
	}
	for ; w.lines < n; w.lines++ {
		if w.lines > 0 && w.quote > 0 {
			w.out.WriteString(strings.Repeat(">", w.quote))
		}
		w.out.WriteByte('\n')
	}
	w.space, w.begun = false, false
}

func (w *textWriter) write(s string) {
	if s == "" {
		return
	}
	if !w.begun {
		if w.quote > 0 {
			w.out.WriteString(strings.Repeat(">", w.quote) + " ")
		}
		if len(w.lists) > 1 && w.mark != "" {
			w.out.WriteString(strings.Repeat("  ", min(len(w.lists)-1, 8)))
		}
		w.out.WriteString(w.mark)
		w.mark = ""
		w.out.WriteString(directionMark(w.dirs, s))
	}
	w.out.WriteString(s)
	w.begun, w.lines = true, 0
}

// directionMark is needed where a block's stated direction is not the one that
// its first letter would give it.
func directionMark(dirs []string, s string) string {
	if len(dirs) == 0 {
		return ""
	}
	for _, r := range s {
		if !unicode.IsLetter(r) {
			continue
		}
		rtl := unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana)
		switch {
		case rtl && dirs[len(dirs)-1] == "ltr":
			return "\u200e"
		case !rtl && dirs[len(dirs)-1] == "rtl":
			return "\u200f"
		}
		return ""
	}
	return ""
}

func (w *textWriter) text(s string) {
	if w.pre > 0 {
		for i, line := range strings.Split(s, "\n") {
			if i > 0 {
				w.lines = 0
				w.newline(1)
			}
			w.write(line)
		}
		return
	}
	if s == "" {
		return
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f' })
	if strings.ContainsAny(s[:1], " \t\r\n\f") {
		w.space = true
	}
	for _, word := range words {
		if w.space && w.begun {
			w.out.WriteByte(' ')
		}
		w.write(strings.ReplaceAll(word, "\u00a0", " "))
		w.space = true
	}
	if len(words) > 0 {
		w.space = strings.ContainsAny(s[len(s)-1:], " \t\r\n\f")
	}
}

var hiddenStyle = regexp.MustCompile(`(?i)display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all`)

func (w *textWriter) node(n *xhtml.Node, depth int) {
	if depth > 500 {
		return
	}
	switch n.Type {
	case xhtml.TextNode:
		w.text(n.Data)
		return
	case xhtml.ElementNode:
	default:
		w.children(n, depth)
		return
	}
	attr := func(name string) string {
		for _, a := range n.Attr {
			if a.Key == name {
				return a.Val
			}
		}
		return ""
	}
	if n.Namespace != "" || n.DataAtom != atom.Noscript && n.DataAtom != atom.Textarea && n.DataAtom != atom.Button && dropped[n.Data] || hiddenStyle.MatchString(attr("style")) {
		return
	}
	if d := strings.ToLower(attr("dir")); d == "rtl" || d == "ltr" {
		w.dirs = append(w.dirs, d)
		defer func() { w.dirs = w.dirs[:len(w.dirs)-1] }()
	}
	switch n.DataAtom {
	case atom.Br:
		w.lines = min(w.lines, 1)
		w.newline(w.lines + 1)
	case atom.Hr:
		w.newline(1)
		w.write("________________________________")
		w.newline(1)
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Dl, atom.Figure:
		w.newline(2)
		w.children(n, depth)
		w.newline(2)
	case atom.Ul, atom.Ol:
		w.newline(1)
		start := -1
		if n.DataAtom == atom.Ol {
			start = 1
			if v, err := strconv.Atoi(attr("start")); err == nil {
				start = v
			}
		}
		w.lists = append(w.lists, start)
		w.children(n, depth)
		w.lists = w.lists[:len(w.lists)-1]
		w.newline(1)
	case atom.Li:
		w.newline(1)
		w.mark = "• "
		if k := len(w.lists) - 1; k >= 0 && w.lists[k] >= 0 {
			w.mark = strconv.Itoa(w.lists[k]) + ". "
			w.lists[k]++
		}
		w.children(n, depth)
		w.mark = ""
		w.newline(1)
	case atom.Blockquote:
		w.newline(1)
		w.quote = min(w.quote+1, 20)
		w.children(n, depth)
		w.newline(1)
		w.quote = max(w.quote-1, 0)
	case atom.Pre:
		w.newline(1)
		w.pre++
		w.children(n, depth)
		w.pre--
		w.newline(1)
	case atom.Td, atom.Th:
		if w.begun {
			w.out.WriteByte('\t')
			w.space = false
		}
		w.children(n, depth)
	case atom.Img:
		// an image of the mail itself is shown; one from elsewhere may never be
		if alt := strings.TrimSpace(attr("alt")); alt != "" && len(alt) < 300 && strings.Contains(attr("src"), "//") {
			w.text(" [" + alt + "] ")
		}
	case atom.A:
		before := w.out.Len()
		w.children(n, depth)
		href := webURL(strings.Map(dropControls, attr("href")), "http", "https", "mailto", "tel")
		said := strings.TrimSpace(w.out.String()[before:])
		bare := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(href, "https://"), "http://"), "mailto:"), "tel:")
		if href != "" && said != "" && !strings.Contains(said, strings.TrimSuffix(bare, "/")) && len(href) < 500 {
			w.text(" <" + href + ">")
		}
	case atom.Div, atom.Tr, atom.Table, atom.Tbody, atom.Thead, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Center, atom.Address, atom.Dt, atom.Dd, atom.Caption, atom.Form, atom.Fieldset, atom.Main, atom.Nav, atom.Aside:
		if strings.Contains(attr("class"), "gmail_signature") && n.FirstChild != nil {
			w.newline(1)
			w.write("-- ")
			w.newline(1)
		}
		w.newline(1)
		w.children(n, depth)
		w.newline(1)
	default:
		w.children(n, depth)
	}
}

func (w *textWriter) children(n *xhtml.Node, depth int) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		w.node(c, depth+1)
	}
}

var plainLink = regexp.MustCompile(`\bhttps?://[^\s<>"'` + "`" + `\\]+[^\s<>"'` + "`" + `\\.,;:!?)\]»”]`)

// textHTML is plain text as a page: paragraphs that find their own direction,
// links that can be clicked.
func textHTML(text string) string {
	var out strings.Builder
	for para := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if para = strings.Trim(para, "\n"); para == "" {
			continue
		}
		out.WriteString(`<p dir="auto">`)
		last := 0
		for _, at := range plainLink.FindAllStringIndex(para, -1) {
			out.WriteString(lines(para[last:at[0]]))
			u := html.EscapeString(para[at[0]:at[1]])
			out.WriteString(`<a href="` + u + `">` + u + `</a>`)
			last = at[1]
		}
		out.WriteString(lines(para[last:]) + "</p>\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func lines(s string) string {
	return strings.ReplaceAll(html.EscapeString(s), "\n", "<br>\n")
}
