package chat

import (
	"net/http"

	"holdfast"
)

// postTranscript mails a visitor his conversation. Without an address in the
// request the one that he signed in with or left before is used; when there is
// none the error is "transcript.address_needed" and his client asks for it.
func (a *Adapter) postTranscript(w http.ResponseWriter, r *http.Request) error {
	who, err := a.visitor(r)
	if err != nil {
		return err
	}
	if err := a.limits.requests.take(firstOf(remoteKey(r), who.Visitor), a.env.Now()); err != nil {
		return err
	}
	var req struct {
		Address string `json:"address"`
		Lang    string `json:"lang"`
	}
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	if req.Address != "" && cleanEmail(req.Address) == "" {
		return holdfast.Errorf(holdfast.Invalid, "transcript.address_invalid", "this is not an e-mail address").WithField("address").WithNext("Write it as name@example.com.")
	}
	to, err := a.env.Feed.Transcript(r.Context(), holdfast.Address{Scheme: scheme, Value: who.Visitor}, firstOf(cleanEmail(req.Address), who.Email), a.language(req.Lang, r.Header.Get("Accept-Language")))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusAccepted, map[string]string{"to": to})
	return nil
}
