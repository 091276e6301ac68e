package email

import (
	"bufio"
	"encoding/base64"
	"io"
	"strings"
)

// decodeTransfer undoes a Content-Transfer-Encoding. An unknown one is taken
// for none.
func decodeTransfer(r io.Reader, encoding string) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return &base64Reader{r: bufio.NewReaderSize(r, 8<<10)}
	case "quoted-printable", "quoted_printable", "qp":
		return &qpReader{r: bufio.NewReaderSize(r, 8<<10)}
	case "x-uuencode", "uuencode", "x-uue", "x-uu":
		return &uuReader{r: bufio.NewReaderSize(r, 8<<10)}
	}
	return r
}

// base64Reader decodes what can be decoded: characters outside the alphabet are
// skipped, padding may be missing, and text may go on after it.
type base64Reader struct {
	r    *bufio.Reader
	out  []byte
	done error
}

func (d *base64Reader) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.done != nil {
			return 0, d.done
		}
		d.fill()
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

func (d *base64Reader) fill() {
	var quad [1024]byte
	n := 0
	for n < len(quad) {
		c, err := d.r.ReadByte()
		if err != nil {
			d.done = err
			break
		}
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' {
			quad[n] = c
			n++
		} else if c == '=' && n%4 > 1 {
			break // this stretch ends here; another may follow
		}
	}
	if n%4 == 1 {
		n--
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(n))
	m, _ := base64.RawStdEncoding.Decode(out, quad[:n])
	d.out = out[:m]
}

// qpReader decodes quoted-printable and keeps what is none as it is written.
type qpReader struct {
	r    *bufio.Reader
	out  []byte
	done error
}

func (d *qpReader) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.done != nil {
			return 0, d.done
		}
		d.fill()
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

func (d *qpReader) fill() {
	line, err := d.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		// do not split an escape
		if k := len(line); line[k-1] == '=' || k > 1 && line[k-2] == '=' {
			tail := append([]byte(nil), line...)
			for range 2 {
				if c, e := d.r.ReadByte(); e == nil {
					tail = append(tail, c)
				}
			}
			line = tail
		}
	} else if err != nil {
		d.done = err
	}
	end, eol := len(line), ""
	if end > 0 && line[end-1] == '\n' {
		end--
		eol = "\n"
		if end > 0 && line[end-1] == '\r' {
			end--
			eol = "\r\n"
		}
	}
	if eol != "" || err == io.EOF {
		for end > 0 && (line[end-1] == ' ' || line[end-1] == '\t') {
			end-- // blanks at a line's end were added on the way
		}
	}
	if end > 0 && line[end-1] == '=' && (eol != "" || err == io.EOF) {
		end--
		eol = ""
	}
	out := make([]byte, 0, end+2)
	for i := 0; i < end; i++ {
		if line[i] == '=' && i+2 < end && unhex(line[i+1]) >= 0 && unhex(line[i+2]) >= 0 {
			out = append(out, byte(unhex(line[i+1])<<4|unhex(line[i+2])))
			i += 2
			continue
		}
		out = append(out, line[i])
	}
	d.out = append(out, eol...)
}

// uuReader decodes a uuencoded body, from its begin line to its end line.
type uuReader struct {
	r     *bufio.Reader
	out   []byte
	begun bool
	done  error
}

func (d *uuReader) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.done != nil {
			return 0, d.done
		}
		line, err := d.r.ReadString('\n')
		if err != nil {
			d.done = err
		}
		line = strings.TrimRight(line, "\r\n")
		switch {
		case !d.begun:
			d.begun = strings.HasPrefix(line, "begin ")
		case line == "end":
			d.done = io.EOF
		default:
			d.out = uuLine(line)
		}
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

func uuLine(line string) []byte {
	if line == "" {
		return nil
	}
	n := int(line[0]-' ') & 63
	at := func(i int) byte {
		if i < len(line) {
			return (line[i] - ' ') & 63
		}
		return 0
	}
	out := make([]byte, 0, n+3)
	for i := 1; len(out) < n; i += 4 {
		a, b, c, e := at(i), at(i+1), at(i+2), at(i+3)
		out = append(out, a<<2|b>>4, b<<4|c>>2, c<<6|e)
	}
	return out[:n]
}
