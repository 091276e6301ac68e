package sms

import (
	"bytes"
	"io"
	"testing"
	"time"
	"unicode/utf8"
)

// recording is a port that says what it was given and then ends.
type recording struct{ *bytes.Reader }

func (recording) Write(b []byte) (int, error) { return len(b), nil }
func (recording) Close() error                { return nil }

// patient is a port that says nothing until it is told what.
type talker struct {
	*io.PipeReader
	written chan string
}

func (t talker) Write(b []byte) (int, error) { t.written <- string(b); return len(b), nil }

func talk(t *testing.T) (*at, chan string, io.Writer) {
	t.Helper()
	r, w := io.Pipe()
	p := talker{r, make(chan string, 16)}
	a := newAT(p)
	t.Cleanup(func() { a.Close(); <-a.gone })
	return a, p.written, w
}

func TestATAnswersAmongOtherLines(t *testing.T) {
	a, written, w := talk(t)
	go func() {
		<-written
		io.WriteString(w, "AT+CSQ\r\r\n^BOOT:1,2\r\n\r\n+CMTI: \"SM\",4\r\n+CSQ: 17,99\r\n\r\n+CMT: ,5\r\n0011\r\nRING\r\nOK\r\n")
	}()
	lines, err := a.do(t.Context(), time.Second, "+CSQ", "+CSQ:")
	if err != nil || len(lines) != 1 || lines[0] != "+CSQ: 17,99" {
		t.Errorf("%q, %v", lines, err)
	}
	if n := a.news(); len(n) != 2 || n[0].line != `+CMTI: "SM",4` || n[1].pdu != "0011" {
		t.Errorf("%+v", n)
	}
}

// What comes between a header and its PDU belongs to neither.
func TestATListsAmongOtherLines(t *testing.T) {
	a, written, w := talk(t)
	go func() {
		<-written
		io.WriteString(w, "+CMGL: 1,0,,5\r\n^RSSI:18\r\n0011\r\n+CMGL: 2,0,,0\r\n+CMGL: 3,0,,5\r\n+CMT: ,5\r\nRING\r\nAABB\r\n2233\r\nOK\r\n")
	}()
	lines, err := a.list(t.Context(), time.Second, "+CMGL=4", "+CMGL:")
	if err != nil || len(lines) != 4 || lines[1] != "0011" || lines[2] != "+CMGL: 3,0,,5" || lines[3] != "2233" {
		t.Errorf("%q, %v", lines, err)
	}
	if n := a.news(); len(n) != 1 || n[0].pdu != "AABB" {
		t.Errorf("%+v", n)
	}
}

func TestATRefusals(t *testing.T) {
	for line, want := range map[string]atError{
		"+CMS ERROR: 331":              {"CMS", 331, "331"},
		"+CME ERROR: SIM not inserted": {"CME", -1, "SIM not inserted"},
		"ERROR":                        {"", -1, "ERROR"},
	} {
		a, written, w := talk(t)
		go func() { <-written; io.WriteString(w, "\r\n"+line+"\r\n") }()
		_, err := a.do(t.Context(), time.Second, "+X", "")
		if e, ok := err.(*atError); !ok || *e != want {
			t.Errorf("%s: %#v", line, err)
		}
	}
}

// A bracket in an answer is no prompt, and a line without an end is not kept for ever.
func TestATPromptAndLongLines(t *testing.T) {
	a, written, w := talk(t)
	go func() {
		<-written
		w.Write(bytes.Repeat([]byte("x"), 1<<20))
		io.WriteString(w, "\r\n+X: a > b\r\nOK\r\n")
	}()
	if lines, err := a.do(t.Context(), 10*time.Second, "+X", "+X:"); err != nil || len(lines) != 1 || lines[0] != "+X: a > b" {
		t.Errorf("%q %v", lines, err)
	}
	go func() {
		<-written
		io.WriteString(w, "\r\n>")
		<-written
		io.WriteString(w, "\r\n+CMGS: 7\r\n\r\nOK\r\n")
	}()
	if ref, err := a.submit(t.Context(), time.Second, 1, "00", nil); ref != 7 || err != nil {
		t.Errorf("%d %v", ref, err)
	}
}

func TestUSSD(t *testing.T) {
	for line, want := range map[string]string{
		`+CUSD: 0,"Balans: 123.45 r.",15`:                         "Balans: 123.45 r.",
		`+CUSD: 0,"041104300436",72`:                              "Баж",
		`+CUSD: 1,"0628062706320020003100300030",17`:              "باز 100",
		`+CUSD: 0,"0041006200630020003100320033",15`:              "Abc 123",
		`+CUSD: 0,"1234",15`:                                      "1234",
		`+CUSD: 2`:                                                "",
		"+CUSD: 0,\"first\nsecond, with a comma\",15":             "first\nsecond, with a comma",
		`+CUSD: 0,"` + packUSSD("Your balance is 5 EUR") + `",15`: "Your balance is 5 EUR",
	} {
		if got := parseUSSD(line).text; got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	// Of the standard's own example: the code itself.
	if got := packUSSD("*100#"); got != "AA180C3602" {
		t.Errorf("*100# is %s", got)
	}
	a, _, w := talk(t)
	io.WriteString(w, "\r\n+CUSD: 1,\"Menu\r\n1 Balance\r\n2 Bye\",15\r\n")
	select {
	case line := <-a.cusd:
		if u := parseUSSD(line); u.state != 1 || u.text != "Menu\n1 Balance\n2 Bye" {
			t.Errorf("%+v", u)
		}
	case <-time.After(5 * time.Second):
		t.Error("an answer of several lines is lost")
	}
}

func TestPDUsOfTheNetwork(t *testing.T) {
	// The example of many a manual: "hellohello" from a number in Sweden.
	r, err := readPDU("07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37")
	if err != nil || r.message.text != "hellohello" || r.message.from != "+27838890001" && r.message.from != "27838890001" {
		t.Errorf("%+v %v", r, err)
	}
	for status, want := range map[byte][2]bool{0: {true, false}, 1: {false, false}, 2: {true, false}, 0x20: {false, false}, 0x46: {false, true}, 0x62: {false, true}, 0xff: {false, false}} {
		if d, f := deliveryOf(status); d != want[0] || f != want[1] {
			t.Errorf("%02x: %v %v", status, d, f)
		}
	}
	if sameNumber("+79161234567", "89161234567") != true || sameNumber("+79161234567", "567") || sameNumber("", "") {
		t.Error("numbers are told apart wrongly")
	}
}

func FuzzAT(f *testing.F) {
	f.Add([]byte("\r\n+CMTI: \"SM\",3\r\n> \r\nOK\r\n"))
	f.Add([]byte("AT+CMGL=4\r\r\n+CMGL: 1,0,,5\r\n0011\r\n+CMT: ,9\r\nOK\r\n+CUSD: 0,\"a\nb\r\n"))
	f.Add([]byte("+CMS ERROR: x\r\n\x00\xff>>>\r+CDS: 1\rAB\r"))
	f.Fuzz(func(t *testing.T, said []byte) {
		a := newAT(recording{bytes.NewReader(said)})
		_, _ = a.list(t.Context(), time.Second, "+CMGL=4", "+CMGL:")
		<-a.gone
		for _, n := range a.news() {
			if len(n.line) > 12*atLineLimit || n.pdu != "" && !isHex(n.pdu) {
				t.Errorf("%d bytes, PDU %q", len(n.line), n.pdu)
			}
			atFields(n.line)
		}
		if _, err := a.do(t.Context(), time.Second, "", ""); err != errGone {
			t.Errorf("after the end: %v", err)
		}
	})
}

func FuzzUSSD(f *testing.F) {
	f.Add(`+CUSD: 0,"041104300436",72`)
	f.Add(`+CUSD: 0,"C2303BEC9E83",15`)
	f.Fuzz(func(t *testing.T, line string) {
		if u := parseUSSD(line); utf8.ValidString(line) && !utf8.ValidString(u.text) {
			t.Errorf("%q", u.text)
		}
	})
}

func FuzzPDU(f *testing.F) {
	f.Add("07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37")
	f.Add("0791198994000006290B919761214365F7")
	f.Fuzz(func(t *testing.T, pdu string) {
		r, err := readPDU(pdu)
		if err == nil && (r.message.piece.number > r.message.piece.total || r.message.piece.total == 1) {
			t.Errorf("%+v", r.message.piece)
		}
	})
}
