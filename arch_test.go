package holdfast_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The law of the house, executable. Each row says whom a room may import; the
// reason stands in docs/architecture.md.
var mayImport = map[string][]string{
	".":                   {},
	"store":               {"."},
	"store/storetest":     {".", "store"},
	"bus":                 {"."},
	"blob":                {"."},
	"channel":             {"."},
	"channel/channeltest": {".", "channel"},
	"channel/all":         {"channel", "channel/*"},
	"channel/*":           {".", "channel"},
	"channel/sms":         {".", "channel", "channel/sms/gsm", "channel/sms/smpp"},
	"channel/sms/gsm":     {},
	"channel/sms/smpp":    {},
	"channel/sms/smsc":    {"channel/sms/gsm", "channel/sms/smpp"},
	"journal":             {".", "store"},
	"inbox":               {".", "store"},
	"search":              {".", "store"},
	"intake":              {".", "channel", "journal", "inbox"},
	"desk":                {".", "channel", "journal", "inbox"},
	"outbox":              {".", "channel", "journal", "store", "inbox"},
	"hooks":               {".", "journal", "store"},
	"live":                {".", "journal", "bus", "inbox"},
	"access":              {".", "store"},
	"notices":             {".", "access", "inbox", "journal", "outbox", "store"},
	"oidc":                {"."},
	"oidc/oidctest":       {},
	"setup":               {".", "store", "channel", "access"},
	"feedback":            {".", "access", "desk", "inbox", "journal", "store"},
	"presets":             {".", "access", "journal", "store"},
	"importer":            {".", "access", "blob", "journal", "setup", "store"},
	"api":                 {".", "access", "blob", "broadcasts", "calls", "channel", "continuity", "desk", "fallback", "feedback", "hooks", "importer", "inbox", "intake", "journal", "links", "live", "losses", "notices", "oidc", "outbox", "paper", "plans", "presets", "search", "setup", "status", "traffic", "transcript"},
	"unread":              {".", "desk", "inbox", "mutes", "store"},
	"mutes":               {".", "access", "inbox", "journal", "store"},
	"transcript":          {".", "inbox", "outbox", "store"},
	"links":               {".", "store"},
	"continuity":          {".", "journal", "links", "store"},
	"plans":               {".", "access", "inbox", "journal", "store"},
	"broadcasts":          {".", "inbox", "journal", "outbox", "store"},
	"status":              {".", "access", "journal", "store"},
	"fallback":            {".", "access", "inbox", "journal", "store"},
	"traffic":             {".", "store"},
	"paper":               {".", "access", "inbox", "store"},
	"calls":               {".", "access", "inbox", "journal", "store"},
	"losses":              {".", "inbox", "journal", "store"},
	"web":                 {},
	"web/widget/demo":     {},
	"app":                 {"*"},
	"bench":               {"*"},
	"demo":                {"*"},
	"demo/talk":           {"."},
	"desktest":            {"*"},
	"faults":              {"*"},
	"faults/desk":         {"*"},
	"journeys":            {"*"},
	"cmd/holdfast":        {"*"},
}

var genericNames = []string{"util", "utils", "common", "model", "models", "helper", "helpers", "base", "shared", "types", "misc"}

type goPackage struct {
	ImportPath string
	Dir        string
	Name       string
	Doc        string
	Imports    []string
	GoFiles    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Name,Doc,Imports,GoFiles", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []goPackage
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for dec.More() {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(p.Dir, "node_modules") && len(p.GoFiles) > 0 {
			list = append(list, p)
		}
	}
	return list
}

func room(path string) string {
	if path == "holdfast" {
		return "."
	}
	return strings.TrimPrefix(path, "holdfast/")
}

func allowed(room string) ([]string, bool) {
	if rules, ok := mayImport[room]; ok {
		return rules, true
	}
	parent := filepath.Dir(room)
	rules, ok := mayImport[parent+"/*"]
	return rules, ok
}

func TestRoomsImportOnlyWhomTheyMay(t *testing.T) {
	for _, p := range packages(t) {
		r := room(p.ImportPath)
		rules, known := allowed(r)
		if !known {
			t.Errorf("%s is not on the map: add it to docs/architecture.md and to this table, with whom it may import", r)
			continue
		}
		for _, imp := range p.Imports {
			if imp != "holdfast" && !strings.HasPrefix(imp, "holdfast/") {
				continue
			}
			target := room(imp)
			ok := slices.Contains(rules, target) || slices.Contains(rules, "*") || slices.Contains(rules, filepath.Dir(target)+"/*")
			if !ok {
				t.Errorf("%s imports %s: the map does not allow it", r, target)
			}
		}
		if r == "." {
			for _, imp := range p.Imports {
				if strings.Contains(imp, ".") {
					t.Errorf("the root imports %s: it speaks the language of the standard library alone", imp)
				}
			}
		}
	}
}

func TestEveryRoomSaysWhatItIsForAndWhatItRefuses(t *testing.T) {
	for _, p := range packages(t) {
		if slices.Contains(genericNames, p.Name) {
			t.Errorf("%s: %q names no noun", p.ImportPath, p.Name)
		}
		if p.Name == "main" {
			continue
		}
		fset := token.NewFileSet()
		doc := ""
		for _, f := range p.GoFiles {
			parsed, err := parser.ParseFile(fset, filepath.Join(p.Dir, f), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if parsed.Doc != nil {
				doc += parsed.Doc.Text()
			}
		}
		if doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		} else if !strings.Contains(doc, "refuse") && !strings.Contains(doc, " no I/O") {
			t.Errorf("%s: its package comment does not say what it refuses to do", p.ImportPath)
		}
	}
}

func TestDialectsAndChannelsAreNamedOnlyAtHome(t *testing.T) {
	kinds := map[string]string{}
	dirs, err := os.ReadDir("channel")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if d.IsDir() && d.Name() != "all" && d.Name() != "channeltest" && d.Name() != "loop" {
			kinds[d.Name()] = "channel/" + d.Name()
		}
	}
	list, err := os.ReadFile("channel/all/all.go")
	if err != nil {
		t.Fatal(err)
	}
	for name := range kinds {
		if !strings.Contains(string(list), "holdfast/channel/"+name+"\"") {
			t.Errorf("channel/%s is not in the list of channel/all", name)
		}
	}
	for _, p := range packages(t) {
		r := room(p.ImportPath)
		for _, f := range p.GoFiles {
			path := filepath.Join(p.Dir, f)
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			fset := token.NewFileSet()
			parsed, err := parser.ParseFile(fset, path, src, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					return true
				}
				// The chat's and the status page's own settings of this name are numbers that people read.
				link := (r == "channel/chat" || r == "status") && s == "sms"
				if home, is := kinds[s]; is && r != home && !link && r != "demo" && r != "bench" && r != "desktest" {
					t.Errorf("%s names the channel %q: only %s may", fset.Position(lit.Pos()), s, home)
				}
				low := strings.ToLower(s)
				if (strings.Contains(low, "sqlite") || strings.Contains(low, "postgres")) && !strings.HasPrefix(r, "store") && r != "search" && r != "bench" && r != "desktest" && !strings.Contains(low, "modernc.org") &&
					!isHelp(src, fset.Position(lit.Pos()).Offset) {
					t.Errorf("%s names a database: only store and search may", fset.Position(lit.Pos()))
				}
				return true
			})
		}
	}
}

// isHelp reports whether a literal is a struct's tag, where a setting is
// explained to a person.
func isHelp(src []byte, offset int) bool { return src[offset] == '`' }

func TestFilesAreOfAReadableLength(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.GoFiles {
			b, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(b), "\n"); n > 600 {
				t.Errorf("%s/%s has %d lines: what second thing is in there?", room(p.ImportPath), f, n)
			}
		}
	}
}
