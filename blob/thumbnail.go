package blob

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // decoders, by the content's first bytes
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"
)

const (
	thumbSide = 320        // of a thumbnail, in pixels at most
	drawMax   = 50_000_000 // pixels; a larger image is a bomb or no use as a thumbnail
)

var errTooManyPixels = errors.New("the image has too many pixels to draw")

// thumbnail stores a small picture of an image and returns its hash, which is the
// image's own when that is small enough.
func (f *Files) thumbnail(ctx context.Context, hash string) (string, error) {
	select {
	case f.painting <- struct{}{}:
		defer func() { <-f.painting }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	c, _, err := f.store.Open(ctx, hash)
	if err != nil {
		return "", err
	}
	defer c.Close()
	b, err := shrink(c)
	if err != nil {
		return "", err
	}
	if b == nil {
		return hash, nil
	}
	thumb, _, err := f.store.Put(ctx, bytes.NewReader(b), 0)
	return thumb, err
}

// shrink draws an image at most 320 pixels wide and high: JPEG, or PNG when it
// is see-through. It looks at the size before it decodes. Nil means that the
// image is small as it is and lies the right way up.
func shrink(r io.ReadSeeker) (thumb []byte, err error) {
	defer func() {
		if p := recover(); p != nil { // a decoder given a stranger's bytes
			thumb, err = nil, fmt.Errorf("decoding panicked: %v", p)
		}
	}()
	config, format, err := image.DecodeConfig(bufio.NewReader(r))
	if err != nil {
		return nil, err
	}
	if config.Width <= 0 || config.Height <= 0 || int64(config.Width)*int64(config.Height) > drawMax {
		return nil, errTooManyPixels
	}
	turn := 1
	if format == "jpeg" {
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		turn = orientation(bufio.NewReader(r))
	}
	if config.Width <= thumbSide && config.Height <= thumbSide && turn == 1 {
		return nil, nil
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	img, _, err := image.Decode(bufio.NewReader(r))
	if err != nil {
		return nil, err
	}
	// A rough step to four times the size, then a fine one: a fine step alone takes
	// a hundred times as long on a photograph, a rough one alone looks torn.
	small := scale(scale(img, 4*thumbSide, draw.ApproxBiLinear), thumbSide, draw.CatmullRom)
	small = upright(small, turn)
	var out bytes.Buffer
	if o, ok := small.(interface{ Opaque() bool }); ok && o.Opaque() {
		err = jpeg.Encode(&out, small, &jpeg.Options{Quality: 80})
	} else {
		err = png.Encode(&out, small)
	}
	return out.Bytes(), err
}

// scale fits img into a square of side pixels; a smaller one stays.
func scale(img image.Image, side int, by draw.Scaler) image.Image {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	if w <= side && h <= side {
		return img
	}
	if w >= h {
		w, h = side, max(1, h*side/w)
	} else {
		w, h = max(1, w*side/h), side
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	by.Scale(out, out.Bounds(), img, img.Bounds(), draw.Src, nil)
	return out
}

// upright turns and mirrors a small picture by its Exif orientation, 1 to 8.
func upright(img image.Image, turn int) image.Image {
	if turn < 2 || turn > 8 {
		return img
	}
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if turn >= 5 {
		w, h = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			var sx, sy int
			switch turn {
			case 2:
				sx, sy = w-1-x, y
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sx, sy = x, h-1-y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, w-1-x
			case 7:
				sx, sy = h-1-y, w-1-x
			case 8:
				sx, sy = h-1-y, x
			}
			out.Set(x, y, color.RGBAModel.Convert(img.At(b.Min.X+sx, b.Min.Y+sy)))
		}
	}
	return out
}
