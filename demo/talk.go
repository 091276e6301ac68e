package demo

import (
	"embed"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"holdfast"
)

//go:embed talk/*.txt
var talkFiles embed.FS

// script is one matter as it is talked about in one language.
type script struct {
	topic    string
	tags     []string
	sales    bool
	weight   int
	priority holdfast.Priority
	subjects []string
	turns    []turn
}

// turn is one message of a script in its alternatives.
type turn struct {
	who      speaker
	optional bool
	free     bool // any alternative fits, whatever was said before
	later    bool // it takes hours
	texts    []string
}

type speaker string

const (
	customerSays speaker = "in"
	operatorSays speaker = "out"
	privately    speaker = "note"
)

// readScripts reads the scripts of a language; the files are ours, and one that
// cannot be read is an error of the build.
func readScripts(lang string) ([]*script, error) {
	raw, err := talkFiles.ReadFile("talk/" + lang + ".txt")
	if err != nil {
		return nil, err
	}
	return parseScripts(string(raw))
}

func parseScripts(text string) ([]*script, error) {
	var list []*script
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		bad := func(what string) error { return fmt.Errorf("line %d of a script: %s", n+1, what) }
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		case strings.HasPrefix(line, "["):
			s, err := parseHead(line)
			if err != nil {
				return nil, bad(err.Error())
			}
			list = append(list, s)
			continue
		case len(list) == 0:
			return nil, bad("a turn before any matter")
		}
		s := list[len(list)-1]
		head, rest, ok := strings.Cut(line, ": ")
		if !ok {
			return nil, bad("no colon")
		}
		texts := strings.Split(rest, " | ")
		name := strings.TrimRight(head, "?*+")
		marks := head[len(name):]
		switch speaker(name) {
		case "subject":
			s.subjects = texts
		case customerSays, operatorSays, privately:
			s.turns = append(s.turns, turn{who: speaker(name), optional: strings.Contains(marks, "?"), free: strings.Contains(marks, "*"), later: strings.Contains(marks, "+"), texts: texts})
		default:
			return nil, bad("nobody is called " + strconv.Quote(name))
		}
	}
	return list, nil
}

func parseHead(line string) (*script, error) {
	topic, rest, ok := strings.Cut(strings.TrimPrefix(line, "["), "]")
	if !ok || topic == "" {
		return nil, fmt.Errorf("a matter without a name")
	}
	s := &script{topic: topic, weight: 1, priority: holdfast.Normal}
	for _, f := range strings.Fields(rest) {
		key, value, _ := strings.Cut(f, "=")
		var err error
		switch key {
		case "tags":
			s.tags = strings.Split(value, ",")
		case "team":
			s.sales = value == "sales"
		case "weight":
			s.weight, err = strconv.Atoi(value)
		case "priority":
			var p int
			p, err = strconv.Atoi(value)
			s.priority = holdfast.Priority(p)
		default:
			err = fmt.Errorf("nothing is called %q", key)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// line is one message of a talk, with its slots still open.
type line struct {
	who   speaker
	text  string
	later bool
}

// perform chooses one course of a script: its subject and its lines.
func (s *script) perform(r *rand.Rand) (subject string, lines []line) {
	path := r.IntN(3)
	subject = s.subjects[r.IntN(len(s.subjects))]
	if first := s.turns[0]; !first.free {
		path = r.IntN(len(first.texts))
		if len(s.subjects) == len(first.texts) {
			subject = s.subjects[path] // it says what the first message says
		}
	}
	skipping := false
	for _, t := range s.turns {
		if t.optional && (skipping || r.IntN(10) < 4) {
			// What answers a line that was left out is left out with it.
			skipping = t.who != privately || skipping
			continue
		}
		if !t.optional {
			skipping = false
		}
		i := path
		if t.free {
			i = r.IntN(len(t.texts))
		} else if i >= len(t.texts) {
			continue // this course ends without it
		}
		lines = append(lines, line{t.who, t.texts[i], t.later})
	}
	return subject, lines
}

// choose picks one of <these/those> wherever a text offers a choice.
func choose(r *rand.Rand, text string) string {
	for {
		i := strings.IndexByte(text, '<')
		if i < 0 {
			return text
		}
		j := strings.IndexByte(text[i:], '>')
		if j < 0 {
			return text
		}
		words := strings.Split(text[i+1:i+j], "/")
		text = text[:i] + words[r.IntN(len(words))] + text[i+j+1:]
	}
}
