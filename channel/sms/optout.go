package sms

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The marks that an inbound text gets; what follows from them is not decided here.
const (
	markOut        = "opt_out"
	markIn         = "opt_in"
	markIncomplete = "incomplete" // a part of it never came
)

// words that mean "no more" or "again" when they are all that a text says.
var (
	outWords = wordSet("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "optout", "opt out",
		"стоп", "отписка", "отписаться", "отпишите", "отпишите меня", "не присылать", "не присылайте",
		"لغو", "لغو11", "لغو 11", "لغو عضویت", "لغو اشتراک", "انصراف")
	inWords = wordSet("start", "unstop", "subscribe", "optin", "opt in",
		"старт", "подписка", "подписаться", "возобновить",
		"شروع", "عضویت", "اشتراک")
)

func wordSet(list ...string) map[string]bool {
	set := map[string]bool{}
	for _, w := range list {
		set[fold(w)] = true
	}
	return set
}

// fold writes a text the way the words are compared: without case, accents,
// punctuation, joiners and the difference between Arabic and Persian letters.
func fold(s string) string {
	var b strings.Builder
	space := false
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		switch {
		case unicode.Is(unicode.Mn, r), r == '\u200c', r == '\u200d', r == 'ـ', unicode.Is(unicode.Cf, r):
			continue
		case r == 'ي' || r == 'ى':
			r = 'ی'
		case r == 'ك':
			r = 'ک'
		case r >= '۰' && r <= '۹':
			r = r - '۰' + '0'
		case r >= '٠' && r <= '٩':
			r = r - '٠' + '0'
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			space = true
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

// wish is the mark of a text that says nothing but "stop" or "start"; "" for all others.
func wish(text string) string {
	if len(text) > 64 {
		return ""
	}
	switch f := fold(text); {
	case outWords[f]:
		return markOut
	case inWords[f]:
		return markIn
	}
	return ""
}
