package demo

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"

	"holdfast"
	"holdfast/blob"
)

// keeper stores the files of the story, each picture once.
type keeper struct {
	files  *blob.Files
	photos map[string]holdfast.Attachment
}

func (k keeper) raw(ctx context.Context, text string) (hash string, err error) {
	hash, _, err = k.files.Put(ctx, strings.NewReader(text), 0)
	return hash, err
}

// files takes the {photo} and {file} out of a text and attaches them.
func (s *story) files(ctx context.Context, text string, message holdfast.ID) (string, []holdfast.Attachment, error) {
	var list []holdfast.Attachment
	if strings.Contains(text, "{photo}") {
		a, err := s.t.keep.photo(ctx, s.script.topic, s.t.r.IntN(3))
		if err != nil {
			return "", nil, err
		}
		list = append(list, a)
	}
	if strings.Contains(text, "{file}") {
		name := s.words.fixed["invoice"] + ".pdf"
		a, err := s.t.keep.files.Attach(ctx, name, "application/pdf", bytes.NewReader(invoice(s)))
		if err != nil {
			return "", nil, err
		}
		list = append(list, a)
	}
	for i := range list {
		list[i].ID = holdfast.DeriveID(message, fmt.Sprintf("file %d", i))
	}
	text = strings.NewReplacer(" {photo}", "", " {file}", "", "{photo}", "", "{file}", "").Replace(text)
	return strings.TrimSpace(text), list, nil
}

// photo is a picture that goes with a topic.
func (k keeper) photo(ctx context.Context, topic string, variant int) (holdfast.Attachment, error) {
	var draw func(image.Point) color.RGBA
	name := "IMG_20" + fmt.Sprint(41+variant) + ".png"
	switch topic {
	case "payment", "password":
		draw, variant = paper, 0
	case "complaint":
		draw, variant = cables, 0
	default:
		draw = router(variant)
	}
	key := fmt.Sprintf("%s %d", name, variant)
	if topic == "payment" || topic == "password" || topic == "complaint" {
		key = topic
	}
	if a, ok := k.photos[key]; ok {
		return a, nil
	}
	img := image.NewRGBA(image.Rect(0, 0, 640, 420))
	for y := range 420 {
		for x := range 640 {
			img.SetRGBA(x, y, draw(image.Pt(x, y)))
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return holdfast.Attachment{}, err
	}
	a, err := k.files.Attach(ctx, name, "image/png", &b)
	if err == nil {
		k.photos[key] = a
	}
	return a, err
}

func rgb(r, g, b float64) color.RGBA {
	c := func(v float64) uint8 { return uint8(math.Max(0, math.Min(255, v))) }
	return color.RGBA{c(r), c(g), c(b), 255}
}

// router is a white box on a dark shelf with four lights, the last but one of
// which is red, orange or, like all, green.
func router(variant int) func(image.Point) color.RGBA {
	lights := [][3]float64{{70, 220, 90}, {70, 220, 90}, {[]float64{255, 255, 70}[variant], []float64{40, 150, 220}[variant], []float64{40, 20, 90}[variant]}, {60, 70, 70}}
	return func(p image.Point) color.RGBA {
		x, y := float64(p.X), float64(p.Y)
		r, g, b := 62-y/14, 48-y/16, 40-y/18 // the shelf, darker to the bottom
		if x > 90 && x < 550 && y > 150 && y < 310 {
			shade := 226 - (y-150)/5 - math.Abs(x-320)/14
			r, g, b = shade, shade, shade+4
		}
		for i, l := range lights {
			cx := 190 + float64(i)*86
			d := math.Hypot(x-cx, y-232)
			glow := math.Exp(-d * d / 700)
			r, g, b = r*(1-glow)+l[0]*glow, g*(1-glow)+l[1]*glow, b*(1-glow)+l[2]*glow
			if d < 9 {
				r, g, b = l[0], l[1], l[2]
			}
		}
		return rgb(r, g, b)
	}
}

// paper is a receipt on a table: lines of print that nobody can read.
func paper(p image.Point) color.RGBA {
	x, y := float64(p.X), float64(p.Y)
	if x < 200+y/30 || x > 430+y/30 || y < 20 {
		return rgb(130-y/10, 96-y/12, 70-y/14)
	}
	line, in := int(y-50)/22, int(x-y/30-225)
	if y > 50 && int(y-50)%22 < 9 && line < 14 && in > 0 && in < 60+(line*67)%120 && in%9 < 7 {
		return rgb(70, 70, 78)
	}
	return rgb(240-math.Abs(x-320)/12, 238-math.Abs(x-320)/12, 230-math.Abs(x-320)/12)
}

// cables hang along a wall.
func cables(p image.Point) color.RGBA {
	x, y := float64(p.X), float64(p.Y)
	r, g, b := 205-y/12, 200-y/12, 186-y/11
	for i := range 3 {
		at := 110 + float64(i)*46 + 70*math.Sin(x/(90+float64(i)*17)+float64(i)*2)
		if d := math.Abs(y - at); d < 6 {
			tone := 60 + float64(i)*70 - d*6
			r, g, b = tone, tone*0.9, tone*0.55
		}
	}
	return rgb(r, g, b)
}

// invoice is a one-page PDF in plain Latin type.
func invoice(s *story) []byte {
	p := s.p
	amount := map[string]string{"en": "EUR 19.00", "ru": "RUB 750.00", "fa": "IRT 420 000"}[s.lang]
	lines := []string{"NORTHLINE", "", "Invoice " + s.words.fixed["invoice"], fmt.Sprintf("Contract %d", p.contract), "Date " + s.at.Format("2006-01-02"), "",
		"Home internet, one month" + strings.Repeat(" ", 12) + amount, "Router" + strings.Repeat(" ", 30) + "included", "",
		"Correction of the invoice before: see your account.", "Thank you for being with us."}
	var text strings.Builder
	text.WriteString("BT /F1 12 Tf 72 760 Td 18 TL\n")
	for _, l := range lines {
		fmt.Fprintf(&text, "(%s) Tj T*\n", strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(l))
	}
	text.WriteString("ET")
	objects := []string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
		fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", text.Len(), text.String()), "<</Type/Font/Subtype/Type1/BaseFont/Courier>>"}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	var at []int
	for i, o := range objects {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return b.Bytes()
}
