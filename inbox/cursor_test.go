package inbox

import (
	"slices"
	"testing"

	"holdfast"
)

func FuzzCursor(f *testing.F) {
	f.Add(makeKeys([]int64{1, -5}, holdfast.NewID()), 2)
	f.Add(makeKeys(nil, holdfast.NewID()), 1)
	f.Add("not a cursor", 1)
	f.Add("", 0)
	f.Fuzz(func(t *testing.T, s string, n int) {
		if n < 0 || n > 4 {
			return
		}
		keys, id, err := openKeys(s, n)
		if err != nil {
			if holdfast.CodeOf(err) != "cursor.malformed" {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		again, same, err := openKeys(makeKeys(keys, id), n)
		if err != nil || same != id || !slices.Equal(again, keys) {
			t.Errorf("%q reads as %v %v and back as %v %v, %v", s, keys, id, again, same, err)
		}
	})
}

func TestFoldingMakesAlikeWhatPeopleTakeForTheSame(t *testing.T) {
	for _, c := range [][2]string{{"ЁЛКА", "елка"}, {"كتابي", "کتابی"}, {"می‌خواهم", "میخواهم"}, {"۱۲٣", "123"}, {"Straße", "straße"}, {"سَلام", "سلام"}} {
		if fold(c[0]) != fold(c[1]) {
			t.Errorf("%q folds to %q, %q to %q", c[0], fold(c[0]), c[1], fold(c[1]))
		}
	}
	if fold("елка") == fold("ёжик") {
		t.Error("all words are alike")
	}
}
