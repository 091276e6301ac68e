package blob

import (
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"holdfast"
)

// Serving says how a file is shown.
type Serving struct {
	Inline bool // in the page, where it is an image that is safe to show; saved otherwise
	Thumb  bool // the small picture in place of the file, always inline
}

// Serve answers a request with one file of a message, in pieces when it asks for
// a range. Nothing in the file can run or reach the page around it. Errors come
// before anything is written: NotFound when there is no such file or thumbnail.
func (f *Files) Serve(w http.ResponseWriter, r *http.Request, a holdfast.Attachment, o Serving) error {
	hash, kind, inline := a.Hash, servedType(a.Type), o.Inline && raster[a.Type]
	if o.Thumb {
		hash, inline = a.Thumb, true
	}
	c, size, err := f.store.Open(r.Context(), hash)
	if err != nil {
		return err
	}
	defer c.Close()
	if o.Thumb && hash != a.Hash {
		kind = "image/jpeg"
		head := make([]byte, min(size, 8))
		if _, err := io.ReadFull(c, head); err == nil && strings.HasPrefix(string(head), "\x89PNG") {
			kind = "image/png"
		}
		if _, err := c.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	disposition := "attachment"
	if inline {
		disposition = "inline"
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": CleanName(a.Name)}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "same-site")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	h.Set("ETag", `"`+hash+`"`)
	http.ServeContent(w, r, "", time.Time{}, c)
	return nil
}

// servedType is the type a browser is told: never one that it would run.
func servedType(t string) string {
	t, _, err := mime.ParseMediaType(t)
	if err != nil || active[t] || !strings.Contains(t, "/") {
		return octets
	}
	return t
}
