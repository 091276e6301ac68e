package status

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"html/template"
	"image/color"
	"net/http"
	"slices"
	"strings"

	"github.com/boombuler/barcode/qr"

	"holdfast"
)

//go:embed board.html
var boardHTML string

//go:embed board.css
var boardCSS string

//go:embed board.js
var boardJS []byte

//go:embed worker.js
var workerJS []byte

var board = template.Must(template.New("board").Parse(boardHTML))

var boardPolicy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src " + hash(boardCSS) + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var b64 = base64.RawURLEncoding

const boardMAC = 16

func (s *Status) boardMAC(b []byte) []byte {
	m := hmac.New(sha256.New, s.Key)
	m.Write([]byte("board\x00"))
	m.Write(b)
	return m.Sum(nil)[:boardMAC]
}

// BoardURL is the secret link of a workspace's board.
func (s *Status) BoardURL(workspace holdfast.ID, p Page) string {
	b := binary.BigEndian.AppendUint32(append([]byte{}, workspace[:]...), uint32(p.Edition))
	return s.PublicURL + "/board/" + b64.EncodeToString(append(b, s.boardMAC(b)...))
}

// openBoard reads what BoardURL made. The error is NotFound also for a former link and
// where the board is switched off.
func (s *Status) openBoard(ctx context.Context, token string) (snapshot, error) {
	unknown := holdfast.Errorf(holdfast.NotFound, "status.board_unknown", "this link shows nothing")
	b, err := b64.Strict().DecodeString(token)
	if err != nil || len(b) != 20+boardMAC || !hmac.Equal(b[20:], s.boardMAC(b[:20])) {
		return snapshot{}, unknown
	}
	v, err := s.look(ctx, holdfast.ID(b[:16]))
	if err == nil && (!v.page.Board || uint32(v.page.Edition) != binary.BigEndian.Uint32(b[16:20])) {
		err = unknown
	}
	return v, err
}

// Board is what lies below /board/: the screen of whoever holds the link, and the
// scripts that keep it there while the desk cannot be reached.
func (s *Status) Board(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method", http.StatusMethodNotAllowed)
		return
	}
	token := strings.TrimPrefix(r.URL.Path, "/board/")
	if script := map[string][]byte{"board.js": boardJS, "worker.js": workerJS}[token]; script != nil {
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
		w.Write(script)
		return
	}
	lang := wish(r)
	if !s.limits.allow(r) {
		h.Set("Retry-After", "60")
		http.Error(w, wordsIn(lang).TooMany, http.StatusTooManyRequests)
		return
	}
	v, err := s.openBoard(r.Context(), token)
	var b []byte
	if err == nil {
		b, err = s.drawBoard(&v, r.URL.Query().Get("lang"))
	}
	if err != nil {
		s.fail(w, lang, err)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", boardPolicy)
	h.Set("Cache-Control", "private, no-cache")
	w.Write(b)
}

// drawBoard draws the board in the language that is asked for, or in each of those that
// it shows one after the other.
func (s *Status) drawBoard(v *snapshot, lang string) ([]byte, error) {
	tongues := slices.Clone(v.page.Languages)
	if len(tongues) == 0 {
		tongues = slices.Clone(holdfast.Languages)
	}
	slices.SortStableFunc(tongues, func(a, b string) int { return rank(a, v.lang) - rank(b, v.lang) })
	if holdfast.KnownLanguage(lang) {
		tongues = []string{lang}
	}
	l := struct {
		CSS     template.CSS
		Name    string
		Lang    string
		Tongues []lookPage
	}{template.CSS(boardCSS), v.name, tongues[0], nil}
	code := ""
	if v.page.Open {
		var err error
		if code, err = square(s.URL(v.workspace, v.page)); err != nil {
			return nil, err
		}
	}
	for i, t := range tongues {
		p := s.prepare(v, t, holdfast.OnBoard)
		p.Shown, p.QR = i == 0, template.HTML(code)
		l.Tongues = append(l.Tongues, p)
	}
	var b bytes.Buffer
	err := board.Execute(&b, l)
	return b.Bytes(), err
}

// rank puts a workspace's own language first.
func rank(lang, own string) int {
	if lang == own {
		return 0
	}
	return 1
}

// square is a QR code of a text as the path of an SVG with a quiet edge.
func square(text string) (string, error) {
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return "", fmt.Errorf("a QR code: %w", err)
	}
	n := code.Bounds().Dx()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" shape-rendering="crispEdges" aria-hidden="true"><path class="paper" d="M0 0h%dv%dH0z"/><path class="dots" d="`, n+8, n+8, n+8, n+8)
	for y := range n {
		for x := range n {
			if color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y < 0x80 {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+4, y+4)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String(), nil
}
