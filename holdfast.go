// Package holdfast holds the desk's nouns, rules and errors: what an entry of
// the journal is, what it may say, who may do what, and how a failure is named.
//
// It does no I/O, imports only the standard library and knows no database, no
// channel and no screen. Everything else in this module speaks its language.
package holdfast

// Version is the release this binary was built as; the Makefile overrides it.
var Version = "0.1.0-dev"

// Languages lists the languages every text a person sees exists in.
var Languages = []string{"en", "ru", "fa"}

// KnownLanguage reports whether every text exists in lang.
func KnownLanguage(lang string) bool {
	for _, l := range Languages {
		if l == lang {
			return true
		}
	}
	return false
}
