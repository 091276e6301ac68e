package email

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"unicode"

	"golang.org/x/net/idna"

	"holdfast"
)

// person is one mailbox of an address list.
type person struct {
	name  string
	email string // as written
}

// parseAddresses reads an address list the way people and programs really write
// it: encoded words in quotes, comments as names, groups, missing brackets.
func parseAddresses(raw string) []person {
	var out []person
	var cur strings.Builder // display name so far, undecoded
	var comment string
	var angled strings.Builder // what stands in <>
	inAngle := false
	flush := func() {
		text := strings.TrimSpace(cur.String())
		cur.Reset()
		angle := angled.String()
		angled.Reset()
		p := person{}
		switch {
		case angle != "":
			p.email, p.name = angle, text
		case strings.Contains(text, "@"):
			// a bare address, perhaps with a name around it
			words := strings.Fields(text)
			for i, w := range words {
				if strings.Contains(w, "@") {
					p.email = w
					p.name = strings.Join(append(words[:i:i], words[i+1:]...), " ")
					break
				}
			}
		default:
			p.email, p.name = "", text
		}
		if p.name == "" {
			p.name = comment
		}
		comment = ""
		p.name = personName(p.name)
		p.email = cleanEmail(p.email)
		if p.email != "" && len(out) < 1000 {
			out = append(out, p)
		}
	}
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case inAngle:
			if c == '>' {
				inAngle = false
			} else {
				angled.WriteByte(c)
			}
		case c == '"':
			j := i + 1
			for j < len(raw) && raw[j] != '"' {
				if raw[j] == '\\' && j+1 < len(raw) {
					j++
				}
				cur.WriteByte(raw[j])
				j++
			}
			i = j
		case c == '(':
			depth, j := 1, i+1
			for j < len(raw) && depth > 0 {
				switch raw[j] {
				case '(':
					depth++
				case ')':
					depth--
				case '\\':
					j++
				}
				j++
			}
			if comment == "" && j-1 > i+1 && j-1 <= len(raw) {
				comment = raw[i+1 : j-1]
			}
			i = j - 1
		case c == '<':
			inAngle = true
			angled.Reset()
		case c == ',' || c == ';':
			flush()
		case c == ':' && angled.Len() == 0 && !strings.Contains(cur.String(), "@"):
			if !strings.Contains(cur.String(), "=?") {
				cur.Reset() // the name of a group
			}
		default:
			cur.WriteByte(c)
		}
	}
	flush()
	return out
}

func personName(s string) string {
	s = printable(decodeWords(s))
	s = strings.Trim(s, `"' `)
	return strings.Join(strings.Fields(s), " ")
}

// cleanEmail takes spaces, routes and "mailto:" off an address as written.
func cleanEmail(s string) string {
	s = decodeWords(s)
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == '<' || r == '>' || r == '"' {
			return -1
		}
		return r
	}, s)
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	if strings.HasPrefix(s, "@") { // a source route: @a,@b:user@host
		if _, rest, ok := strings.Cut(s, ":"); ok {
			s = rest
		}
	}
	s = strings.Trim(s, ".,;'")
	if len(s) > 320 {
		return ""
	}
	return s
}

// canonical is the form by which two spellings of one address are equal: lower
// case, the domain in Unicode. Empty when s is no address.
func canonical(s string) string {
	s = strings.ToLower(strings.ToValidUTF8(s, ""))
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || at == len(s)-1 {
		return ""
	}
	if domain, err := idna.ToUnicode(s[at+1:]); err == nil {
		s = s[:at+1] + domain
	}
	return s
}

func domainOf(address string) string {
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		return address[at+1:]
	}
	return ""
}

// wireAddress is an address as SMTP carries it: the domain in ASCII.
func wireAddress(s string) (string, bool) {
	s = strings.TrimSpace(s)
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || at == len(s)-1 || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("<>,;:\\\"()[]", r)
	}) {
		return "", false
	}
	domain, err := idna.Lookup.ToASCII(s[at+1:])
	if err != nil {
		// names that the strict profile refuses but DNS carries, such as a_b.example
		domain = s[at+1:]
		if !isASCII(domain) {
			return "", false
		}
	}
	return s[:at+1] + domain, true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

var plusEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const plusMark = "c." // what tells our tokens from other plus addresses

func plusMAC(key []byte, id holdfast.ID) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("email/plus/"))
	m.Write(id[:])
	return m.Sum(nil)[:8]
}

// plusAddress is address with a signed conversation in it, or address itself
// where that would not be valid any more.
func plusAddress(address string, key []byte, conversation holdfast.ID) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || conversation.IsZero() || len(key) == 0 || strings.Contains(local, "+") {
		return address
	}
	local += "+" + plusMark + plusEncoding.EncodeToString(conversation[:]) + plusEncoding.EncodeToString(plusMAC(key, conversation))
	if len(local) > 64 { // RFC 5321, 4.5.3.1.1
		return address
	}
	return local + "@" + domain
}

// plusConversation is the conversation that the token in recipient proves.
func plusConversation(recipient string, key []byte) (holdfast.ID, bool) {
	var id holdfast.ID
	local, _, _ := strings.Cut(strings.ToLower(recipient), "@")
	_, token, ok := strings.Cut(local, "+"+plusMark)
	if !ok || len(key) == 0 || len(token) < 26 {
		return id, false
	}
	raw, err := plusEncoding.DecodeString(token[:26])
	if err != nil || len(raw) != 16 {
		return id, false
	}
	mac, err := plusEncoding.DecodeString(token[26:])
	copy(id[:], raw)
	if err != nil || !hmac.Equal(mac, plusMAC(key, id)) {
		return holdfast.ID{}, false
	}
	return id, true
}

// withoutPlus is recipient without what follows the plus.
func withoutPlus(recipient string) string {
	at := strings.LastIndexByte(recipient, '@')
	if at < 0 {
		return recipient
	}
	local, _, _ := strings.Cut(recipient[:at], "+")
	return local + recipient[at:]
}

// ExternalID is the Message-ID of our message id sent from address. It depends
// on nothing else, so that a message sent twice is one message to every mail program.
func ExternalID(id holdfast.ID, address string) string {
	domain := "invalid"
	if wire, ok := wireAddress(address); ok {
		domain = strings.ToLower(domainOf(wire))
	}
	return "<" + id.String() + "@" + ownDomain + domain + ">"
}

const ownDomain = "holdfast."

// ownMessage is the message of ours that a Message-ID names.
func ownMessage(messageID string) (holdfast.ID, bool) {
	local, domain, ok := strings.Cut(strings.Trim(messageID, "<>"), "@")
	if !ok || !strings.HasPrefix(strings.ToLower(domain), ownDomain) {
		return holdfast.ID{}, false
	}
	id, err := holdfast.ParseID(strings.ToLower(local))
	return id, err == nil
}
