// Package all lists the kinds of channels in this build. It is the only place
// that knows them all, and it knows nothing else.
//
// It refuses registration by import: what is not in the list is not in the build.
package all

import (
	"holdfast/channel"
	"holdfast/channel/chat"
	"holdfast/channel/email"
	"holdfast/channel/sms"
)

// Kinds lists them in the order in which the console offers them.
func Kinds() []*channel.Kind {
	return []*channel.Kind{chat.Kind(), email.Kind(), sms.Kind()}
}
