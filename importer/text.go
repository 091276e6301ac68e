package importer

import (
	"strings"

	"golang.org/x/net/html"
)

// blocks are the elements that begin a line.
var blocks = map[string]bool{"p": true, "div": true, "br": true, "li": true, "tr": true, "h1": true, "h2": true, "h3": true, "h4": true,
	"blockquote": true, "pre": true, "table": true, "ul": true, "ol": true, "hr": true, "section": true, "article": true}

// plainText is what a formatted message says, for lists and the search.
func plainText(page string) string {
	z := html.NewTokenizer(strings.NewReader(page))
	var out strings.Builder
	hidden := 0
	for {
		switch z.Next() {
		case html.ErrorToken:
			return tidy(out.String())
		case html.TextToken:
			if hidden == 0 {
				out.Write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			switch tag := string(name); {
			case tag == "script" || tag == "style" || tag == "title":
				hidden++
			case blocks[tag]:
				out.WriteByte('\n')
			case tag == "td" || tag == "th":
				out.WriteByte(' ')
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			switch tag := string(name); {
			case tag == "script" || tag == "style" || tag == "title":
				hidden = max(hidden-1, 0)
			case blocks[tag] && tag != "br":
				out.WriteByte('\n')
			}
		}
	}
}

// tidy takes out the spaces that only a browser would not show.
func tidy(s string) string {
	s = html.UnescapeString(s)
	var lines []string
	empty := true
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.Join(strings.Fields(line), " ")
		if line == "" && empty {
			continue
		}
		empty = line == ""
		lines = append(lines, line)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
