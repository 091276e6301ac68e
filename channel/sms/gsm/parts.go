package gsm

// How many units (septets, 16-bit units) one short message holds alone, and as a
// part of a longer text, where six bytes go to the header that joins them.
const (
	alone7, part7   = 160, 153
	alone16, part16 = 70, 67
)

// MaxParts is what the header of 8 bits can number.
const MaxParts = 255

// Count is what a text comes to.
type Count struct {
	Alphabet Alphabet
	Parts    int
	Units    int // septets or 16-bit units
	Left     int // units that still fit into the last part
}

// units is how much of a part a letter takes.
func (a Alphabet) units(r rune) int {
	if a == GSM7 {
		return width(r)
	}
	if r > 0xffff {
		return 2
	}
	return 1
}

func (a Alphabet) sizes() (alone, part int) {
	if a == GSM7 {
		return alone7, part7
	}
	return alone16, part16
}

// Measure counts a text in the alphabet it needs, and writes nothing.
func Measure(text string) Count { return Of(text).Measure(text) }

// Measure counts a text written in a.
func (a Alphabet) Measure(text string) Count {
	c := Count{Alphabet: a}
	alone, size := c.Alphabet.sizes()
	parts, used := 1, 0
	for _, r := range text {
		n := c.Alphabet.units(r)
		c.Units += n
		if used+n > size {
			parts, used = parts+1, 0
		}
		used += n
	}
	switch {
	case c.Units == 0:
		c.Left = alone
	case c.Units <= alone:
		c.Parts, c.Left = 1, alone-c.Units
	default:
		c.Parts, c.Left = parts, size-used
	}
	return c
}

// Split cuts a text into what each short message carries. No letter is cut: not
// an escape from its code, nor one half of a pair from the other.
func (a Alphabet) Split(text string) []string {
	alone, size := a.sizes()
	total := 0
	for _, r := range text {
		total += a.units(r)
	}
	if total <= alone {
		return []string{text}
	}
	var parts []string
	begin, used := 0, 0
	for i, r := range text {
		n := a.units(r)
		if used+n > size {
			parts = append(parts, text[begin:i])
			begin, used = i, 0
		}
		used += n
	}
	return append(parts, text[begin:])
}

// Encode writes one part: UCS-2 bytes, or one septet in each byte.
func (a Alphabet) Encode(text string) []byte {
	if a == GSM7 {
		if b, ok := Encode7(text); ok {
			return b
		}
	}
	return EncodeUCS2(text)
}

// Decode reads what Encode wrote.
func (a Alphabet) Decode(b []byte) string {
	if a == GSM7 {
		return Decode7(b)
	}
	return DecodeUCS2(b)
}

// Header is the user data header that joins the parts of a text, with its length
// in front. number counts from 1.
func Header(ref byte, total, number int) []byte {
	return []byte{5, 0, 3, ref, byte(total), byte(number)}
}

// Join is what a header says about where a part belongs.
type Join struct {
	Ref, Total, Number int
}

// ReadHeader takes the user data header off. ok is false when b does not begin with
// a sound one; a header without a joint gives the zero Join.
func ReadHeader(b []byte) (j Join, rest []byte, ok bool) {
	if len(b) == 0 || int(b[0]) >= len(b) && b[0] != 0 || len(b) < int(b[0])+1 {
		return Join{}, b, false
	}
	header, rest := b[1:1+int(b[0])], b[1+int(b[0]):]
	for len(header) >= 2 {
		id, n := header[0], int(header[1])
		if len(header) < 2+n {
			return Join{}, b, false
		}
		v := header[2 : 2+n]
		switch {
		case id == 0 && n == 3:
			j = Join{int(v[0]), int(v[1]), int(v[2])}
		case id == 8 && n == 4:
			j = Join{int(v[0])<<8 | int(v[1]), int(v[2]), int(v[3])}
		}
		header = header[2+n:]
	}
	if j.Number < 1 || j.Total < 2 || j.Number > j.Total {
		j = Join{} // a part of nothing stands alone
	}
	return j, rest, true
}
