package sms

import (
	"strings"

	"github.com/nyaruka/phonenumbers/v2"

	"holdfast"
)

// number is a telephone number in E.164 with its plus, whichever way it was
// written. region is the country of numbers without a country code, "" for not
// known. Short numbers and the names that companies send under stay as they are.
func number(s, region string) string {
	s = strings.TrimSpace(s)
	if e, ok := e164(s, region); ok {
		return e
	}
	plain := holdfast.Phone(s, "")
	if plain == "" {
		return s
	}
	// Networks write international numbers without their plus.
	if e, ok := e164("+"+strings.TrimLeft(plain, "+"), ""); ok && len(plain) >= 10 {
		return e
	}
	return plain
}

func e164(s, region string) (string, bool) {
	if region == "" && !strings.HasPrefix(s, "+") {
		region = "ZZ"
	}
	n, err := phonenumbers.Parse(s, region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}

// dialable reports whether a text can go there: a number, long or short, and no name.
func dialable(s string) bool { return senderNumber.MatchString(s) }
