package sms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// finder finds a value in a provider's answer:
//
//	json:messages.0.message-id   a path; "*" is the first of whatever is there
//	re:OK ([0-9]+)               a pattern; its first group, or all of it
//	text                         the whole answer
//
// With "=a|b" behind a path it is a condition.
type finder struct {
	kind  string // "", "json", "re", "text"
	path  []string
	re    *regexp.Regexp
	wants []string // of a condition
}

// newFinder reads a finder; "" finds nothing.
func newFinder(s string) (finder, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return finder{}, nil
	case s == "text":
		return finder{kind: "text"}, nil
	case strings.HasPrefix(s, "re:"):
		if len(s) > 500 {
			return finder{}, errors.New("the pattern is too long")
		}
		re, err := regexp.Compile(s[3:])
		return finder{kind: "re", re: re}, err
	case strings.HasPrefix(s, "json:"):
		path, want, cond := strings.Cut(s[5:], "=")
		f := finder{kind: "json", path: strings.Split(path, ".")}
		if slices.Contains(f.path, "") {
			return finder{}, fmt.Errorf("%q is no path", path)
		}
		if cond {
			f.wants = strings.Split(want, "|")
		}
		return f, nil
	}
	return finder{}, errors.New(`write json:PATH, re:PATTERN or text`)
}

func mustFinder(s string) finder {
	f, err := newFinder(s)
	if err != nil {
		panic("sms: a ready gateway: " + err.Error()) // a fault of the build
	}
	return f
}

// answer is what a provider said.
type answer struct {
	raw  []byte
	tree any // nil when it is no JSON
}

func readAnswer(raw []byte) answer {
	a := answer{raw: raw}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&a.tree); err != nil {
		a.tree = nil
	}
	return a
}

// find is the value, "" when it is not there.
func (f finder) find(a answer) string {
	switch f.kind {
	case "text":
		return strings.TrimSpace(strings.ToValidUTF8(string(a.raw), ""))
	case "re":
		m := f.re.FindSubmatch(a.raw)
		if m == nil {
			return ""
		}
		return strings.ToValidUTF8(string(m[min(1, len(m)-1)]), "")
	case "json":
		v, _ := walk(a.tree, f.path)
		return scalar(v)
	}
	return ""
}

// holds reports whether a condition is met: a value is there, and is one of those wanted.
func (f finder) holds(a answer) bool {
	switch {
	case f.kind == "re":
		return f.re.Match(a.raw)
	case f.wants == nil:
		return f.find(a) != ""
	}
	return slices.Contains(f.wants, f.find(a))
}

// walk follows a path. Names are compared without case: providers have changed
// theirs from one version to the next.
func walk(v any, path []string) (any, bool) {
	for _, step := range path {
		switch x := v.(type) {
		case map[string]any:
			next, ok := x[step]
			if !ok {
				var names []string
				for name := range x {
					if step == "*" || strings.EqualFold(name, step) {
						names = append(names, name)
					}
				}
				if len(names) == 0 {
					return nil, false
				}
				next = x[slices.Min(names)]
			}
			v = next
		case []any:
			i, err := strconv.Atoi(step)
			if step == "*" {
				i, err = 0, nil
			}
			if err != nil || i < 0 || i >= len(x) {
				return nil, false
			}
			v = x[i]
		default:
			return nil, false
		}
	}
	return v, true
}

func scalar(v any) string {
	switch x := v.(type) {
	case string:
		return strings.TrimSpace(x)
	case json.Number:
		return x.String()
	case bool:
		return strconv.FormatBool(x)
	}
	return ""
}
