package search

import (
	"encoding/base32"
	"strings"

	"holdfast"
	"holdfast/store"
)

// Name is the projection's name.
func (x *Index) Name() string { return "search" }

// Version changes when the same entries give other rows: with the tables, the
// folding or the stemming.
func (x *Index) Version() int { return 1 }

// Tables are the tables that Apply fills.
func (x *Index) Tables() []string {
	return []string{"message_words", "subject_words", "name_word", "name_gram"}
}

// Apply indexes an entry. Rows are only ever added, each by what its own entry
// says, so that the order of entries does not matter; what no longer holds is
// left out when a query reads the texts.
func (x *Index) Apply(tx *store.Tx, e *holdfast.Entry) error {
	switch b := e.Body.(type) {
	case *holdfast.MessageReceived:
		return x.addWords(tx, e, b.Subject, b.Text)
	case *holdfast.MessageQueued:
		return x.addWords(tx, e, b.Subject, b.Text)
	case *holdfast.MessageNoted:
		return x.addWords(tx, e, b.Text)
	case *holdfast.ConversationOpened:
		return x.addSubject(tx, e, b.Subject)
	case *holdfast.ConversationSubject:
		return x.addSubject(tx, e, b.Subject)
	case *holdfast.CustomerCreated:
		return x.addNames(tx, e, b.Name, "", b.Addresses)
	case *holdfast.CustomerChanged:
		var name, company string
		if b.Name != nil {
			name = *b.Name
		}
		if b.Company != nil {
			company = *b.Company
		}
		return x.addNames(tx, e, name, company, nil)
	case *holdfast.AddressAdded:
		return x.addNames(tx, e, "", "", []holdfast.Address{b.Address})
	}
	return nil
}

func (x *Index) addSubject(tx *store.Tx, e *holdfast.Entry, subject string) error {
	if subject == "" {
		return nil
	}
	if err := x.addWords(tx, e, subject); err != nil {
		return err
	}
	return tx.Exec("INSERT INTO {subject_words} (lsn, conversation) VALUES ($1, $2) ON CONFLICT DO NOTHING", e.LSN, e.Subject)
}

// Prepare takes the text of a customer's message apart, which costs more than to keep
// its words.
func (x *Index) Prepare(workspace holdfast.ID, body holdfast.Body) any {
	b, ok := body.(*holdfast.MessageReceived)
	if !ok {
		return nil
	}
	return x.foundBy(workspace, b.Subject, b.Text)
}

// ApplyPrepared is Apply with the words that Prepare found.
func (x *Index) ApplyPrepared(tx *store.Tx, e *holdfast.Entry, ready any) error {
	if w, ok := ready.(*wordSet); ok {
		return x.keep(tx, e.LSN, w)
	}
	return x.Apply(tx, e)
}

// wordSet are the words that an entry is found by, each once and behind its
// workspace's mark.
type wordSet struct {
	words []string
	fresh []string // those that may be new to known_word
}

func (x *Index) foundBy(workspace holdfast.ID, texts ...string) *wordSet {
	w := &wordSet{words: x.writing.index(texts...)}
	mark := workspaceMark(workspace)
	for i, word := range w.words {
		w.words[i] = mark + word
	}
	w.fresh = x.unknown(w.words)
	return w
}

func (x *Index) addWords(tx *store.Tx, e *holdfast.Entry, texts ...string) error {
	return x.keep(tx, e.LSN, x.foundBy(e.Workspace, texts...))
}

func (x *Index) keep(tx *store.Tx, lsn holdfast.LSN, w *wordSet) error {
	if len(w.words) == 0 {
		return nil
	}
	if err := x.know(tx, w.fresh); err != nil {
		return err
	}
	return Put(tx, lsn, w.words)
}

// Put keeps the words that the message of an entry is found by, with their
// workspace's mark before each.
func Put(tx *store.Tx, lsn holdfast.LSN, marked []string) error {
	if tx.Dialect() == "postgres" {
		return tx.Exec("INSERT INTO {message_words} (lsn, words) VALUES ($1, array_to_tsvector($2)) ON CONFLICT DO NOTHING", lsn, marked)
	}
	return tx.Exec("INSERT OR REPLACE INTO {message_words} (rowid, words) VALUES ($1, $2)", lsn, strings.Join(marked, " "))
}

// unknown are those of some words that may be new to known_word. Once one is there it
// stays.
func (x *Index) unknown(words []string) []string {
	var fresh []string
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, w := range words {
		if !completes(w[markSize:]) {
			continue
		}
		if _, ok := x.known.get(w); !ok {
			fresh = append(fresh, w)
		}
	}
	return fresh
}

// know lists words that may be new. Which ones are there already is remembered
// once a transaction that wrote them is on disk.
func (x *Index) know(tx *store.Tx, words []string) error {
	if len(words) == 0 {
		return nil
	}
	fresh := x.unknown(words) // another may have brought them meanwhile
	if len(fresh) == 0 {
		return nil
	}
	if tx.Dialect() == "postgres" {
		if err := tx.Exec("INSERT INTO known_word (word) SELECT w FROM unnest($1::text[]) WITH ORDINALITY AS l (w, n) ORDER BY n ON CONFLICT DO NOTHING", fresh); err != nil {
			return err
		}
	} else {
		for _, w := range fresh {
			if err := tx.Exec("INSERT INTO known_word (word) VALUES ($1) ON CONFLICT DO NOTHING", w); err != nil {
				return err
			}
		}
	}
	tx.AfterCommit(func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		for _, w := range fresh {
			x.known.put(strings.Clone(w), "")
		}
	})
	return nil
}

// completes reports whether a word may be what an unfinished one becomes: numbers
// are typed whole, and there is no end to them.
func completes(word string) bool {
	return len(word) >= prefixMin && strings.Trim(word, "0123456789") != ""
}

// markSize is the length of a workspace's mark in bytes.
const markSize = 4

// workspaceMark begins every word of a workspace in the index: a word of another
// one is another word, and a common one there costs nothing here. Two workspaces
// may share a mark; queries compare the workspace itself.
func workspaceMark(id holdfast.ID) string {
	var b [8]byte
	marks.Encode(b[:], id[11:16])
	return string(b[len(b)-markSize:])
}

var marks = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
