package email

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// kept are the elements that a stranger's HTML may use. Whatever is not here
// loses its tags; what is in dropped loses its content too.
var kept = map[atom.Atom]bool{
	atom.A: true, atom.Abbr: true, atom.Address: true, atom.Article: true, atom.Aside: true, atom.B: true, atom.Bdi: true, atom.Bdo: true,
	atom.Big: true, atom.Blockquote: true, atom.Br: true, atom.Caption: true, atom.Center: true, atom.Cite: true, atom.Code: true, atom.Col: true,
	atom.Colgroup: true, atom.Dd: true, atom.Del: true, atom.Dfn: true, atom.Div: true, atom.Dl: true, atom.Dt: true, atom.Em: true,
	atom.Figcaption: true, atom.Figure: true, atom.Font: true, atom.Footer: true, atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true,
	atom.H5: true, atom.H6: true, atom.Header: true, atom.Hr: true, atom.I: true, atom.Img: true, atom.Ins: true, atom.Kbd: true, atom.Li: true,
	atom.Main: true, atom.Mark: true, atom.Nav: true, atom.Ol: true, atom.P: true, atom.Pre: true, atom.Q: true, atom.Rp: true, atom.Rt: true,
	atom.Ruby: true, atom.S: true, atom.Samp: true, atom.Section: true, atom.Small: true, atom.Span: true, atom.Strike: true, atom.Strong: true,
	atom.Sub: true, atom.Sup: true, atom.Table: true, atom.Tbody: true, atom.Td: true, atom.Tfoot: true, atom.Th: true, atom.Thead: true,
	atom.Time: true, atom.Tr: true, atom.Tt: true, atom.U: true, atom.Ul: true, atom.Var: true, atom.Wbr: true,
}

var dropped = map[string]bool{
	"script": true, "style": true, "head": true, "title": true, "svg": true, "math": true, "iframe": true, "frame": true, "frameset": true,
	"object": true, "embed": true, "applet": true, "noscript": true, "noembed": true, "noframes": true, "template": true, "xmp": true,
	"plaintext": true, "textarea": true, "select": true, "option": true, "optgroup": true, "datalist": true, "button": true, "input": true,
	"audio": true, "video": true, "source": true, "track": true, "canvas": true, "map": true, "area": true, "base": true, "link": true,
	"meta": true, "param": true, "portal": true, "dialog": true, "slot": true, "selectmenu": true,
}

// plain attributes that may stand on any element, with the values they may have.
var plainAttrs = map[string]*regexp.Regexp{
	"dir": regexp.MustCompile(`(?i)^(ltr|rtl|auto)$`), "lang": regexp.MustCompile(`^[A-Za-z0-9-]{1,35}$`),
	"align": regexp.MustCompile(`(?i)^(left|right|center|justify|middle|char)$`), "valign": regexp.MustCompile(`(?i)^(top|middle|bottom|baseline)$`),
	"width": sizeValue, "height": sizeValue, "border": numberValue, "cellpadding": numberValue, "cellspacing": numberValue,
	"colspan": numberValue, "rowspan": numberValue, "span": numberValue, "start": numberValue, "size": regexp.MustCompile(`^[+-]?[0-9]{1,2}$`),
	"color": colorValue, "bgcolor": colorValue, "face": regexp.MustCompile(`^[\p{L}0-9 ,'"-]+$`), "nowrap": regexp.MustCompile(`(?i)^(nowrap|)$`),
	"type": regexp.MustCompile(`(?i)^(1|a|i|disc|circle|square)$`), "title": nil, "alt": nil, "summary": nil, "datetime": regexp.MustCompile(`^[0-9TZ:. +-]{1,40}$`),
}

var (
	sizeValue   = regexp.MustCompile(`^[0-9]{1,5}(\.[0-9]{1,3})?(%|px|\*)?$`)
	numberValue = regexp.MustCompile(`^[0-9]{1,4}$`)
	colorValue  = regexp.MustCompile(`(?i)^(#[0-9a-f]{3,8}|[a-z]{3,25}|rgba?\([0-9., %]{3,30}\))$`)
	imageData   = regexp.MustCompile(`(?i)^data:image/(png|gif|jpe?g|webp|bmp|x-icon);base64,[a-z0-9+/=\s]+$`)
	cidURL      = regexp.MustCompile(`(?i)^cid:[^\s"'<>\\` + "`" + `]{1,500}$`)
)

// fence is the second look at what clean has made: it allows the same, decided
// by another parser, so that a mistake in one of the two is not enough.
var fence = newFence()

func newFence() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	for a := range kept {
		p.AllowElements(a.String())
		p.AllowNoAttrs().OnElements(a.String())
	}
	for name := range plainAttrs {
		p.AllowAttrs(name).Globally()
	}
	p.AllowAttrs("style").Matching(regexp.MustCompile(`^[^<>&\\@{}]*$`)).Globally()
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("target").Matching(regexp.MustCompile(`^_blank$`)).OnElements("a")
	p.AllowAttrs("rel").Matching(regexp.MustCompile(`^noopener noreferrer nofollow$`)).OnElements("a")
	p.AllowAttrs("src", "data-remote-src").OnElements("img")
	p.AllowURLSchemes("http", "https", "mailto", "tel", "cid")
	p.AllowURLSchemeWithCustomPolicy("data", func(u *url.URL) bool { return imageData.MatchString(u.String()) })
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.AllowDataAttributes()
	return p
}

// Clean makes a stranger's HTML safe to show: elements and attributes by
// allow-list, inline styles by property, links only to the web, mail and
// telephone, nothing that runs. Nothing is fetched by showing it: an image from
// elsewhere keeps its address in data-remote-src, and remote says that there is
// one. Images of the same mail stay as cid: addresses.
func Clean(page string) (clean string, remote bool) {
	doc, err := html.ParseWithOptions(strings.NewReader(page), html.ParseOptionEnableScripting(false))
	if err != nil {
		// too deeply nested to be a page: its words are all that can be kept
		return textHTML(htmlText(page)), false
	}
	c := &cleaner{}
	root := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	wrap := map[string]string{}
	c.copyChildren(root, doc, wrap, 0)
	for _, key := range []string{"dir", "lang", "bgcolor", "style"} {
		if v := wrap[key]; v != "" {
			root.Attr = append(root.Attr, html.Attribute{Key: key, Val: v})
		}
	}
	var out strings.Builder
	if len(root.Attr) > 0 {
		err = html.Render(&out, root)
	} else {
		for n := root.FirstChild; n != nil && err == nil; n = n.NextSibling {
			err = html.Render(&out, n)
		}
	}
	if err != nil {
		return textHTML(htmlText(page)), false
	}
	return strings.TrimSpace(fence.Sanitize(out.String())), c.remote
}

type cleaner struct {
	remote bool
	nodes  int
}

const (
	maxNodes   = 200_000
	maxNesting = 250
)

func (c *cleaner) copyChildren(to, from *html.Node, wrap map[string]string, depth int) {
	if depth > maxNesting {
		return
	}
	for n := from.FirstChild; n != nil; n = n.NextSibling {
		if c.nodes++; c.nodes > maxNodes {
			return
		}
		switch n.Type {
		case html.TextNode:
			to.AppendChild(&html.Node{Type: html.TextNode, Data: n.Data})
		case html.ElementNode:
			name := strings.ToLower(n.Data)
			if n.Namespace != "" || dropped[name] {
				continue
			}
			if !kept[n.DataAtom] {
				if n.DataAtom == atom.Html || n.DataAtom == atom.Body {
					for _, a := range c.attrs(n) {
						if wrap[a.Key] == "" {
							wrap[a.Key] = a.Val
						}
					}
				}
				c.copyChildren(to, n, wrap, depth+1)
				continue
			}
			e := &html.Node{Type: html.ElementNode, Data: n.DataAtom.String(), DataAtom: n.DataAtom, Attr: c.attrs(n)}
			if n.DataAtom == atom.Img && len(e.Attr) == 0 {
				continue
			}
			c.copyChildren(e, n, wrap, depth+1)
			to.AppendChild(e)
		}
	}
}

func (c *cleaner) attrs(n *html.Node) []html.Attribute {
	var out []html.Attribute
	add := func(k, v string) { out = append(out, html.Attribute{Key: k, Val: v}) }
	for _, a := range n.Attr {
		key := strings.ToLower(a.Key)
		if a.Namespace != "" {
			continue
		}
		val := strings.Map(dropControls, a.Val)
		switch {
		case key == "style":
			if s := cleanStyle(val); s != "" {
				add("style", s)
			}
		case key == "href" && n.DataAtom == atom.A:
			if u := webURL(val, "http", "https", "mailto", "tel"); u != "" {
				add("href", u)
				add("target", "_blank")
				add("rel", "noopener noreferrer nofollow")
			}
		case key == "src" && n.DataAtom == atom.Img:
			c.image(val, add)
		default:
			if want, ok := plainAttrs[key]; ok && (want == nil && len(val) < 2000 || want != nil && want.MatchString(val)) {
				add(key, val)
			}
		}
	}
	return out
}

func (c *cleaner) image(src string, add func(k, v string)) {
	src = strings.TrimSpace(src)
	switch {
	case cidURL.MatchString(src):
		add("src", "cid:"+src[4:])
	case imageData.MatchString(src):
		add("src", strings.Join(strings.Fields(src), ""))
	default:
		if strings.HasPrefix(src, "//") {
			src = "https:" + src
		}
		if u := webURL(src, "http", "https"); u != "" {
			add("data-remote-src", u)
			c.remote = true
		}
	}
}

func dropControls(r rune) rune {
	if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 {
		return -1
	}
	return r
}

// webURL is s in a normal form when its scheme is one of schemes, else empty.
func webURL(s string, schemes ...string) string {
	s = strings.TrimSpace(s)
	if len(s) > 8000 {
		return ""
	}
	scheme, _, ok := strings.Cut(s, ":")
	if !ok {
		return ""
	}
	for _, want := range schemes {
		if strings.EqualFold(scheme, want) {
			u, err := url.Parse(strings.ReplaceAll(s, " ", "%20"))
			if err != nil || (strings.HasPrefix(want, "http") && u.Host == "") {
				return ""
			}
			return u.String()
		}
	}
	return ""
}

// styles are the properties that only change how text looks inside its own box.
var styles = regexp.MustCompile(`^(color|background-color|background|font(-[a-z]+)?|text-(align|decoration|decoration-[a-z]+|indent|transform|overflow)|line-height|letter-spacing|word-spacing|direction|unicode-bidi|white-space|vertical-align|(min-|max-)?(width|height)|margin(-[a-z]+){0,2}|padding(-[a-z]+){0,2}|border(-[a-z]+){0,2}|list-style-type|display|float|clear|table-layout|word-(break|wrap)|overflow-wrap|mso-[a-z-]+)$`)

// styleMost bounds a value in bytes: a class of all letters that is repeated so often
// in the expression itself costs megabytes.
const styleMost = 600

var styleValue = regexp.MustCompile(`^[\p{L}0-9\s#%.,()'"+!/-]+$`)
var styleFunc = regexp.MustCompile(`([\p{L}-]*)\(`)

// cleanStyle keeps the harmless declarations of a style attribute.
func cleanStyle(s string) string {
	if len(s) > 20_000 || strings.ContainsAny(s, "\\<>{}@&") || strings.Contains(s, "/*") {
		return ""
	}
	var out []string
next:
	for decl := range strings.SplitSeq(s, ";") {
		prop, val, ok := strings.Cut(decl, ":")
		prop, val = strings.ToLower(strings.TrimSpace(prop)), strings.TrimSpace(val)
		if !ok || !styles.MatchString(prop) || strings.HasPrefix(prop, "mso-") || len(val) > styleMost || !styleValue.MatchString(val) {
			continue
		}
		for _, f := range styleFunc.FindAllStringSubmatch(val, -1) {
			switch strings.ToLower(f[1]) {
			case "rgb", "rgba", "hsl", "hsla", "calc":
			default:
				continue next
			}
		}
		low := strings.ToLower(val)
		for _, word := range []string{"url", "expression", "javascript", "import", "behavior", "binding"} {
			if strings.Contains(low, word) {
				continue next
			}
		}
		if prop == "display" && !regexpDisplay.MatchString(low) {
			continue
		}
		if (strings.HasPrefix(prop, "margin") || strings.HasPrefix(prop, "text-indent")) && strings.Contains(val, "-") {
			continue // could move text over what is not the mail's own
		}
		out = append(out, prop+": "+val)
	}
	return strings.Join(out, "; ")
}

var regexpDisplay = regexp.MustCompile(`^(none|block|inline|inline-block|table|table-row|table-cell|table-row-group|list-item)( !important)?$`)
