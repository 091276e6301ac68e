package importer

import (
	"context"
	"strings"

	"holdfast"
	"holdfast/access"
)

// staff knows who of the other desk's people is who here.
type staff struct {
	im      *Importer
	w       *writer
	byEmail map[string]holdfast.ID // who works here
	former  map[holdfast.ID]bool   // who is here by name alone
	active  []holdfast.ID          // for whom what comes is read
	known   map[string]holdfast.ID // the other desk's people, by key
}

func (im *Importer) staff(ctx context.Context, w *writer) (*staff, error) {
	s := &staff{im: im, w: w, byEmail: map[string]holdfast.ID{}, former: map[holdfast.ID]bool{}, known: map[string]holdfast.ID{}}
	list, err := im.Guard.Operators(ctx, w.run.Workspace)
	for _, m := range list {
		if m.Former {
			s.former[m.ID] = true
			continue
		}
		s.byEmail[strings.ToLower(m.Email)] = m.ID
		if !m.Disabled {
			s.active = append(s.active, m.ID)
		}
	}
	return s, err
}

// here is the operator with a person's e-mail address; zero when nobody here has it.
func (s *staff) here(p *person) holdfast.ID {
	if p == nil || p.email == "" {
		return holdfast.ID{}
	}
	return s.byEmail[strings.ToLower(strings.TrimSpace(p.email))]
}

// author is who wrote something: the operator with the person's address, or a
// former colleague made for the name, who can never sign in. Zero when the person
// has no name.
func (s *staff) author(ctx context.Context, p *person) (holdfast.ID, error) {
	if id := s.here(p); p == nil || !id.IsZero() {
		return id, nil
	}
	key := p.id
	if key == "" {
		key = strings.ToLower(p.email + " " + p.name)
	}
	if id, ok := s.known[key]; ok {
		return id, nil
	}
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, p.name)
	if name = strings.TrimSpace(clip(name, 180)); name == "" {
		name, _, _ = strings.Cut(p.email, "@")
	}
	if name == "" {
		return holdfast.ID{}, nil
	}
	id := s.w.id("operator", key)
	s.known[key] = id
	if s.former[id] {
		return id, nil
	}
	s.w.counts.OperatorsMade++
	s.w.tell("made", "operator", name, "a former colleague, for the name in old conversations")
	if s.w.run.Dry {
		return id, nil
	}
	by := access.System(s.w.run.Workspace)
	_, err := s.im.Guard.CreateOperator(ctx, by, access.NewOperator{ID: id, Email: id.String() + "@imported.invalid", Name: name, Language: "en", Role: holdfast.Observer})
	if err == nil {
		err = s.im.Guard.RemoveMember(ctx, by, id)
	}
	switch holdfast.KindOf(err) {
	case holdfast.Unavailable, holdfast.Internal:
		if err != nil {
			return id, err
		}
	default: // a name that cannot be one: then the reply is nobody's
		s.known[key] = holdfast.ID{}
		s.w.counts.OperatorsMade--
		return holdfast.ID{}, nil
	}
	s.former[id] = true
	return id, nil
}
