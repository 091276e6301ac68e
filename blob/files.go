package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"regexp"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"holdfast"
)

// DefaultLimit is the largest file taken in, in bytes, unless the desk says otherwise.
const DefaultLimit = 40 << 20

// headSize is how much of a file is looked at to tell what it is.
const headSize = 3072

// Files are the desk's files: a Store with a limit, and what is told about each
// file from its content. Make them with NewFiles.
type Files struct {
	store    Store
	limit    int64
	log      *slog.Logger
	painting chan struct{} // one image is decoded at a time: each may take 200 MB
}

// NewFiles keeps files in store. limit is the largest in bytes; 0 means DefaultLimit.
func NewFiles(store Store, limit int64, log *slog.Logger) *Files {
	if limit <= 0 {
		limit = DefaultLimit
	}
	if log == nil {
		log = slog.Default()
	}
	return &Files{store: store, limit: limit, log: log, painting: make(chan struct{}, 1)}
}

// Put streams r to storage and returns its SHA-256 in hex and its size in
// bytes. Past max bytes (0: the desk's limit) the error is TooLarge and nothing
// is kept.
func (f *Files) Put(ctx context.Context, r io.Reader, max int64) (hash string, size int64, err error) {
	if max <= 0 {
		max = f.limit
	}
	return f.store.Put(ctx, r, max)
}

// Open streams a blob. The error is NotFound when there is none.
func (f *Files) Open(ctx context.Context, hash string) (io.ReadCloser, error) {
	c, _, err := f.store.Open(ctx, hash)
	return c, err
}

// Has reports whether a blob is there.
func (f *Files) Has(ctx context.Context, hash string) (bool, error) { return f.store.Has(ctx, hash) }

// Attach stores one file of a message: sniffs its type, cleans its name, makes a
// thumbnail of an image. An image that cannot be drawn is a file without one.
// Past the desk's limit the error is TooLarge.
func (f *Files) Attach(ctx context.Context, name, claimedType string, r io.Reader) (holdfast.Attachment, error) {
	head := make([]byte, headSize)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		return holdfast.Attachment{}, err
	}
	whole := io.MultiReader(bytes.NewReader(head[:n]), r)
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		whole = bytes.NewReader(head[:n])
	}
	a := holdfast.Attachment{ID: holdfast.NewID(), Name: CleanName(name), Type: sniff(head[:n], claimedType)}
	if a.Hash, a.Size, err = f.Put(ctx, whole, 0); err != nil {
		return holdfast.Attachment{}, err
	}
	if raster[a.Type] {
		if a.Thumb, err = f.thumbnail(ctx, a.Hash); err != nil {
			if ctx.Err() != nil {
				return holdfast.Attachment{}, err
			}
			f.log.Debug("no thumbnail of an image", "type", a.Type, "size", a.Size, "err", err)
		}
	}
	return a, nil
}

// sniff tells a file's type from its first bytes. The sender's word counts only
// where the content is too plain to tell, and never makes a file active or an image.
func sniff(head []byte, claimed string) string {
	found, _, err := mime.ParseMediaType(mimetype.Detect(head).String())
	if err != nil {
		found = octets
	}
	claimed, _, err = mime.ParseMediaType(claimed)
	if err != nil || active[claimed] || strings.HasPrefix(claimed, "image/") || !strings.Contains(claimed, "/") {
		return found
	}
	switch {
	case found == octets && len(head) > 0,
		found == "text/plain" && plainly.MatchString(claimed),
		(found == "application/zip" || found == "application/x-ole-storage") && strings.HasPrefix(claimed, "application/vnd."):
		return claimed
	}
	return found
}

// plainly are types whose files are plain text to look at.
var plainly = regexp.MustCompile(`^(text/.+|message/.+|application/(pgp|pkcs7|x-pkcs7|ics|json|x-yaml|sql).*)$`)

const octets = "application/octet-stream"

// active are the types that a browser runs when it shows them.
var active = map[string]bool{
	"text/html": true, "application/xhtml+xml": true, "image/svg+xml": true, "text/xml": true, "application/xml": true,
	"text/javascript": true, "application/javascript": true, "application/x-javascript": true, "text/ecmascript": true,
	"application/ecmascript": true, "text/xsl": true, "application/xslt+xml": true, "application/x-shockwave-flash": true,
	"multipart/x-mixed-replace": true, "text/cache-manifest": true, "application/wasm": true,
}

// raster are the images that are safe to show in a page and that we can draw.
var raster = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true}
