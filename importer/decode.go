package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"holdfast"
)

// Encodings are the names of those that a file may be said to have.
var Encodings = []string{"utf-8", "utf-16le", "utf-16be", "windows-1251", "windows-1256"}

const sniffed = 64 << 10 // bytes that are looked at

// opened is a file being read as UTF-8.
type opened struct {
	file *os.File
	*bufio.Reader
	counter *counter
	size    int64
}

// counter counts what has been read of the file, for the progress.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// openText opens a file of text. name is its encoding, "" to guess. longest is
// the longest piece that will be peeked at.
func openText(path, name string, longest int) (*opened, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, holdfast.Errorf(holdfast.Conflict, "import.no_file", "the file is not here any more: %w", err).WithNext("Start the import anew with the file.")
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	head := make([]byte, sniffed)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		f.Close()
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		f.Close()
		return nil, err
	}
	if name == "" {
		name = guess(head[:n])
	}
	c := &counter{r: f}
	br := bufio.NewReaderSize(decoded(c, name), longest)
	if b, err := br.Peek(3); err == nil && bytes.Equal(b, []byte("\xef\xbb\xbf")) {
		if _, err := br.Discard(3); err != nil {
			f.Close()
			return nil, err
		}
	}
	return &opened{f, br, c, info.Size()}, nil
}

func (o *opened) Close() error { return o.file.Close() }

// decoded reads what has an encoding as UTF-8.
func decoded(r io.Reader, name string) io.Reader {
	switch name {
	case "utf-16le":
		return transform.NewReader(r, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder())
	case "utf-16be":
		return transform.NewReader(r, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder())
	case "windows-1251":
		return transform.NewReader(r, charmap.Windows1251.NewDecoder())
	case "windows-1256":
		return transform.NewReader(r, charmap.Windows1256.NewDecoder())
	}
	return r
}

// guess tells an encoding by a file's first bytes.
func guess(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return "utf-16le"
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return "utf-16be"
	}
	// Text in UTF-16 has a zero in every other byte wherever it is plain.
	var even, odd int
	for i, b := range head {
		if b == 0 && i%2 == 0 {
			even++
		} else if b == 0 {
			odd++
		}
	}
	if n := len(head) / 2; n > 4 {
		if odd > n/3 && even < n/20 {
			return "utf-16le"
		}
		if even > n/3 && odd < n/20 {
			return "utf-16be"
		}
	}
	whole := head
	for i := 0; i < utf8.UTFMax && len(whole) > 0 && !utf8.RuneStart(whole[len(whole)-1]); i++ {
		whole = whole[:len(whole)-1]
	}
	if len(whole) > 0 && whole[len(whole)-1] >= 0xc0 {
		whole = whole[:len(whole)-1]
	}
	if utf8.Valid(whole) {
		return "utf-8"
	}
	// A broken byte or two do not make good UTF-8 something else.
	var high, low, good int
	for i := 0; i < len(whole); {
		r, n := utf8.DecodeRune(whole[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			high++
			if whole[i] >= 0xe0 {
				low++
			}
		case n > 1:
			good++
		}
		i += n
	}
	if good > 10*high {
		return "utf-8"
	}
	high, low = 0, 0
	for _, b := range whole {
		if b >= 0xc0 {
			high++
			if b >= 0xe0 {
				low++
			}
		}
	}
	// In windows-1251 nearly all letters of a text are small and lie above 0xE0; of
	// the Arabic letters in windows-1256 the half lies below.
	if low*100 >= high*75 {
		return "windows-1251"
	}
	return "windows-1256"
}
