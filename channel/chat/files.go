package chat

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"holdfast"
)

const (
	slowPiece = 30 * time.Second // to move one piece of a file
	linkLife  = 48 * time.Hour
)

// ticket is an upload as its visitor holds it until a message takes it: the desk
// keeps no list of files that no message has asked for.
type ticket struct {
	Visitor    string              `json:"v"`
	Attachment holdfast.Attachment `json:"a"`
}

// link is the right to read one file, as a signed part of its address.
type link struct {
	Visitor string `json:"v"`
	Hash    string `json:"h"`
	Name    string `json:"n"`
	Type    string `json:"t"` // "" for a thumbnail, whose type is sniffed
	Expires int64  `json:"x"`
}

// upload takes one file, as multipart or as a raw body with ?name=. Errors:
// Unauthenticated, TooMany, TooLarge, Invalid.
func (a *Adapter) upload(w http.ResponseWriter, r *http.Request) error {
	who, err := a.visitor(r)
	if err != nil {
		return err
	}
	now := a.env.Now()
	if err := a.limits.remote(remoteKey(r), now); err != nil {
		return err
	}
	if err := a.limits.visitor(who.Visitor, now); err != nil {
		return err
	}
	if r.ContentLength > fileLimit+1<<20 {
		return errFileTooLarge()
	}
	r.Body = http.MaxBytesReader(w, r.Body, fileLimit+1<<20) // with room for the multipart frame
	r.Body = patientReader{r.Body, http.NewResponseController(w)}
	name, claimed, body, err := filePart(r)
	if err != nil {
		return err
	}
	att, err := a.env.Blobs.Attach(r.Context(), name, claimed, body)
	if err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) || holdfast.KindOf(err) == holdfast.TooLarge {
			return errFileTooLarge()
		}
		return err
	}
	if att.Size > fileLimit {
		return errFileTooLarge()
	}
	if att.Size == 0 {
		return errFileMissing()
	}
	wire := a.fileWire(&att, who.Visitor)
	wire.ID = a.tokens.sign("upload", ticket{Visitor: who.Visitor, Attachment: att})
	writeJSON(w, http.StatusCreated, wire)
	return nil
}

func errFileTooLarge() error {
	return holdfast.Errorf(holdfast.TooLarge, "chat.file_too_large", "the file is larger than %d MB", fileLimit>>20).
		WithNext("Send a smaller file, or a link to it.")
}

func filePart(r *http.Request) (name, claimed string, body io.Reader, err error) {
	ct := r.Header.Get("Content-Type")
	kind, _, _ := mime.ParseMediaType(ct)
	if kind != "multipart/form-data" {
		name = r.URL.Query().Get("name")
		if name == "" {
			name = "file"
		}
		return name, ct, r.Body, nil
	}
	mr, err := r.MultipartReader()
	if err == nil {
		for {
			part, err := mr.NextPart()
			if err != nil {
				break
			}
			if part.FileName() != "" {
				return part.FileName(), part.Header.Get("Content-Type"), part, nil
			}
		}
	}
	return "", "", nil, errFileMissing()
}

func errFileMissing() error {
	return holdfast.Errorf(holdfast.Invalid, "chat.file_missing", "the request has no file, or an empty one").
		WithNext("Send one file as multipart/form-data, or as the body with ?name=.")
}

// uploaded opens the tickets of a message. The error is Invalid.
func (a *Adapter) uploaded(ids []string, visitor string) ([]holdfast.Attachment, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(ids) > filesLimit {
		return nil, holdfast.Errorf(holdfast.Invalid, "chat.attachments_too_many", "a message carries at most %d files", filesLimit).
			WithField("attachments").WithNext("Send the rest in another message.")
	}
	list := make([]holdfast.Attachment, len(ids))
	for i, id := range ids {
		var t ticket
		if !a.tokens.open("upload", id, &t) || t.Visitor != visitor {
			return nil, holdfast.Errorf(holdfast.Invalid, "chat.attachment_unknown", "attachment %d was not uploaded by this visitor", i+1).
				WithField("attachments").WithNext("Upload the file with POST uploads and send the id that it answers.")
		}
		list[i] = t.Attachment
	}
	return list, nil
}

func (a *Adapter) fileWire(att *holdfast.Attachment, visitor string) fileWire {
	f := fileWire{Name: att.Name, Type: att.Type, Size: att.Size, URL: a.fileURL(visitor, att.Hash, att.Name, att.Type)}
	if att.Thumb != "" {
		f.Thumb = a.fileURL(visitor, att.Thumb, att.Name, "")
	}
	return f
}

// fileURL is stable for a day, so that a browser's cache is of use.
func (a *Adapter) fileURL(visitor, hash, name, typ string) string {
	expires := a.env.Now().Add(linkLife).Truncate(24 * time.Hour).Unix()
	sig := a.tokens.sign("file", link{Visitor: visitor, Hash: hash, Name: name, Type: typ, Expires: expires})
	return "files/" + hash + "?sig=" + sig
}

// shown are the types that a browser may show as what they are; everything else
// is only bytes to be saved.
var shown = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/avif": true,
	"audio/mpeg": true, "audio/ogg": true, "audio/mp4": true, "video/mp4": true, "video/webm": true, "application/pdf": true,
}

func (a *Adapter) serveFile(w http.ResponseWriter, r *http.Request, hash string) error {
	var l link
	if !a.tokens.open("file", r.URL.Query().Get("sig"), &l) || l.Hash != hash || a.env.Now().Unix() >= l.Expires {
		return holdfast.Errorf(holdfast.NotFound, "chat.file_link", "this link is not valid, or no longer").
			WithNext("Load the conversation again for a fresh link.")
	}
	blob, err := a.env.Blobs.Open(r.Context(), hash)
	if err != nil {
		return err
	}
	defer blob.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(blob, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	head = head[:n]
	typ := l.Type
	if typ == "" {
		typ = http.DetectContentType(head)
	}
	if bare, _, _ := strings.Cut(typ, ";"); !shown[bare] {
		typ = "application/octet-stream"
	}
	h := w.Header()
	h.Set("Content-Type", typ)
	h.Set("Content-Disposition", disposition(l.Name))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // the widget lives on the site's page
	h.Set("Cache-Control", "private, max-age=86400, immutable")
	if r.Method == http.MethodHead {
		return nil
	}
	out := &patientWriter{w, http.NewResponseController(w)}
	defer out.done()
	if _, err := out.Write(head); err == nil {
		_, _ = io.Copy(out, blob) // the status is sent: a break is all the client can be told
	}
	return nil
}

// disposition names a file for saving, in any script (RFC 6266, RFC 8187).
func disposition(name string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, name)
	return `attachment; filename="` + ascii + `"; filename*=UTF-8''` + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

// patientReader gives a slow line time for each piece, and a dead one none.
type patientReader struct {
	io.ReadCloser
	rc *http.ResponseController
}

func (p patientReader) Read(b []byte) (int, error) {
	_ = p.rc.SetReadDeadline(time.Now().Add(slowPiece)) // tests' recorders have none
	return p.ReadCloser.Read(b)
}

type patientWriter struct {
	io.Writer
	rc *http.ResponseController
}

func (p *patientWriter) Write(b []byte) (int, error) {
	_ = p.rc.SetWriteDeadline(time.Now().Add(slowPiece))
	return p.Writer.Write(b)
}

// done leaves the connection as it was for the next request on it.
func (p *patientWriter) done() { _ = p.rc.SetWriteDeadline(time.Time{}) }
