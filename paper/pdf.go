package paper

import (
	"strings"
	"time"

	"github.com/signintech/gopdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"

	"holdfast"
)

// The page, in points.
const (
	pageWidth, pageHeight = 595.28, 841.89 // A4
	edge                  = 36
	inner                 = pageWidth - 2*edge
)

// sheet draws a page after another.
type sheet struct {
	pdf  gopdf.GoPdf
	c    *content
	w    *words
	rtl  bool
	y    float64
	page int
	err  error
}

// pdf is the content as pages to be printed. font is a TrueType face for Persian; the
// other letters, Cyrillic among them, are Go's own.
func (c *content) pdf(font []byte) ([]byte, error) {
	s := &sheet{c: c, w: wordsIn(c.lang), rtl: c.lang == "fa"}
	s.pdf.Start(gopdf.Config{PageSize: gopdf.Rect{W: pageWidth, H: pageHeight}})
	unknown := gopdf.TtfOption{OnGlyphNotFoundSubstitute: func(rune) rune { return '?' }}
	for name, face := range map[string][]byte{"fa": font, "latin": goregular.TTF, "bold": gobold.TTF} {
		if err := s.pdf.AddTTFFontDataWithOption(name, face, unknown); err != nil {
			return nil, err
		}
	}
	s.pdf.SetInfo(gopdf.PdfInfo{Title: c.name + ": " + s.w.title, CreationDate: c.at})
	s.next()
	s.y += 8
	s.line(0, inner, 17, true, s.w.title)
	s.y += 18
	s.line(0, inner, 11, false, c.name)
	s.y += 17
	for _, l := range s.wrap(strings.ReplaceAll(s.w.intro, "{at}", moment(c.at, c.lang)), inner, 9) {
		s.line(0, inner, 9, false, l)
		s.y += 13
	}
	s.y += 6
	for n := range c.people {
		s.person(n)
	}
	if len(c.people) == 0 {
		s.line(0, inner, 11, false, s.w.none)
	}
	if c.left > 0 {
		s.room(16)
		s.line(0, inner, 9, false, strings.ReplaceAll(s.w.left, "{n}", number(c.left, c.lang)))
	}
	if s.err != nil {
		return nil, s.err
	}
	return s.pdf.GetBytesPdfReturnErr()
}

func moment(t time.Time, lang string) string {
	return holdfast.LongDate(t, lang) + " " + holdfast.Digits(t.Format("15:04"), lang)
}

// day is "30.11. 14:02" as short as a column allows, in a reader's calendar.
func day(t time.Time, lang string) string {
	if lang == "fa" {
		_, m, d := holdfast.PersianDate(t)
		return holdfast.Digits(t.Format("15:04"), lang) + " " + number(d, lang) + "/" + number(m, lang)
	}
	return t.Format("02.01. 15:04")
}

func (s *sheet) next() {
	s.pdf.AddPage()
	s.page++
	s.y = pageHeight - edge + 10
	s.line(0, inner, 8, false, strings.ReplaceAll(s.w.page, "{n}", number(s.page, s.c.lang))+" · "+moment(s.c.at, s.c.lang))
	s.y = edge
}

// room begins a new page where h points are not left on this one.
func (s *sheet) room(h float64) {
	if s.y+h > pageHeight-edge-8 {
		s.next()
	}
}

func (s *sheet) face(p piece, size float64, bold bool) {
	name := "latin"
	if p.persian {
		name = "fa"
	} else if bold {
		name = "bold"
	}
	if err := s.pdf.SetFont(name, "", size); err != nil && s.err == nil {
		s.err = err
	}
}

func (s *sheet) width(text string, size float64, bold bool) float64 {
	sum := 0.0
	for _, p := range laid(text, fromRight(text)) {
		s.face(p, size, bold)
		w, err := s.pdf.MeasureTextWidth(p.text)
		if err != nil && s.err == nil {
			s.err = err
		}
		sum += w
	}
	return sum
}

// line draws a line of text, in the direction of its first letter, in a box that begins x points from the side at which the
// language begins; what is too long is cut.
func (s *sheet) line(x, w, size float64, bold bool, text string) {
	for s.width(text, size, bold) > w {
		r := []rune(strings.TrimSuffix(text, "…"))
		if len(r) < 2 {
			break
		}
		text = string(r[:len(r)-max(1, len(r)/20)]) + "…"
	}
	at := edge + x
	if s.rtl {
		at = pageWidth - edge - x - s.width(text, size, bold)
	}
	for _, p := range laid(text, fromRight(text)) {
		s.face(p, size, bold)
		s.pdf.SetXY(at, s.y)
		if err := s.pdf.Text(p.text); err != nil && s.err == nil {
			s.err = err
		}
		wide, err := s.pdf.MeasureTextWidth(p.text)
		if err != nil && s.err == nil {
			s.err = err
		}
		at += wide
	}
}

// wrap cuts a text into lines that fit.
func (s *sheet) wrap(text string, w, size float64) []string {
	var lines []string
	now := ""
	for _, word := range strings.Fields(text) {
		if longer := strings.TrimSpace(now + " " + word); now == "" || s.width(longer, size, false) <= w {
			now = longer
			continue
		}
		lines = append(lines, now)
		now = word
	}
	return append(lines, now)
}

// rule draws a line under what is to be written, from x on.
func (s *sheet) rule(x, w float64, weight float64) {
	s.pdf.SetLineWidth(weight)
	from := edge + x
	if s.rtl {
		from = pageWidth - edge - x - w
	}
	s.pdf.Line(from, s.y, from+w, s.y)
}

// person draws a customer: they stay on one page with their rows.
func (s *sheet) person(n int) {
	p := s.c.people[n]
	h := 30.0 + 12*float64(len(p.contacts))
	for _, m := range p.matters {
		h += 16 + 24*float64(len(m.rows))
	}
	s.room(h)
	s.rule(0, inner, 0.8)
	s.y += 16
	s.line(0, 28, 12, true, number(n+1, s.c.lang))
	s.line(30, 210, 12, true, p.name)
	s.line(248, inner-248, 11, true, strings.Join(p.addresses, " · "))
	s.y += 5
	for _, x := range p.contacts {
		s.y += 12
		s.line(30, 70, 8, false, day(x.at, s.c.lang))
		s.line(102, 40, 8, false, s.w.side(x.in))
		s.line(146, inner-146, 8, false, short(x.text, textLength))
	}
	for _, m := range p.matters {
		s.y += 16
		s.line(30, 70, 9, true, "#"+number(int(m.number), s.c.lang))
		from := 102.0
		if m.urgent {
			s.line(from, 44, 9, true, s.w.urgent)
			from = 146
		}
		s.line(from, inner-from, 9, true, short(m.subject, 90))
		for _, code := range m.rows {
			s.y += 24
			s.line(30, 90, 11, true, printed(code))
			s.rule(122, inner-122, 0.4)
		}
	}
	s.y += 10
}
