package chat

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"holdfast"
)

// invite is a word to a visitor who has not asked yet, and when it is said. All
// that is named must hold.
type invite struct {
	ID     string // changes with the line
	Page   string // a path, * for anything
	Time   int    // seconds on the page
	Scroll int    // percent of the page
	Again  bool   // was here on another day
	Event  string // told by the site's own script
	Texts  map[string]string
}

const invitesMax = 20

// parseInvites reads lines of the form
//
//	CONDITION, CONDITION | LANG=TEXT; LANG=TEXT
//
// with the conditions page=/prices/*, time=30, scroll=50, return and event=cart.
// The error is Invalid and names the field.
func parseInvites(lines []string) ([]invite, error) {
	var list []invite
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		bad := func(why string) error {
			return holdfast.Errorf(holdfast.Invalid, "channel.setting_invalid", "%q: %s", line, why).WithField("settings.invites").
				WithNext("Write lines such as: page=/prices*, time=30 | en=Can we help you choose?; ru=Помочь выбрать?")
		}
		head, tail, ok := strings.Cut(line, "|")
		if !ok {
			return nil, bad("the text stands after a bar")
		}
		sum := sha256.Sum256([]byte(line))
		v := invite{ID: hex.EncodeToString(sum[:4]), Texts: map[string]string{}}
		for part := range strings.SplitSeq(head, ",") {
			key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			n, err := strconv.Atoi(value)
			switch key {
			case "page":
				if v.Page = value; !strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "*") || len(value) > 200 {
					return nil, bad("a page is a path such as /prices or /shop/*")
				}
			case "time":
				if v.Time = n; err != nil || n < 1 || n > 3600 {
					return nil, bad("the time is 1 to 3600 seconds")
				}
			case "scroll":
				if v.Scroll = n; err != nil || n < 1 || n > 100 {
					return nil, bad("the scroll is 1 to 100 percent")
				}
			case "return":
				v.Again = true
			case "event":
				if v.Event = value; !plainKey(value) {
					return nil, bad("an event has a name of small letters and digits")
				}
			default:
				return nil, bad("a condition is page, time, scroll, return or event")
			}
		}
		for part := range strings.SplitSeq(tail, ";") {
			lang, text, ok := strings.Cut(strings.TrimSpace(part), "=")
			lang, text = strings.TrimSpace(lang), cleanLine(text, 300)
			if !ok && strings.TrimSpace(part) == "" {
				continue
			}
			if !ok || !holdfast.KnownLanguage(lang) || text == "" {
				return nil, bad("texts are written as en=Can we help?; ru=Помочь?")
			}
			v.Texts[lang] = text
		}
		if len(v.Texts) == 0 {
			return nil, bad("there is no text")
		}
		list = append(list, v)
	}
	if len(list) > invitesMax {
		return nil, holdfast.Errorf(holdfast.Invalid, "channel.setting_invalid", "there are at most %d invitations", invitesMax).WithField("settings.invites").WithNext("Keep those that people answer.")
	}
	return list, nil
}

// inviteWire is an invitation as the widget acts on it.
type inviteWire struct {
	ID     string `json:"id"`
	Page   string `json:"page,omitempty"`
	Time   int    `json:"time,omitempty"`
	Scroll int    `json:"scroll,omitempty"`
	Again  bool   `json:"again,omitempty"`
	Event  string `json:"event,omitempty"`
	Text   string `json:"text"`
}

// inviteWires is what can be said in a language: an invitation is not made in
// another one than the visitor's.
func (a *Adapter) inviteWires(lang string) []inviteWire {
	var list []inviteWire
	for _, v := range a.invites {
		if text := v.Texts[lang]; text != "" {
			list = append(list, inviteWire{v.ID, v.Page, v.Time, v.Scroll, v.Again, v.Event, text})
		}
	}
	return list
}
