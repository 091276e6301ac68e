package status

import (
	"encoding/json"
	"encoding/xml"
	"slices"
	"strings"
	"time"
)

// The feeds have an item for each update: a reader that saw "investigating" is told of
// "resolved", too.
type item struct {
	id, link, title, text string
	at                    time.Time
}

// feedMax bounds a feed; older words are on the page.
const feedMax = 100

func (s *Status) items(v *snapshot, lang string) []item {
	var list []item
	base := s.URL(v.workspace, v.page)
	for _, of := range [][]Incident{v.open, v.past} {
		for _, i := range of {
			for _, u := range i.Updates {
				list = append(list, item{id: u.ID.String(), link: base + "?lang=" + lang + "#" + i.ID.String(), at: u.At.UTC(),
					title: i.Titles.In(lang, v.lang) + ": " + wordsIn(lang).States[u.State], text: u.Texts.In(lang, v.lang)})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b item) int { return b.at.Compare(a.at) })
	return list[:min(len(list), feedMax)]
}

type rssItem struct {
	Title string `xml:"title"`
	Link  string `xml:"link"`
	GUID  struct {
		Value     string `xml:",chardata"`
		Permanent bool   `xml:"isPermaLink,attr"`
	} `xml:"guid"`
	Date string `xml:"pubDate"`
	Text string `xml:"description"`
}

func (s *Status) rss(v *snapshot, lang string) ([]byte, error) {
	type channel struct {
		Title    string    `xml:"title"`
		Link     string    `xml:"link"`
		Text     string    `xml:"description"`
		Language string    `xml:"language"`
		TTL      int       `xml:"ttl"` // minutes
		Items    []rssItem `xml:"item"`
	}
	doc := struct {
		XMLName xml.Name `xml:"rss"`
		Version string   `xml:"version,attr"`
		Channel channel  `xml:"channel"`
	}{Version: "2.0", Channel: channel{Title: put(wordsIn(lang).Title, "name", v.name), Link: s.URL(v.workspace, v.page) + "?lang=" + lang, Text: v.page.About.In(lang, v.lang), Language: lang, TTL: 1}}
	for _, it := range s.items(v, lang) {
		x := rssItem{Title: it.title, Link: it.link, Date: it.at.Format(time.RFC1123Z), Text: strings.ReplaceAll(plainXML(it.text), "\n", "<br>")}
		x.GUID.Value = "urn:uuid:" + it.id
		doc.Channel.Items = append(doc.Channel.Items, x)
	}
	b, err := xml.MarshalIndent(doc, "", " ")
	return append([]byte(xml.Header), b...), err
}

// plainXML is a text as HTML, which is what readers take a description for.
func plainXML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

func (s *Status) jsonFeed(v *snapshot, lang string) ([]byte, error) {
	type entry struct {
		ID    string `json:"id"`
		URL   string `json:"url"`
		Title string `json:"title"`
		Text  string `json:"content_text"`
		Date  string `json:"date_published"`
	}
	base := s.URL(v.workspace, v.page)
	feed := struct {
		Version  string  `json:"version"`
		Title    string  `json:"title"`
		Home     string  `json:"home_page_url"`
		URL      string  `json:"feed_url"`
		Language string  `json:"language"`
		Items    []entry `json:"items"`
	}{"https://jsonfeed.org/version/1.1", put(wordsIn(lang).Title, "name", v.name), base + "?lang=" + lang, base + "/feed.json?lang=" + lang, lang, []entry{}}
	for _, it := range s.items(v, lang) {
		feed.Items = append(feed.Items, entry{"urn:uuid:" + it.id, it.link, it.title, it.text, it.at.Format(time.RFC3339)})
	}
	return json.Marshal(feed)
}
