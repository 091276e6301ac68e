package fallback

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"holdfast"
)

// fileLife is how long a link to a file that was sent another way is good.
const fileLife = 14 * 24 * time.Hour

const fileMAC = 16

var b64 = base64.RawURLEncoding

// filesLine stands for files that a way does not carry: links to them, where
// customers can reach this desk, or else their names.
func (f *Fallback) filesLine(workspace, message holdfast.ID, lang string, files []holdfast.Attachment) string {
	var list []string
	if f.PublicURL == "" || f.Open == nil {
		for _, a := range files {
			list = append(list, a.Name)
		}
		return strings.ReplaceAll(phraseIn(lang).files, "{names}", strings.Join(list, ", "))
	}
	until := f.DB.Now().Add(fileLife)
	for _, a := range files {
		list = append(list, a.Name+": "+f.PublicURL+"/sent-file/"+f.ticket(workspace, message, a.ID, until))
	}
	return strings.Join(list, "\n")
}

func (f *Fallback) ticket(workspace, message, attachment holdfast.ID, until time.Time) string {
	b := append(append(append([]byte{}, workspace[:]...), message[:]...), attachment[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(until.Unix()))
	return b64.EncodeToString(append(b, f.mac(b)...))
}

func (f *Fallback) mac(b []byte) []byte {
	h := hmac.New(sha256.New, f.Key)
	h.Write([]byte("sent-file\x00"))
	h.Write(b)
	return h.Sum(nil)[:fileMAC]
}

// ServeHTTP is what is below /sent-file/: a file of a message that was sent another
// way, for whoever has its link, for as long as that is good. It is always a
// download: nothing of it runs or is drawn here.
func (f *Fallback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method", http.StatusMethodNotAllowed)
		return
	}
	gone := func() { http.Error(w, "This link is not whole, or not good any more.", http.StatusNotFound) }
	b, err := b64.Strict().DecodeString(strings.TrimPrefix(r.URL.Path, "/sent-file/"))
	if err != nil || len(b) != 3*16+4+fileMAC || !hmac.Equal(b[52:], f.mac(b[:52])) || f.DB.Now().Unix() > int64(binary.BigEndian.Uint32(b[48:52])) {
		gone()
		return
	}
	var workspace, message, attachment holdfast.ID
	copy(workspace[:], b)
	copy(message[:], b[16:])
	copy(attachment[:], b[32:])
	m, err := f.Inbox.Message(r.Context(), workspace, message)
	if err != nil || m.Direction != holdfast.Outbound {
		gone()
		return
	}
	for _, a := range m.Attachments {
		if a.ID != attachment {
			continue
		}
		content, err := f.Open(r.Context(), a.Hash)
		if err != nil {
			gone()
			return
		}
		defer content.Close()
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": a.Name}))
		if r.Method == http.MethodGet {
			if _, err := io.Copy(w, content); err != nil {
				f.Log.Debug("a file was not read to its end", "err", err)
			}
		}
		return
	}
	gone()
}
