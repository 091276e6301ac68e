package outbox

import (
	"math/rand/v2"
	"time"

	"holdfast"
	"holdfast/channel"
)

const (
	retryFirst = 15 * time.Second
	retryMax   = 15 * time.Minute
	retryLong  = 10 * time.Minute // for an account that somebody has to repair
)

// backoff is how long to wait after attempt n: doubling, ± 20 % so that a
// thousand messages that failed together do not come back together.
func backoff(n int) time.Duration {
	d := retryMax
	if n = max(n, 1); n < 8 {
		d = min(retryFirst<<(n-1), retryMax)
	}
	return min(time.Duration(float64(d)*(0.8+0.4*rand.Float64())), retryMax)
}

// The outcomes of an exchange besides the channel.Reasons.
const (
	outcomeAccepted   = "accepted"
	outcomeUnknown    = string(channel.Unknown)
	outcomeRepeatable = "repeatable" // may have been sent; the provider recognises it if it comes again
)

// settle turns a provider's answer into what the journal says about the message.
func (a *attempt) settle(now time.Time, sent channel.Sent, f *channel.Failure) (outcome string, body holdfast.Body) {
	if f == nil {
		return outcomeAccepted, &holdfast.MessageSent{Message: a.message, Attempt: a.number, To: a.to, ExternalID: sent.ExternalID, Doubled: a.doubtful}
	}
	retry := func(after time.Duration) holdfast.Body {
		return &holdfast.MessageRetrying{Message: a.message, Attempt: a.number, Code: f.Code, Reason: f.Text, NextAt: now.Add(after)}
	}
	switch f.Reason {
	case channel.Temporary, channel.Throttled:
		return string(f.Reason), retry(max(backoff(a.number), f.RetryAfter))
	case channel.Broken:
		return string(f.Reason), retry(max(retryLong, f.RetryAfter))
	case channel.Permanent, channel.Blocked:
		if a.unsure { // "failed" would say that the customer does not have it
			return string(f.Reason), &holdfast.MessageUnknown{Message: a.message, Code: f.Code, Reason: f.Text}
		}
		return string(f.Reason), &holdfast.MessageFailed{Message: a.message, Code: f.Code, Reason: f.Text}
	}
	return a.settleUnknown(now.Add(max(backoff(a.number), f.RetryAfter)), f.Code, f.Text)
}

// settleUnknown decides about a message that may have been sent.
func (a *attempt) settleUnknown(next time.Time, code, reason string) (outcome string, body holdfast.Body) {
	switch {
	case a.resend == channel.ResendSame:
		return outcomeRepeatable, &holdfast.MessageRetrying{Message: a.message, Attempt: a.number, Code: code, Reason: reason, NextAt: next}
	case a.resend == channel.ResendOnce && !a.doubtful:
		return outcomeUnknown, &holdfast.MessageRetrying{Message: a.message, Attempt: a.number, Code: code, Reason: reason, NextAt: next, Maybe: true}
	}
	return outcomeUnknown, &holdfast.MessageUnknown{Message: a.message, Code: code, Reason: reason}
}
