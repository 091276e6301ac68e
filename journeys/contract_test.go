package journeys

import (
	"encoding/json"
	"sort"
	"strings"
	"testing"

	"holdfast"
)

// contract is the OpenAPI document, as far as it takes to call every route with a
// request that passes its validation.
type contract struct {
	t          testing.TB
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	Parameters []struct {
		Name, In string
		Required bool
		Schema   schema
	}
	RequestBody *struct {
		Content map[string]struct{ Schema schema }
	}
	Security []map[string][]string
}

type schema struct {
	Ref        string `json:"$ref"`
	Type       any
	Format     string
	Enum       []any
	Properties map[string]schema
	Items      *schema
	Required   []string
	Minimum    *float64
	ReadOnly   bool `json:"readOnly"`
}

func (h *house) contract() *contract {
	h.t.Helper()
	a := h.ask(h.t.Context(), caller{}, "GET", "/openapi.json", nil)
	c := &contract{t: h.t}
	if err := json.Unmarshal(a.body, c); err != nil || a.status != 200 {
		h.t.Fatalf("the API's description: %d %v", a.status, err)
	}
	return c
}

// filler gives a field its value by its name; ok is false where any value will do.
type filler func(field string, s schema) (v any, ok bool)

// value is an instance of a schema with every field in it.
func (c *contract) value(field string, s schema, fill filler) any {
	if v, ok := fill(field, s); ok {
		return v
	}
	if s.Ref != "" {
		r, ok := c.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
		if !ok {
			c.t.Fatalf("the document does not describe %s", s.Ref)
		}
		return c.value(field, r, fill)
	}
	if len(s.Enum) > 0 {
		return s.Enum[0]
	}
	kind, _ := s.Type.(string)
	if kinds, ok := s.Type.([]any); ok { // ["array", "null"]
		kind, _ = kinds[0].(string)
	}
	switch kind {
	case "object", "":
		m := map[string]any{}
		for name, p := range s.Properties {
			if name != "$schema" && !p.ReadOnly {
				m[name] = c.value(name, p, fill)
			}
		}
		return m
	case "array":
		return []any{c.value(field, *s.Items, fill)}
	case "integer", "number":
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 1
	case "boolean":
		return true
	}
	switch s.Format {
	case "uuid":
		return holdfast.NewID()
	case "date-time":
		return "2126-03-01T10:00:00Z"
	}
	return "text"
}

// body is a request's, nil for routes that take none.
func (c *contract) body(o operation, fill filler) any {
	if o.RequestBody == nil {
		return nil
	}
	return c.value("", o.RequestBody.Content["application/json"].Schema, fill)
}

// query is every query parameter that is an id of something, and those that must be there.
func (c *contract) query(o operation, fill filler) string {
	var list []string
	for _, p := range o.Parameters {
		if p.In != "query" {
			continue
		}
		if v, ok := fill(p.Name, p.Schema); ok {
			switch s := v.(type) {
			case string:
				list = append(list, p.Name+"="+s)
			case []string:
				list = append(list, p.Name+"="+strings.Join(s, ","))
			}
		} else if p.Required {
			list = append(list, p.Name+"=text")
		}
	}
	if len(list) == 0 {
		return ""
	}
	sort.Strings(list)
	return "?" + strings.Join(list, "&")
}
