package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"holdfast"
	"holdfast/channel"
)

// Send hands one mail to the SMTP server. Every failure says whether the server
// can have taken the mail: only what breaks after the last dot is Unknown.
func (a *adapter) Send(ctx context.Context, m channel.Outbound) (channel.Sent, error) {
	_, password := a.set.smtpLogin()
	m.Trace.Redact(password, string(a.set.IMAPPassword), string(a.set.OAuthClientSecret), string(a.set.OAuthRefreshToken), string(a.set.DKIMKey))
	l, err := a.compose(&m)
	if err != nil {
		return channel.Sent{}, err
	}
	signature, err := a.sign(ctx, l)
	if err != nil {
		return channel.Sent{}, blobFailure(err)
	}
	d, err := a.dialSMTP(ctx, m.Trace)
	if err != nil {
		return channel.Sent{}, asFailure(err)
	}
	defer d.quit()
	// a caller that gives up must not wait for a server that does not answer
	stop := context.AfterFunc(ctx, func() { d.conn.Close() })
	defer stop()
	if err := a.address(d, l, m.Attempt); err != nil {
		return channel.Sent{}, asFailure(err)
	}
	if err := a.deliver(ctx, d, l, signature); err != nil {
		return channel.Sent{}, err
	}
	sent := channel.Sent{}
	for _, line := range l.head {
		if id, ok := strings.CutPrefix(line, "Message-ID: "); ok {
			sent.ExternalID = strings.TrimSpace(id)
		}
	}
	return sent, nil
}

// address tells the server who it is from and for. A copy that is refused does
// not keep the mail from its recipient: for good at once, for now after a while.
func (a *adapter) address(d *dialogue, l *letter, attempt int) error {
	if !isASCII(l.from + strings.Join(l.to, "")) {
		if _, ok := d.ext["SMTPUTF8"]; !ok {
			return &channel.Failure{Reason: channel.Blocked, Code: "5.6.7", Text: "the server cannot send to addresses with letters beyond ASCII"}
		}
	}
	from := "MAIL FROM:<" + l.from + ">"
	if _, ok := d.ext["8BITMIME"]; ok {
		from += " BODY=8BITMIME"
	}
	if !isASCII(l.from + strings.Join(l.to, "")) {
		from += " SMTPUTF8"
	}
	if _, err := d.say(250, "%s", from); err != nil {
		return err
	}
	for i, to := range l.to {
		_, err := d.say(250, "RCPT TO:<%s>", to)
		var no *reply
		if i > 0 && errors.As(err, &no) && (no.code >= 500 && no.code != 530 && no.code != 535 || attempt > 4) {
			d.trace.Remark("goes without the copy to " + to)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// deliver sends the mail itself. It returns a *channel.Failure or nil.
func (a *adapter) deliver(ctx context.Context, d *dialogue, l *letter, signature string) error {
	if _, err := d.say(354, "DATA"); err != nil {
		return asFailure(err)
	}
	w := newDotWriter(d)
	_, err := io.WriteString(w, signature)
	if err == nil {
		err = l.write(ctx, w, a.env.Blobs)
	}
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		// the mail has no end yet: no server delivers it
		d.conn.Close()
		d.trace.Remark("cut off while sending: " + err.Error())
		if f := blobFailure(err); f.Reason == channel.Permanent {
			return f
		}
		return &channel.Failure{Reason: channel.Temporary, Code: "connection", Text: "the connection broke while the mail was being sent", Err: err}
	}
	d.trace.Said(fmt.Sprintf("(%d bytes) .", w.size))
	d.conn.SetDeadline(time.Now().Add(a.data))
	if ctx.Err() != nil {
		d.conn.Close()
		return &channel.Failure{Reason: channel.Temporary, Code: "cancelled", Text: "stopped before the mail was complete", Err: ctx.Err()}
	}
	if _, err := io.WriteString(d.conn, ".\r\n"); err != nil {
		return &channel.Failure{Reason: channel.Unknown, Code: "connection", Text: "the connection broke at the end of the mail", Err: err}
	}
	_, err = d.answer(250, "DATA")
	var no *reply
	if err != nil && !errors.As(err, &no) {
		return &channel.Failure{Reason: channel.Unknown, Code: "connection", Text: "the server did not say whether it took the mail", Err: err}
	}
	if err != nil {
		return asFailure(err)
	}
	return nil
}

// blobFailure is Permanent when a file is gone, Temporary when it cannot be read now.
func blobFailure(err error) *channel.Failure {
	if holdfast.KindOf(err) == holdfast.NotFound {
		return &channel.Failure{Reason: channel.Permanent, Code: "attachment", Text: "an attachment is not in storage any more", Err: err}
	}
	return &channel.Failure{Reason: channel.Temporary, Code: "attachment", Text: "an attachment cannot be read now", Err: err}
}

// asFailure puts what went wrong before the end of a mail into the outbox's words.
func asFailure(err error) *channel.Failure {
	var f *channel.Failure
	if errors.As(err, &f) {
		return f
	}
	var no *reply
	if errors.As(err, &no) {
		return no.failure()
	}
	return &channel.Failure{Reason: channel.Temporary, Code: "connection", Text: clipText(err.Error(), 300), Err: err}
}

func (r *reply) failure() *channel.Failure {
	code := r.enhanced
	if code == "" {
		code = strconv.Itoa(r.code)
	}
	f := &channel.Failure{Code: code, Text: clipText(printable(strings.ReplaceAll(r.text, "\n", " ")), 400), Err: r}
	low := strings.ToLower(r.text)
	switch {
	case r.code == 530 || r.code == 534 || r.code == 535 || r.code == 538 || r.enhanced == "5.7.8" || r.at == "AUTH" && r.code >= 500:
		f.Reason = channel.Broken
	case r.code == 421:
		f.Reason, f.RetryAfter = channel.Throttled, time.Minute
	case r.code >= 400 && r.code < 500:
		f.Reason = channel.Temporary
		if r.at == "AUTH" {
			break
		}
		mailbox := r.at == "RCPT" && strings.HasPrefix(r.enhanced, "4.2.")
		if r.code == 450 && !mailbox || strings.HasPrefix(r.enhanced, "4.7.") || slowDown(low) {
			f.Reason, f.RetryAfter = channel.Throttled, 5*time.Minute
		}
	case r.at == "RCPT" && (r.enhanced == "" && (r.code == 550 || r.code == 551 || r.code == 553) && !strings.Contains(low, "relay") ||
		strings.HasPrefix(r.enhanced, "5.1.") || strings.HasPrefix(r.enhanced, "5.2.") || r.enhanced == "5.4.1" || r.enhanced == "5.0.0" && r.code == 550):
		f.Reason = channel.Blocked
	case strings.HasPrefix(r.enhanced, "5.1.1") || strings.HasPrefix(r.enhanced, "5.1.10"):
		f.Reason = channel.Blocked
	default:
		f.Reason = channel.Permanent
	}
	return f
}

func slowDown(s string) bool {
	for _, w := range []string{"rate", "too many", "throttl", "greylist", "graylist", "quota exceeded for sending", "try again later", "limit exceeded"} {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
