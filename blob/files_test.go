package blob_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"holdfast"
	"holdfast/blob"
)

func newFiles(t *testing.T) *blob.Files {
	return blob.NewFiles(blob.NewDisk(filepath.Join(t.TempDir(), "blobs")), 0, nil)
}

// picture is w×h pixels, the left half red and the right half blue.
func picture(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{R: 255, A: 255}
			if x >= w/2 {
				c = color.RGBA{B: 255, A: 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func encoded(t *testing.T, format string, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, img)
	case "jpeg":
		err = jpeg.Encode(&b, img, nil)
	case "gif":
		err = gif.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnImageGetsAThumbnail(t *testing.T) {
	f := newFiles(t)
	for _, format := range []string{"png", "jpeg", "gif"} {
		content := encoded(t, format, picture(2000, 1000))
		a, err := f.Attach(t.Context(), "C:\\photos\\cat."+format, "application/octet-stream", bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if a.Name != "cat."+format || a.Type != "image/"+format || a.Size != int64(len(content)) || a.Hash != sum(content) || a.ID.IsZero() {
			t.Errorf("attached %+v", a)
		}
		c, err := f.Open(t.Context(), a.Thumb)
		if err != nil {
			t.Fatalf("%s: no thumbnail: %v", format, err)
		}
		thumb, _, err := image.Decode(c)
		c.Close()
		if err != nil || thumb.Bounds().Dx() != 320 || thumb.Bounds().Dy() != 160 {
			t.Fatalf("%s: thumbnail of %v, %v", format, thumb.Bounds(), err)
		}
		left, _, _, _ := thumb.At(40, 80).RGBA()
		_, _, right, _ := thumb.At(280, 80).RGBA()
		if left < 0xc000 || right < 0xc000 {
			t.Errorf("%s: the thumbnail shows something else", format)
		}
	}
}

func TestASmallImageIsItsOwnThumbnail(t *testing.T) {
	a, err := newFiles(t).Attach(t.Context(), "dot.png", "image/png", bytes.NewReader(encoded(t, "png", picture(300, 20))))
	if err != nil || a.Thumb != a.Hash {
		t.Fatalf("%+v, %v", a, err)
	}
}

func TestAPhotographTakenSidewaysStandsUp(t *testing.T) {
	content := encoded(t, "jpeg", picture(800, 400))
	exif := []byte("Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00")
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(exif)+2))
	turned := append(append(append([]byte{0xff, 0xd8}, segment...), exif...), content[2:]...)
	if got := blob.Orientation(bytes.NewReader(turned)); got != 6 {
		t.Fatalf("orientation %d, want 6", got)
	}
	b, err := blob.Shrink(bytes.NewReader(turned))
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil || img.Bounds().Dx() != 160 || img.Bounds().Dy() != 320 {
		t.Fatalf("%v, %v", img.Bounds(), err)
	}
	top, _, _, _ := img.At(80, 40).RGBA() // what was on the left is on top after a turn to the right
	if top < 0xc000 {
		t.Error("turned the wrong way")
	}
}

// bomb is a PNG that claims to be w×h and holds next to nothing.
func bomb(w, h uint32) []byte {
	chunk := func(kind string, data []byte) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
		body := append([]byte(kind), data...)
		return binary.BigEndian.AppendUint32(append(b, body...), crc32.ChecksumIEEE(body))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	return append(append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(head, 8, 6, 0, 0, 0))...), chunk("IEND", nil)...)
}

func TestABombIsAFileWithoutAThumbnail(t *testing.T) {
	f := newFiles(t)
	for _, content := range [][]byte{bomb(60_000, 60_000), bomb(0x7fffffff, 0x7fffffff), bomb(1000, 1000), encoded(t, "jpeg", picture(900, 900))[:600]} {
		a, err := f.Attach(t.Context(), "x.png", "", bytes.NewReader(content))
		if err != nil || a.Thumb != "" || a.Size != int64(len(content)) {
			t.Errorf("%+v, %v", a, err)
		}
	}
}

func TestTheTypeComesFromTheContent(t *testing.T) {
	for _, c := range []struct{ content, claimed, want string }{
		{"<!DOCTYPE html><html><script>alert(1)</script></html>", "image/png", "text/html"},
		{"%PDF-1.7\n", "text/plain", "application/pdf"},
		{"MZ\x90\x00\x03\x00\x00\x00", "application/pdf", "application/vnd.microsoft.portable-executable"},
		{"имя,телефон\nАнна,1\n", "text/csv; charset=utf-8", "text/csv"},
		{"hello", "text/html", "text/plain"},
		{"hello", "image/png", "text/plain"},
		{"hello", "nonsense", "text/plain"},
		{"\x00\x01\x02\x03", "application/x-thing", "application/x-thing"},
		{"\x00\x01\x02\x03", "image/svg+xml", "application/octet-stream"},
		{"\x00\x01\x02\x03", "", "application/octet-stream"},
		{"", "", "text/plain"},
	} {
		if got := blob.Sniff([]byte(c.content), c.claimed); got != c.want {
			t.Errorf("Sniff(%.20q, %q) = %q, want %q", c.content, c.claimed, got, c.want)
		}
	}
}

func TestAnAttachmentOverTheLimitIsRefused(t *testing.T) {
	f := blob.NewFiles(blob.NewDisk(t.TempDir()), 1000, nil)
	if _, err := f.Attach(t.Context(), "a", "", strings.NewReader(strings.Repeat("a", 1001))); holdfast.KindOf(err) != holdfast.TooLarge {
		t.Errorf("err = %v", err)
	}
	if a, err := f.Attach(t.Context(), "a", "", strings.NewReader(strings.Repeat("a", 1000))); err != nil || a.Size != 1000 {
		t.Errorf("%+v, %v", a, err)
	}
	gone := errors.New("gone")
	if _, err := f.Attach(t.Context(), "a", "", io.MultiReader(strings.NewReader("x"), failing{gone})); !errors.Is(err, gone) {
		t.Errorf("err = %v", err)
	}
}

func TestNamesAreCleaned(t *testing.T) {
	for in, want := range map[string]string{
		"счёт.pdf":              "счёт.pdf",
		"../../etc/passwd":      "passwd",
		`C:\Users\Ann\bill.doc`: "bill.doc",
		"a\x00b\r\nc.txt":       "ab c.txt",
		"gpj.\u202efdp.exe":     "gpj.fdp.exe",
		"می\u200cخواهم.pdf":     "می\u200cخواهم.pdf",
		"..":                    "file",
		"":                      "file",
		" . ":                   "file",
		".htaccess":             "htaccess",
		"con.txt":               "_con.txt",
		`a<b>:"c|d?*.txt`:       "a_b___c_d__.txt",
		"bad\xffname.txt":       "bad_name.txt",
	} {
		if got := blob.CleanName(in); got != want {
			t.Errorf("CleanName(%q) = %q, want %q", in, got, want)
		}
	}
	if got := blob.CleanName(strings.Repeat("ж", 300) + ".docx"); len(got) > 200 || !strings.HasSuffix(got, "ж.docx") || !utf8.ValidString(got) {
		t.Errorf("a long name became %q (%d bytes)", got, len(got))
	}
}

func FuzzCleanName(f *testing.F) {
	f.Add("a/b\\c.txt")
	f.Add("\u202e.exe")
	f.Add(strings.Repeat("é.", 200))
	f.Fuzz(func(t *testing.T, in string) {
		got := blob.CleanName(in)
		if got == "" || len(got) > 201 || !utf8.ValidString(got) || strings.ContainsAny(got, "/\\\x00\r\n\u202e\u2066") || got == "." || got == ".." {
			t.Fatalf("CleanName(%q) = %q", in, got)
		}
		if again := blob.CleanName(got); again != got {
			t.Fatalf("cleaned twice: %q, then %q", got, again)
		}
	})
}

func FuzzOrientation(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x22Exif\x00\x00II\x2a\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"))
	f.Add([]byte("\xff\xd8\xff\xda"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := blob.Orientation(bytes.NewReader(b)); got < 1 || got > 8 {
			t.Fatalf("orientation %d", got)
		}
	})
}

func serve(t *testing.T, f *blob.Files, a holdfast.Attachment, o blob.Serving, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", "/file", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	if err := f.Serve(w, r, a, o); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestAFileIsServedSoThatItCannotRun(t *testing.T) {
	stores(t, func(t *testing.T, s blob.Store, _ func() []string) {
		f := blob.NewFiles(s, 0, nil)
		page := "<!DOCTYPE html><html><script>alert(1)</script></html>"
		a, err := f.Attach(t.Context(), "счёт \"1\".html", "", strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		w := serve(t, f, a, blob.Serving{Inline: true})
		h := w.Result().Header
		if w.Body.String() != page || w.Code != http.StatusOK {
			t.Errorf("%d %q", w.Code, w.Body)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "private, max-age=31536000, immutable",
			"ETag": `"` + a.Hash + `"`, "Content-Length": "53",
			"Content-Disposition": "attachment; filename*=utf-8''%D1%81%D1%87%D1%91%D1%82%20_1_.html",
		} {
			if got := h.Get(name); !strings.EqualFold(got, want) {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if w := serve(t, f, a, blob.Serving{}, "Range", "bytes=2-8"); w.Code != http.StatusPartialContent || w.Body.String() != "DOCTYPE" {
			t.Errorf("a range: %d %q", w.Code, w.Body)
		}
		if w := serve(t, f, a, blob.Serving{}, "If-None-Match", `"`+a.Hash+`"`); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
			t.Errorf("known already: %d, %d bytes", w.Code, w.Body.Len())
		}
		if err := f.Serve(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), a, blob.Serving{Thumb: true}); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("a thumbnail of a page: %v", err)
		}
	})
}

func TestAnImageIsShownInThePage(t *testing.T) {
	f := newFiles(t)
	a, err := f.Attach(t.Context(), "a.png", "", bytes.NewReader(encoded(t, "png", picture(1000, 1000))))
	if err != nil {
		t.Fatal(err)
	}
	w := serve(t, f, a, blob.Serving{Inline: true})
	if h := w.Result().Header; h.Get("Content-Type") != "image/png" || !strings.HasPrefix(h.Get("Content-Disposition"), "inline") {
		t.Errorf("%v", h)
	}
	if h := serve(t, f, a, blob.Serving{}).Result().Header; !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
		t.Errorf("asked to save: %v", h)
	}
	w = serve(t, f, a, blob.Serving{Thumb: true})
	if h := w.Result().Header; h.Get("Content-Type") != "image/jpeg" || !strings.HasPrefix(h.Get("Content-Disposition"), "inline") {
		t.Errorf("%v", h)
	}
	if _, err := jpeg.Decode(w.Body); err != nil {
		t.Errorf("the thumbnail: %v", err)
	}
	see := picture(800, 800)
	see.SetRGBA(0, 0, color.RGBA{})
	a, err = f.Attach(t.Context(), "b.png", "", bytes.NewReader(encoded(t, "png", see)))
	if err != nil {
		t.Fatal(err)
	}
	if got := serve(t, f, a, blob.Serving{Thumb: true}).Result().Header.Get("Content-Type"); got != "image/png" {
		t.Errorf("a see-through image's thumbnail is %s", got)
	}
}

func TestATypeFromTheDatabaseCannotMakeAFileRun(t *testing.T) {
	f := newFiles(t)
	hash, _, err := f.Put(t.Context(), strings.NewReader("<svg onload=alert(1)>"), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"image/svg+xml", "text/html; charset=utf-8", "application/xhtml+xml", "", "text/html\r\nX: y"} {
		w := serve(t, f, holdfast.Attachment{Name: "x", Type: kind, Hash: hash}, blob.Serving{Inline: true})
		if h := w.Result().Header; h.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
			t.Errorf("%q: %v", kind, h)
		}
	}
}
