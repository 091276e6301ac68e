package sms

import (
	"strconv"
	"strings"
	"time"

	"holdfast"
	"holdfast/channel/sms/smpp"
)

// receipt is what a centre's delivery receipt says. Only state matters; the rest
// is taken where it is there.
type receipt struct {
	ID        string
	State     string // "DELIVRD", "UNDELIV" …
	Err       string
	Submitted time.Time
	Done      time.Time
	Text      string
}

// receiptKeys in the order in which centres write them; each writes them its own
// way: out of order, in other cases, with some left out.
var receiptKeys = []string{"id", "sub", "dlvrd", "submit date", "done date", "stat", "err", "text"}

// parseReceipt reads the text of a receipt. ok is false when it states nothing: it
// may be any text then.
func parseReceipt(s string) (r receipt, ok bool) {
	values := map[string]string{}
	key, from := "", 0
	low := asciiLower(s)
	for i := 0; i < len(s); i++ {
		if i > 0 && low[i-1] != ' ' && low[i-1] != '\t' && low[i-1] != '\n' {
			continue
		}
		for _, k := range receiptKeys {
			if _, had := values[k]; had || k == key || !strings.HasPrefix(low[i:], k+":") {
				continue // the first of a key counts: a later one is in the text
			}
			if key != "" {
				values[key] = strings.TrimSpace(s[from:i])
			}
			key, from = k, i+len(k)+1
			i += len(k)
			break
		}
	}
	if key != "" {
		values[key] = strings.TrimSpace(s[from:])
	}
	r = receipt{ID: word(values["id"]), State: strings.ToUpper(word(values["stat"])), Err: word(values["err"]),
		Submitted: receiptTime(values["submit date"]), Done: receiptTime(values["done date"]), Text: values["text"]}
	return r, r.State != ""
}

// asciiLower keeps the length of s, which strings.ToLower does not.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func word(s string) string {
	s, _, _ = strings.Cut(s, " ")
	return s
}

// receiptTime reads YYMMDDhhmm, with seconds or the century where a centre writes them.
func receiptTime(s string) time.Time {
	for _, layout := range []string{"0601021504", "060102150405", "20060102150405", "200601021504"} {
		if len(s) == len(layout) {
			if t, err := time.Parse(layout, s); err == nil {
				return t
			}
		}
	}
	return time.Time{}
}

// states are the words of message_state.
var states = map[int]string{1: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 6: "ACCEPTD", 7: "UNKNOWN", 8: "REJECTD", 9: "SKIPPED"}

// readReceipt takes a receipt out of a deliver_sm: its parameters where the centre
// sends them, else its text.
func readReceipt(p *smpp.PDU, text string) (receipt, bool) {
	r, ok := parseReceipt(text)
	if id := p.TLV(smpp.ReceiptedID); len(id) > 0 {
		r.ID = strings.TrimRight(string(id), "\x00")
	}
	if n, has := p.Number(smpp.MessageState); has && states[n] != "" {
		r.State, ok = states[n], true
	}
	if v := p.TLV(smpp.NetworkError); len(v) == 3 && r.Err == "" {
		n, _ := p.Number(smpp.NetworkError)
		r.Err = strconv.Itoa(n & 0xffff)
	}
	return r, ok
}

// verdict is what a state means for the desk; "" while nothing is final.
func (r receipt) verdict() holdfast.Delivery {
	switch s := r.State; {
	case s == "DELIVRD" || s == "DELIVERED":
		return holdfast.Delivered
	case s == "EXPIRED" || s == "DELETED" || s == "SKIPPED" || strings.HasPrefix(s, "UNDELIV") || strings.Contains(s, "REJECT"):
		return holdfast.Failed
	}
	return ""
}

// reason is a failure in words for an operator.
func (r receipt) reason() string {
	switch s := r.State; {
	case s == "EXPIRED":
		return "The telephone could not be reached in time."
	case s == "DELETED" || s == "SKIPPED":
		return "The network dropped the text."
	case strings.Contains(s, "REJECT"):
		return "The network refused the text."
	}
	return "The network could not deliver the text."
}
