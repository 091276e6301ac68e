package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/mail"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"holdfast"
	"holdfast/access"
	"holdfast/blob"
	"holdfast/inbox"
	"holdfast/outbox"
)

func (a *API) readMessage(ctx context.Context, id access.Identity, in *IDIn) (*body[*inbox.Message], error) {
	return ok(a.Inbox.Message(ctx, id.Workspace, in.id()))
}

func (a *API) withdrawMessage(ctx context.Context, id access.Identity, in *IDIn) (*body[*inbox.Message], error) {
	return ok(a.Desk.Withdraw(ctx, by(ctx, id), in.id()))
}

func (a *API) listExchanges(ctx context.Context, id access.Identity, in *IDIn) (*body[page[outbox.Exchange]], error) {
	if _, err := a.Inbox.Message(ctx, id.Workspace, in.id()); err != nil {
		return nil, err
	}
	list, err := a.Outbox.Exchanges(ctx, id.Workspace, in.id())
	return paged(list, "", err)
}

// stream answers a request with something that is not JSON.
type stream = huma.StreamResponse

// readRaw serves a message as it came: a mail's bytes, or, for channels whose
// raw form is our own request, the entry that it became.
func (a *API) readRaw(ctx context.Context, id access.Identity, in *IDIn) (*stream, error) {
	m, err := a.Inbox.Message(ctx, id.Workspace, in.id())
	if err != nil {
		return nil, err
	}
	if m.Raw != "" {
		return a.rawFile(ctx, m.Raw, m.ID.String()+".eml", "message/rfc822")
	}
	e, err := a.Journal.Entry(ctx, id.Workspace, m.LSN)
	if err != nil {
		return nil, err
	}
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return nil, err
	}
	return &stream{Body: func(hc huma.Context) {
		download(hc, m.ID.String()+".json", "application/json")
		hc.BodyWriter().Write(b)
	}}, nil
}

func (a *API) rawFile(ctx context.Context, hash, name, kind string) (*stream, error) {
	f, err := a.Files.Open(ctx, hash)
	if err != nil {
		return nil, err
	}
	return &stream{Body: func(hc huma.Context) {
		defer f.Close()
		download(hc, name, kind)
		io.Copy(hc.BodyWriter(), f)
	}}, nil
}

func download(hc huma.Context, name, kind string) {
	hc.SetHeader("Content-Type", kind)
	hc.SetHeader("Content-Disposition", `attachment; filename="`+name+`"`)
	hc.SetHeader("Content-Security-Policy", "default-src 'none'; sandbox")
	hc.SetHeader("X-Content-Type-Options", "nosniff")
}

// serveHTML is the page inside a message's sandboxed frame. Its own policy lets
// nothing run and nothing be fetched but, when asked for, images.
func (a *API) serveHTML(w http.ResponseWriter, r *http.Request) {
	id, err := a.who(r.Context(), holdfast.ReadConversations)
	if err != nil {
		a.writeProblem(w, r, err)
		return
	}
	mid, err := holdfast.ParseID(r.PathValue("id"))
	if err == nil {
		var m *inbox.Message
		if m, err = a.Inbox.Message(r.Context(), id.Workspace, mid); err == nil {
			writeMailPage(w, m, r.URL.Query().Get("remote") == "1", id.Workspace, a.filesFrom(r, m.ID))
			return
		}
	}
	a.writeProblem(w, r, err)
}

// filesFrom is the only address of ours that a message's frame may load from.
func (a *API) filesFrom(r *http.Request, message holdfast.ID) string {
	scheme := "http"
	if q := r.Context().Value(requestKey{}).(*request); q.secure {
		scheme = "https"
	}
	return scheme + "://" + r.Host + "/api/v1/messages/" + message.String() + "/attachments/"
}

func writeMailPage(w http.ResponseWriter, m *inbox.Message, remote bool, workspace holdfast.ID, files string) {
	images := files + " data:"
	html := m.HTML
	if remote {
		images += " https: http:"
		html = strings.ReplaceAll(html, " data-remote-src=", " src=")
	}
	for _, at := range m.Attachments {
		if at.CID != "" {
			html = strings.ReplaceAll(html, `"cid:`+at.CID+`"`, `"/api/v1/messages/`+m.ID.String()+`/attachments/`+at.ID.String()+`?inline=1&amp;workspace=`+workspace.String()+`"`)
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; img-src "+images+"; style-src 'unsafe-inline'; sandbox allow-popups allow-popups-to-escape-sandbox allow-same-origin; base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "private, no-store")
	io.WriteString(w, `<!doctype html><html dir="auto"><head><meta charset="utf-8"><base target="_blank"><style>html{color-scheme:light;background:#fff}body{margin:0;padding:12px;font:14px/1.5 system-ui,sans-serif;color:#1a1a1a;overflow-wrap:anywhere}img{max-width:100%;height:auto}table{max-width:100%}blockquote{margin-inline:0;padding-inline-start:12px;border-inline-start:3px solid #ccc;color:#555}pre{white-space:pre-wrap}</style></head><body>`)
	io.WriteString(w, html)
	io.WriteString(w, `</body></html>`)
}

// serveAttachment serves one file of a message.
func (a *API) serveAttachment(w http.ResponseWriter, r *http.Request) {
	err := func() error {
		id, err := a.who(r.Context(), holdfast.ReadConversations)
		if err != nil {
			return err
		}
		mid, err := holdfast.ParseID(r.PathValue("id"))
		if err != nil {
			return err
		}
		m, err := a.Inbox.Message(r.Context(), id.Workspace, mid)
		if err != nil {
			return err
		}
		for _, at := range m.Attachments {
			if at.ID.String() == r.PathValue("attachment") {
				return a.serveFile(w, r, at)
			}
		}
		return holdfast.Errorf(holdfast.NotFound, "attachment.missing", "this message has no such file")
	}()
	if err != nil {
		a.writeProblem(w, r, err)
	}
}

// upload stores one file for a message that is being written. Its id proves, when
// it comes back with the message, that this workspace stored it.
func (a *API) upload(w http.ResponseWriter, r *http.Request) {
	at, err := func() (holdfast.Attachment, error) {
		id, err := a.who(r.Context(), holdfast.WriteConversations)
		if err != nil {
			return holdfast.Attachment{}, err
		}
		name := r.URL.Query().Get("name")
		if name == "" {
			name = "file"
		}
		at, err := a.Files.Attach(r.Context(), name, r.Header.Get("Content-Type"), r.Body)
		if err != nil {
			return at, err
		}
		a.Uploaded(at)
		at.ID = a.attachmentID(id.Workspace, at)
		return at, nil
	}()
	if err != nil {
		a.writeProblem(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, at)
}

// attachmentID is a file's id, made from what it is with a key that only this
// installation has: nobody can name a file that was not stored for them.
func (a *API) attachmentID(workspace holdfast.ID, at holdfast.Attachment) holdfast.ID {
	mac := hmac.New(sha256.New, a.AttachmentKey)
	for _, part := range []string{string(workspace[:]), at.Hash, at.Name, at.Type, strconv.FormatInt(at.Size, 10), at.Thumb} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return holdfast.DeriveID(workspace, string(mac.Sum(nil)))
}

// attachments checks that the files of a message are ours.
func (a *API) attachments(ctx context.Context, list []holdfast.Attachment) ([]holdfast.Attachment, error) {
	if len(list) == 0 {
		return nil, nil
	}
	id, err := a.who(ctx, holdfast.WriteConversations)
	if err != nil {
		return nil, err
	}
	for _, at := range list {
		has := at.ID == a.attachmentID(id.Workspace, at)
		if has { // uploads that no message had after two days are gone
			if has, err = a.Files.Has(ctx, at.Hash); err != nil {
				return nil, err
			}
		}
		if !has {
			return nil, holdfast.Errorf(holdfast.Invalid, "attachment.unknown", "%s was not uploaded here, or too long ago", at.Name).WithField("attachments").
				WithNext("Upload it with POST /api/v1/attachments and send what that returned, unchanged.")
		}
	}
	return list, nil
}

func plausibleAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && strings.Contains(a.Address, "@") && !strings.ContainsAny(s, "\r\n")
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func (a *API) cleanHTML(html string) string {
	clean, _ := a.Clean(html)
	return clean
}

// serveFile serves a file of a message: inline when asked and safe to show.
func (a *API) serveFile(w http.ResponseWriter, r *http.Request, at holdfast.Attachment) error {
	o := blob.Serving{Inline: r.URL.Query().Get("inline") == "1", Thumb: r.URL.Query().Get("thumb") == "1"}
	if o.Thumb && at.Thumb == "" {
		return holdfast.Errorf(holdfast.NotFound, "attachment.no_thumb", "this file has no small picture")
	}
	return a.Files.Serve(w, r, at, o)
}
