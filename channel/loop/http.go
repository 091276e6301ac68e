package loop

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"holdfast"
	"holdfast/channel"
)

// answerLimit is how much of a provider's answer is read.
const answerLimit = 4 << 10

// post hands m to a provider behind HTTP: {"id", "text", "to"}.
func (a *Adapter) post(ctx context.Context, m channel.Outbound) (channel.Sent, error) {
	body, err := json.Marshal(map[string]string{"id": m.ID.String(), "text": m.Text, "to": m.To.Value})
	if err != nil {
		return channel.Sent{}, &channel.Failure{Reason: channel.Permanent, Code: "encode", Text: "The message cannot be written as JSON.", Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.set.URL, bytes.NewReader(body))
	if err != nil {
		return channel.Sent{}, &channel.Failure{Reason: channel.Broken, Code: "url", Text: "The provider's address is not usable."}
	}
	req.Header.Set("Content-Type", "application/json")
	if a.set.Idempotent {
		req.Header.Set("Idempotency-Key", m.ID.String())
	}
	if a.set.Token != "" {
		req.Header.Set("Authorization", "Bearer "+string(a.set.Token))
	}
	m.Trace.Said("POST " + req.URL.Path + " " + string(body))
	res, err := a.env.HTTP.Do(req)
	if err != nil {
		m.Trace.Heard(err.Error())
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" {
			return channel.Sent{}, &channel.Failure{Reason: channel.Temporary, Code: "connect", Text: "The provider cannot be reached.", Err: err}
		}
		return channel.Sent{}, &channel.Failure{Reason: channel.Unknown, Code: "timeout", Text: "The provider took the message and did not answer.", Err: err}
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	m.Trace.Heard(res.Status + " " + string(answer))
	code := strconv.Itoa(res.StatusCode)
	fail := func(r channel.Reason, text string) (channel.Sent, error) {
		after, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return channel.Sent{}, &channel.Failure{Reason: r, Code: code, Text: text, RetryAfter: time.Duration(max(after, 0)) * time.Second}
	}
	switch {
	case res.StatusCode/100 == 2:
		var said struct {
			ID        string `json:"id"`
			Delivered bool   `json:"delivered"`
		}
		_ = json.Unmarshal(answer, &said) // an answer without an id is an acceptance all the same
		return channel.Sent{ExternalID: said.ID, Delivered: said.Delivered}, nil
	case res.StatusCode == 401, res.StatusCode == 403:
		return fail(channel.Broken, "The provider does not accept the token.")
	case res.StatusCode == 410:
		return fail(channel.Blocked, "This person does not want messages any more.")
	case res.StatusCode == 429:
		return fail(channel.Throttled, "The provider asks for a pause.")
	case res.StatusCode == 502, res.StatusCode == 504:
		return fail(channel.Unknown, "Something between us and the provider did not answer.")
	case res.StatusCode/100 == 5:
		return fail(channel.Temporary, "The provider cannot take messages now.")
	}
	return fail(channel.Permanent, "The provider refuses the message.")
}

// arrival is what a provider behind HTTP posts for a customer.
type arrival struct {
	Key  string `json:"key"`
	From string `json:"from"`
	Name string `json:"name"`
	Text string `json:"text"`
}

// ServeWebhook takes in {"key", "from", "name", "text"}. It answers 204 only
// after the desk has the message.
func (a *Adapter) ServeWebhook(w http.ResponseWriter, r *http.Request, sink channel.Sink) {
	if r.Method != http.MethodPost {
		http.Error(w, "use POST", http.StatusMethodNotAllowed)
		return
	}
	if want := "Bearer " + string(a.set.Token); a.set.Token != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(want)) != 1 {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	var m arrival
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&m); err != nil || m.Key == "" || m.From == "" {
		http.Error(w, "send key, from and text", http.StatusBadRequest)
		return
	}
	_, err := sink.Accept(r.Context(), channel.Inbound{Key: m.Key, From: holdfast.Address{Scheme: a.provider.scheme, Value: m.From, Name: m.Name}, Text: m.Text, ExternalID: m.Key})
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case holdfast.KindOf(err) == holdfast.Invalid:
		http.Error(w, "the desk does not want this", http.StatusUnprocessableEntity)
	default:
		a.env.Log.Warn("a message of the loop was not taken in", "key", m.Key, "err", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}
