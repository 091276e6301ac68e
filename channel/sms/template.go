package sms

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// slot is a place in a template that a value goes into.
var slot = regexp.MustCompile(`\{([a-z_]+)\}`)

// slots are the values that a template may name.
var slots = []string{"to", "to_digits", "to_iran", "from", "text", "id", "external", "user", "secret", "basic", "hook", "type", "coding", "parts", "cursor"}

// values fill a template's slots.
type values map[string]string

// knownSlots refuses a template that names what there is not.
func knownSlots(template string) error {
	for _, m := range slot.FindAllStringSubmatch(template, -1) {
		if !slices.Contains(slots, m[1]) {
			return fmt.Errorf("{%s} is not known; there are {%s}", m[1], strings.Join(slots, "}, {"))
		}
	}
	return nil
}

// fill puts values into a template, each escaped for where it stands.
func (v values) fill(template string, escape func(string) string) string {
	return slot.ReplaceAllStringFunc(template, func(s string) string { return escape(v[s[1:len(s)-1]]) })
}

// url fills an address: before its question mark values are path segments, behind
// it they are parameters.
func (v values) url(template string) string {
	path, query, ok := strings.Cut(template, "?")
	path = v.fill(path, url.PathEscape)
	if !ok {
		return path
	}
	if query = v.pairs(query); query == "" {
		return path
	}
	return path + "?" + query
}

// pairs fills "a={x}&b=c"; a parameter that is nothing but an empty value is left out.
func (v values) pairs(template string) string {
	var out []string
	for pair := range strings.SplitSeq(template, "&") {
		name, value, ok := strings.Cut(pair, "=")
		filled := v.fill(value, url.QueryEscape)
		if ok && filled == "" && value != "" {
			continue
		}
		if !ok {
			out = append(out, v.fill(pair, url.QueryEscape))
			continue
		}
		out = append(out, v.fill(name, url.QueryEscape)+"="+filled)
	}
	return strings.Join(out, "&")
}

// header fills a header's value: it stays one line.
func (v values) header(template string) string {
	return v.fill(template, func(s string) string {
		return strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return -1
			}
			return r
		}, s)
	})
}

// body fills what is posted; kind is "form", "json", "xml" or "" for nothing.
func (v values) body(kind, template string) (body, mediaType string) {
	switch kind {
	case "form":
		return v.pairs(template), "application/x-www-form-urlencoded; charset=utf-8"
	case "json":
		return v.fill(template, jsonInside), "application/json; charset=utf-8"
	case "xml":
		return v.fill(template, xmlInside), "application/xml; charset=utf-8"
	}
	return "", ""
}

func jsonInside(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(strings.ToValidUTF8(s, "\ufffd")) // a string is always encodable
	text := strings.TrimSuffix(b.String(), "\n")
	return text[1 : len(text)-1]
}

func xmlInside(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // memory does not fail
	return b.String()
}
