package search

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast"
	"holdfast/store"
)

// corpus is a folder of test data beside the repository.
func corpus(t *testing.T, path string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		found := filepath.Join(dir, "shared", "corpora", path)
		if _, err := os.Stat(found); err == nil {
			return found
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if os.Getenv("HOLDFAST_TEST_REQUIRE") == "all" {
		t.Fatalf("no %s beside the repository", path)
	}
	t.Skipf("no %s beside the repository", path)
	return ""
}

func readLines[T any](t *testing.T, path string) (list []T) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

// TestQuestionsFindTheirParagraphs asks 1,190 questions, in words of their own, of
// 240 paragraphs. The right one was among ten for 98.7 % and the first for 93.1 %
// when this was written; the floors lie under that by less than one in a hundred
// and by about one in a hundred, so that a change which loses more is seen.
func TestQuestionsFindTheirParagraphs(t *testing.T) {
	dir := corpus(t, "search/xquad-en")
	docs := readLines[struct{ ID, Title, Text string }](t, filepath.Join(dir, "docs.jsonl"))
	queries := readLines[struct {
		ID, Query string
		Relevant  []string
	}](t, filepath.Join(dir, "queries.jsonl"))
	databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		names := map[holdfast.LSN]string{}
		for _, doc := range docs {
			names[d.says(holdfast.ID{1}, doc.Text)] = doc.ID
		}
		queries := queries
		if db.Dialect() == "postgres" {
			// The words and the ranking are the same code: a part shows that it runs here.
			queries = queries[:len(queries)/4]
		}
		at1, at10 := 0, 0
		for _, q := range queries {
			res := d.search(Query{Text: q.Query, Limit: 10})
			for i, h := range res.Messages {
				if slices.Contains(q.Relevant, names[h.LSN]) {
					at10++
					if i == 0 {
						at1++
					}
					break
				}
			}
		}
		first, ten := float64(at1)/float64(len(queries)), float64(at10)/float64(len(queries))
		t.Logf("the first is right for %.1f %%, one of ten for %.1f %%", 100*first, 100*ten)
		if ten < 0.98 || first < 0.92 {
			t.Errorf("the first is right for %.1f %%, one of ten for %.1f %%", 100*first, 100*ten)
		}
	})
}
