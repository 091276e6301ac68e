package chat

import (
	"strings"
	"unicode/utf8"

	"holdfast"
)

// question is one field of the form before the first message.
type question struct {
	Key      string // "name", "mail" and "phone" mean what they say
	Type     string // name, mail, phone, text, choice
	Required bool
	Labels   map[string]string // by language; the three known ones need none
	Options  []string          // of a choice
}

const (
	questionsMax = 12
	answerMax    = 500 // characters
)

// parseQuestions reads lines of the form
//
//	TYPE[*] [KEY] [: LANG=LABEL; LANG=LABEL] [| OPTION; OPTION]
//
// such as "name*", "text order: en=Order number; ru=Номер заказа" and
// "choice* plan: en=Plan | Calm; Family". A star is for what must be answered.
// The error is Invalid and names the field.
func parseQuestions(lines []string) ([]question, error) {
	var list []question
	seen := map[string]bool{}
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		bad := func(why string) error {
			return holdfast.Errorf(holdfast.Invalid, "channel.setting_invalid", "%q: %s", line, why).WithField("settings.form").
				WithNext("Write lines such as name*, mail, or: choice* plan: en=Plan; ru=Тариф | Calm; Family.")
		}
		head, tail, choice := strings.Cut(line, "|")
		head, labels, _ := strings.Cut(head, ":")
		words := strings.Fields(head)
		if len(words) == 0 || len(words) > 2 {
			return nil, bad("this is not a field")
		}
		var q question
		q.Type, q.Required = strings.CutSuffix(words[0], "*")
		switch q.Type {
		case "name", "mail", "phone":
			q.Key = q.Type
			if len(words) > 1 {
				return nil, bad("this field needs no name of its own")
			}
		case "text", "choice":
			if len(words) < 2 || !plainKey(words[1]) {
				return nil, bad("the field needs a name of small letters and digits")
			}
			q.Key = words[1]
		default:
			return nil, bad("the type is name, mail, phone, text or choice")
		}
		if seen[q.Key] {
			return nil, bad("there are two fields of this name")
		}
		seen[q.Key] = true
		for part := range strings.SplitSeq(labels, ";") {
			lang, label, ok := strings.Cut(strings.TrimSpace(part), "=")
			lang, label = strings.TrimSpace(lang), cleanLine(label, 120)
			if !ok && strings.TrimSpace(part) == "" {
				continue
			}
			if !ok || !holdfast.KnownLanguage(lang) || label == "" {
				return nil, bad("labels are written as en=Plan; ru=Тариф")
			}
			if q.Labels == nil {
				q.Labels = map[string]string{}
			}
			q.Labels[lang] = label
		}
		for part := range strings.SplitSeq(tail, ";") {
			if o := cleanLine(part, 120); o != "" {
				q.Options = append(q.Options, o)
			}
		}
		if choice != (q.Type == "choice") || choice && len(q.Options) < 2 {
			return nil, bad("a choice, and nothing else, has two options or more after a bar")
		}
		list = append(list, q)
	}
	if len(list) > questionsMax {
		return nil, holdfast.Errorf(holdfast.Invalid, "channel.setting_invalid", "a form has at most %d fields", questionsMax).WithField("settings.form").WithNext("Ask less: people leave long forms.")
	}
	return list, nil
}

func plainKey(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 32
}

// label is what stands beside a field in a language, or the next best there is.
func (a *Adapter) label(q *question, lang string) string {
	if l := q.Labels[lang]; l != "" {
		return l
	}
	if q.Type == q.Key {
		return a.text(lang, "visitor."+q.Key)
	}
	for _, other := range append([]string{a.account.Language}, holdfast.Languages...) {
		if l := q.Labels[other]; l != "" {
			return l
		}
	}
	return q.Key
}

// questionWire is a field as the widget draws it.
type questionWire struct {
	Key      string   `json:"key"`
	Type     string   `json:"type"`
	Label    string   `json:"label"`
	Required bool     `json:"required,omitempty"`
	Options  []string `json:"options,omitempty"`
}

func (a *Adapter) questionWires(lang string) []questionWire {
	var list []questionWire
	for i := range a.form {
		q := &a.form[i]
		list = append(list, questionWire{q.Key, q.Type, a.label(q, lang), q.Required, q.Options})
	}
	return list
}

// answers turns what a visitor filled in into lines for operators. What he says of
// himself is shown as said; it proves nothing and finds no customer. Nothing he sends
// here makes a message fail: the form is there to help.
func (a *Adapter) answers(given map[string]string) (rest, name, email string) {
	var b strings.Builder
	for i := range a.form {
		q := &a.form[i]
		v := cleanLine(given[q.Key], answerMax)
		if v == "" || !utf8.ValidString(v) {
			continue
		}
		switch q.Type {
		case "name":
			name = cleanLine(v, 120)
		case "mail":
			if email = cleanEmail(v); email == "" {
				continue
			}
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(a.label(q, a.account.Language) + ": " + v)
	}
	return b.String(), name, email
}
