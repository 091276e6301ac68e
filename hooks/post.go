package hooks

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"holdfast"
)

// Post sends a body that is no entry to one webhook, signed as entries are, once:
// whoever wants it tried again calls again, with the same event id, by which the
// receiver knows it. Errors: NotFound, and Unavailable for all that a later try may mend.
func (h *Hooks) Post(ctx context.Context, workspace, webhook, event holdfast.ID, body []byte) error {
	list, err := h.find(ctx, workspace)
	if err != nil {
		return err
	}
	for i := range list {
		if s := &list[i]; s.ID == webhook && s.Enabled {
			return h.once(ctx, s, event, body)
		}
	}
	return holdfast.Errorf(holdfast.NotFound, "webhook.missing", "there is no such webhook in this workspace, or it is switched off")
}

func (h *Hooks) once(ctx context.Context, s *Subscription, event holdfast.ID, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return holdfast.Errorf(holdfast.Invalid, "webhook.unusable", "the webhook's address is not usable")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Holdfast/"+holdfast.Version)
	req.Header.Set("Holdfast-Event-Id", event.String())
	req.Header.Set("Holdfast-Signature", Sign(s.Secret, time.Now(), body, s.Former...))
	res, err := h.http.Do(req)
	if err != nil {
		return holdfast.Errorf(holdfast.Unavailable, "webhook.unreached", "%s", said(err))
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return holdfast.Errorf(holdfast.Unavailable, "webhook.refused", "the receiver answered %s", res.Status)
	}
	return nil
}
