package api_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"holdfast"
	"holdfast/api"
)

func document(t *testing.T) map[string]any {
	t.Helper()
	b, err := json.Marshal(api.New(api.Deps{}).OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	doc := map[string]any{}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// The web parts' types are made from the API's description; when the API changed
// and they were not made anew, this says so.
func TestTheWebPartsTypesAreOfThisAPI(t *testing.T) {
	file, err := os.ReadFile("../web/protocol/api.gen.ts")
	if err != nil {
		t.Fatal(err)
	}
	schemas := document(t)["components"].(map[string]any)["schemas"].(map[string]any)
	if len(schemas) < 50 {
		t.Fatalf("only %d shapes are described", len(schemas))
	}
	for name, s := range schemas {
		_, rest, found := strings.Cut(string(file), "\n        "+name+": {\n")
		if !found {
			t.Errorf("%s is not in the web parts' types: run make types", name)
			continue
		}
		block, _, _ := strings.Cut(rest, "\n        };")
		properties, _ := s.(map[string]any)["properties"].(map[string]any)
		for p := range properties {
			if !regexp.MustCompile(`(?m)^\s+"?` + regexp.QuoteMeta(p) + `"?\??:`).MatchString(block) {
				t.Errorf("%s.%s is not in the web parts' types: run make types", name, p)
			}
		}
	}
}

func TestEveryRouteNamesItsPermissionButTheOnesThatSignIn(t *testing.T) {
	mayBeOpen := map[string]bool{
		"GET /api/v1/start": true, "POST /api/v1/start/desk": true, "POST /api/v1/start/demo": true,
		"POST /api/v1/session": true, "POST /api/v1/session/second-factor": true, "POST /api/v1/session/link": true, "DELETE /api/v1/session": true,
		"POST /api/v1/session/passkey/options": true, "POST /api/v1/session/passkey": true,
		"POST /api/v1/session/second-factor/passkey/options": true, "POST /api/v1/session/second-factor/passkey": true,
		"GET /api/v1/session/providers": true, "POST /api/v1/session/provider": true, "GET /api/v1/session/provider/callback": true,
	}
	known := map[holdfast.Permission]bool{}
	for _, p := range holdfast.Administrator.Permissions() {
		known[p] = true
	}
	for _, r := range api.New(api.Deps{}).Routes() {
		switch name := r.Method + " " + r.Path; {
		case r.Permission == "" && !mayBeOpen[name]:
			t.Errorf("%s names no permission", name)
		case r.Permission != "" && !known[r.Permission]:
			t.Errorf("%s names %q, which no role has", name, r.Permission)
		}
		if r.Summary == "" {
			t.Errorf("%s %s does not say what it does", r.Method, r.Path)
		}
	}
}
