package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"holdfast"
)

const previewRows = 4

// Preview is how the beginning of a table will be read.
type Preview struct {
	Encoding  string   `json:"encoding"`
	Delimiter string   `json:"delimiter"`
	Columns   []Column `json:"columns"`
}

// Column is one column of a table.
type Column struct {
	Header  string   `json:"header"`
	Field   string   `json:"field" doc:"What its header says that it is; empty: it is passed over."`
	Samples []string `json:"samples" doc:"Its first cells, shortened."`
}

// Foresee reads the first bytes of a table as an import would. Encoding and
// delimiter are guessed when they are empty. It writes nothing. Errors: Invalid
// "import.no_header" and "import.setting_invalid".
func Foresee(head []byte, encoding, delimited string) (Preview, error) {
	s := Settings{File: "preview", Encoding: encoding, Delimiter: delimited}
	if err := s.check(Kind{File: true}); err != nil {
		return Preview{}, err
	}
	p := Preview{Encoding: s.Encoding, Delimiter: s.Delimiter}
	if p.Encoding == "" {
		p.Encoding = guess(head[:min(len(head), sniffed)])
	}
	text, err := io.ReadAll(decoded(bytes.NewReader(head), p.Encoding))
	if err != nil && len(text) == 0 {
		return Preview{}, err
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if p.Delimiter == "" {
		p.Delimiter = string(delimiter(text))
	}
	in := &opened{Reader: bufio.NewReaderSize(bytes.NewReader(text), longestRow+1)}
	t := &rows{in: in, comma: p.Delimiter[0]}
	header, err := t.next()
	if err != nil || len(header) > maxColumns || strings.TrimSpace(strings.Join(header, "")) == "" {
		return Preview{}, errNoHeader()
	}
	fields, _ := fieldsOf(header, nil)
	for i, h := range header {
		p.Columns = append(p.Columns, Column{Header: strings.ToValidUTF8(strings.TrimSpace(h), "\ufffd"), Field: fields[i], Samples: []string{}})
	}
	for n := 0; n < previewRows; {
		cells, err := t.next()
		var bad *errRow
		if errors.As(err, &bad) {
			continue
		}
		if err != nil {
			break
		}
		n++
		for i := range min(len(cells), len(header)) {
			p.Columns[i].Samples = append(p.Columns[i].Samples, sample(cells[i]))
		}
	}
	return p, nil
}

// sample is a cell as a screen shows it. A header is not one: it is said again when a
// column is named.
func sample(cell string) string {
	if !utf8.ValidString(cell) {
		cell = strings.ToValidUTF8(cell, "\ufffd")
	}
	return clip(strings.TrimSpace(cell), 200)
}

func errNoHeader() error {
	return holdfast.Errorf(holdfast.Invalid, "import.no_header", "the file has no row of headers").WithNext("The first row names the columns, for example: name, e-mail, date, direction, text.")
}
