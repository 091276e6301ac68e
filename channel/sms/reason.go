package sms

import (
	"time"

	"holdfast/channel"
	"holdfast/channel/sms/smpp"
)

// refusal is what a status means for the text it answers. All of them say that the
// text was not taken.
func refusal(s smpp.Status) *channel.Failure {
	f := &channel.Failure{Reason: channel.Temporary, Code: s.String(), Text: "The centre could not take the text."}
	switch s {
	case smpp.Throttled, smpp.QueueFull:
		f.Reason, f.RetryAfter, f.Text = channel.Throttled, 2*time.Second, "The centre asks for a pause."
	case smpp.InvalidDest:
		f.Reason, f.Text = channel.Blocked, "The centre knows no such number."
	case smpp.InvalidCmd, smpp.BindFailed, smpp.WrongPass, smpp.WrongSystem, 0x0a, 0x15, 0x48, 0x49, 0x53:
		// Whatever the text, the next one fares no better: who we are or whom we send as.
		f.Reason, f.Text = channel.Broken, "The centre does not accept this account or its sender."
	case smpp.InvalidLen, smpp.NeverAgain, smpp.Refused, 0x01, 0x06, 0x07, 0x0c, 0x11, 0x13, 0x33, 0x34, 0x40, 0x42, 0x43, 0x44, 0x50, 0x51, 0x54, 0x55,
		0x61, 0x62, 0x63, 0x67, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xfe:
		f.Reason, f.Text = channel.Permanent, "The centre refuses the text."
	}
	return f
}
