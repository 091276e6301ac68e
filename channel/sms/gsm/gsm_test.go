package gsm

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

var write = flag.Bool("write", false, "write testdata/estimates.json anew")

// vector is one text and what it comes to. The console counts by itself while it is
// offline, and its own test reads the same file.
type vector struct {
	Text     string   `json:"text"`
	Alphabet Alphabet `json:"alphabet"`
	Parts    int      `json:"parts"`
	Units    int      `json:"units"`
	Left     int      `json:"left"`
	Letter   string   `json:"letter"`
}

func texts() []string {
	list := []string{"", "a", "Hello, how are you?", "[x] {y} ~ ^ | \\ €", "Ваш заказ в пути.", "سلام، سفارش شما در راه است.", "It’s on its way", "naïve", "naive café", "😀",
		"Señor, ¿dónde está?", "ÄÖÜäöüß ÑñàèìòùÅåÆæØøÇ ΔΦΓΛΩΠΨΣΘΞ @£$¥", "ç is not Ç", "a\nb\rc\fd", "tab\there", "“quoted”", "’’", "€", "\u200c", "می‌خواهم"}
	for _, n := range []int{159, 160, 161, 306, 307, 459, 460} {
		list = append(list, strings.Repeat("a", n))
	}
	for _, n := range []int{69, 70, 71, 134, 135, 201, 202} {
		list = append(list, strings.Repeat("ж", n))
	}
	for _, n := range []int{34, 35, 36, 66, 67, 68} {
		list = append(list, strings.Repeat("😀", n))
	}
	return append(list, strings.Repeat("a", 152)+"€"+strings.Repeat("b", 20), strings.Repeat("€", 80), strings.Repeat("€", 81),
		strings.Repeat("ж", 66)+"😀"+strings.Repeat("ж", 10), strings.Repeat("a", 70)+"ё", strings.Repeat("a", 69)+"ё")
}

func measured(text string) vector {
	c := Measure(text)
	return vector{text, c.Alphabet, c.Parts, c.Units, c.Left, Culprit(text)}
}

func TestTheConsoleCountsTheSame(t *testing.T) {
	var want []vector
	for _, text := range texts() {
		want = append(want, measured(text))
	}
	const path = "testdata/estimates.json"
	if *write {
		b, _ := json.MarshalIndent(want, "", " ")
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var have []vector
	if err := json.Unmarshal(b, &have); err != nil {
		t.Fatal(err)
	}
	if len(have) != len(want) {
		t.Fatalf("%s has %d texts, want %d: run this test with -write", path, len(have), len(want))
	}
	for i, v := range want {
		if have[i] != v {
			t.Errorf("%s has %+v, want %+v: run this test with -write", path, have[i], v)
		}
	}
}

func TestWhatATextComesTo(t *testing.T) {
	for _, v := range []vector{
		{"", GSM7, 0, 0, 160, ""},
		{"€", GSM7, 1, 2, 158, ""},
		{strings.Repeat("a", 160), GSM7, 1, 160, 0, ""},
		{strings.Repeat("a", 161), GSM7, 2, 161, 145, ""},
		{strings.Repeat("a", 306), GSM7, 2, 306, 0, ""},
		{strings.Repeat("a", 307), GSM7, 3, 307, 152, ""},
		{strings.Repeat("ж", 70), UCS2, 1, 70, 0, "ж"},
		{strings.Repeat("ж", 71), UCS2, 2, 71, 63, "ж"},
		{strings.Repeat("😀", 35), UCS2, 1, 70, 0, "😀"},
		// 67 units hold 33 pairs: the 67th stays empty
		{strings.Repeat("😀", 66), UCS2, 2, 132, 1, "😀"},
		{strings.Repeat("😀", 67), UCS2, 3, 134, 65, "😀"},
		// an escape does not part from its letter: 152 + 2 go over
		{strings.Repeat("a", 152) + "€" + strings.Repeat("b", 20), GSM7, 2, 174, 131, ""},
		{"It’s", UCS2, 1, 4, 66, "’"},
		{"Ваш", UCS2, 1, 3, 67, ""},
	} {
		if have := measured(v.Text); have != v {
			t.Errorf("%+v, want %+v", have, v)
		}
	}
}

func TestNoLetterIsCut(t *testing.T) {
	for _, text := range texts() {
		a := Of(text)
		parts := a.Split(text)
		if strings.Join(parts, "") != text {
			t.Errorf("%q falls into %q", text, parts)
		}
		back := ""
		for _, p := range parts {
			b := a.Encode(p)
			size := map[Alphabet]int{GSM7: 160, UCS2: 140}[a]
			if len(parts) > 1 {
				size = map[Alphabet]int{GSM7: 153, UCS2: 134}[a]
			}
			if len(b) > size || !utf8.ValidString(p) {
				t.Errorf("%q has the part %q of %d", text, p, len(b))
			}
			back += a.Decode(b)
		}
		if back != text {
			t.Errorf("%q comes back as %q", text, back)
		}
		if n := len(parts); n != Measure(text).Parts && text != "" {
			t.Errorf("%q has %d parts and is measured as %+v", text, n, Measure(text))
		}
	}
}

func TestEncodingsOfOthers(t *testing.T) {
	b, err := os.ReadFile("../../../../shared/corpora/smpp/text-encodings.json")
	if err != nil {
		t.Skip("the corpora are not here: ", err)
	}
	var list []struct{ Encoding, Text, Hex string }
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, v := range list {
		raw, err := hex.DecodeString(v.Hex)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		switch v.Encoding {
		case "GSM7BITPACKED":
			septets, ok := Encode7(v.Text)
			// Seven spare bits would be read as "@": the other side writes a carriage
			// return there in SMPP, and the septets' count says where the text ends.
			if packed := Pack(septets, 0); !ok || hex.EncodeToString(packed) != v.Hex[:2*len(packed)] {
				t.Errorf("%q is packed as %x, want %s", v.Text, packed, v.Hex)
			}
			if have := Decode7(Unpack(raw, len(septets), 0)); have != v.Text {
				t.Errorf("%s is unpacked as %q, want %q", v.Hex, have, v.Text)
			}
		case "UCS2", "UTF16BE":
			if have := hex.EncodeToString(EncodeUCS2(v.Text)); have != v.Hex {
				t.Errorf("%q is %s, want %s", v.Text, have, v.Hex)
			}
			fallthrough
		case "UTF16BEM", "UTF16LEM":
			if have := DecodeUCS2(raw); have != v.Text {
				t.Errorf("%s is %q, want %q", v.Hex, have, v.Text)
			}
		case "ASCII":
			if have := Decode7(raw); have != v.Text {
				t.Errorf("%s is %q, want %q", v.Hex, have, v.Text)
			}
		case "LATIN1", "UTF16LE": // not of the radio network; LATIN1 is read by its data_coding
		default:
			t.Errorf("an encoding that nobody looks at: %s", v.Encoding)
		}
	}
	if seen != len(list) || seen == 0 {
		t.Errorf("%d of %d were looked at", seen, len(list))
	}
}

func TestHeaders(t *testing.T) {
	for raw, want := range map[string]struct {
		join Join
		rest string
		ok   bool
	}{
		"0500032a0302ff":           {Join{42, 3, 2}, "ff", true},
		"06080412340201aabb":       {Join{0x1234, 2, 1}, "aabb", true},
		"0b05040b8423f00003070201": {Join{7, 2, 1}, "", true},
		"0500032a0304ff":           {Join{}, "ff", true}, // the fourth of three
		"0500032a0100ff":           {Join{}, "ff", true},
		"00ff":                     {Join{}, "ff", true},
		"":                         {Join{}, "", false},
		"c8ff":                     {Join{}, "c8ff", false},
		"050004010203":             {Join{}, "050004010203", false},
	} {
		b, _ := hex.DecodeString(raw)
		j, rest, ok := ReadHeader(b)
		if j != want.join || hex.EncodeToString(rest) != want.rest || ok != want.ok {
			t.Errorf("%s: %+v %x %v, want %+v", raw, j, rest, ok, want)
		}
	}
	if j, rest, ok := ReadHeader(append(Header(9, 4, 3), 'x')); !ok || j != (Join{9, 4, 3}) || string(rest) != "x" {
		t.Errorf("%+v %q %v", j, rest, ok)
	}
}

func FuzzSplit(f *testing.F) {
	for _, t := range texts() {
		f.Add(t)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip()
		}
		a := Of(text)
		parts := a.Split(text)
		if strings.Join(parts, "") != text || len(parts) != max(1, Measure(text).Parts) {
			t.Errorf("%q: %q, %+v", text, parts, Measure(text))
		}
		for _, p := range parts {
			if a.Decode(a.Encode(p)) != p {
				t.Errorf("%q comes back as %q", p, a.Decode(a.Encode(p)))
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{5, 0, 3, 1, 2, 1, 0x1b, 0x65}, 5, 1)
	f.Fuzz(func(t *testing.T, b []byte, n, fill int) {
		ReadHeader(b)
		DecodeUCS2(b)
		Decode7(b)
		if fill = fill & 7; n < 0 || n > 1000 {
			n = 10
		}
		septets := Unpack(b, n, fill)
		if len(septets) == n && len(Unpack(Pack(septets, fill), n, fill)) != n {
			t.Errorf("%x is not packed and unpacked", septets)
		}
	})
}
