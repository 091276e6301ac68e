package unread

import (
	"testing"

	"holdfast"
)

func TestTheWordsAreThereInEveryLanguage(t *testing.T) {
	for _, lang := range holdfast.Languages {
		if words[lang].subject == "" || words[lang].foot == "" || words[lang].stop == "" {
			t.Errorf("%s lacks words", lang)
		}
	}
}
