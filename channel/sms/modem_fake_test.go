//go:build linux

package sms

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/warthog618/sms/encoding/pdumode"
	"github.com/warthog618/sms/encoding/tpdu"
	"golang.org/x/sys/unix"

	"holdfast/channel/sms/gsm"
)

// fakeModem is an AT modem on a pseudo-terminal. It does what it is told, also badly.
type fakeModem struct {
	t    *testing.T
	path string // a link to the terminal; it stays when the modem is plugged in again

	mu       sync.Mutex
	master   *os.File
	slave    *os.File
	echo     bool
	pin      string // "" for none
	simState string
	stat     int // of +CREG
	csq      int
	memory   string
	room     int
	stored   map[string]map[int]string
	next     int
	mr       int
	sent     []string // PDUs as they were handed over
	heard    []string // commands
	centre   string
	answers  map[string]func(command string) string // by prefix; "" says nothing
	noise    string                                 // said between a command and its answer
	onPDU    func(n int, pdu string) string         // the answer to the nth PDU; "" says nothing
	ussd     string                                 // the +CUSD line

	noReports bool // it hands no delivery reports on
}

func plugIn(t *testing.T, prepare ...func(*fakeModem)) *fakeModem {
	t.Helper()
	m := &fakeModem{t: t, path: filepath.Join(t.TempDir(), "modem"), simState: "READY", stat: 1, csq: 20, memory: "SM", room: 10,
		stored: map[string]map[int]string{"SM": {}, "ME": {}}, centre: "+79168999100", answers: map[string]func(string) string{}, mr: 40}
	for _, f := range prepare {
		f(m)
	}
	m.plug()
	t.Cleanup(m.unplug)
	return m
}

func (m *fakeModem) plug() {
	m.t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		m.t.Skip("no pseudo-terminals here: ", err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		m.t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		m.t.Fatal(err)
	}
	name := fmt.Sprintf("/dev/pts/%d", n)
	// Held open, so that the terminal lives while nobody else has it.
	sfd, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		m.t.Fatal(err)
	}
	tio, err := unix.IoctlGetTermios(sfd, unix.TCGETS)
	if err != nil {
		m.t.Fatal(err)
	}
	tio.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	tio.Iflag &^= unix.ICRNL
	tio.Oflag &^= unix.OPOST
	if err := unix.IoctlSetTermios(sfd, unix.TCSETS, tio); err != nil {
		m.t.Fatal(err)
	}
	os.Remove(m.path)
	if err := os.Symlink(name, m.path); err != nil {
		m.t.Fatal(err)
	}
	m.mu.Lock()
	m.master, m.slave = os.NewFile(uintptr(fd), "ptmx"), os.NewFile(uintptr(sfd), name)
	master := m.master
	m.mu.Unlock()
	go m.run(master)
}

func (m *fakeModem) unplug() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.master != nil {
		os.Remove(m.path)
		m.slave.Close()
		m.master.Close()
		m.master = nil
	}
}

func (m *fakeModem) with(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

// say writes lines as a modem does.
func (m *fakeModem) say(lines ...string) {
	m.mu.Lock()
	master := m.master
	m.mu.Unlock()
	if master != nil {
		sayTo(master, strings.Join(lines, "\r\n"))
	}
}

func sayTo(w io.Writer, text string) { io.WriteString(w, "\r\n"+text+"\r\n") }

func (m *fakeModem) run(port io.ReadWriter) {
	buf := make([]byte, 256)
	var line []byte
	inPDU := false
	for {
		n, err := port.Read(buf)
		for _, c := range buf[:n] {
			switch {
			case inPDU && c == ctrlZ[0]:
				inPDU = false
				m.took(port, string(line))
				line = line[:0]
			case inPDU && c == escape[0], !inPDU && c == escape[0]:
				inPDU, line = false, line[:0]
			case !inPDU && c == '\r':
				command := string(line)
				line = line[:0]
				if command != "" {
					inPDU = m.command(port, command)
				}
			default:
				line = append(line, c)
			}
		}
		if err != nil {
			return
		}
	}
}

func (m *fakeModem) took(port io.Writer, pdu string) {
	m.mu.Lock()
	m.sent = append(m.sent, pdu)
	m.mr++
	answer := fmt.Sprintf("+CMGS: %d\r\n\r\nOK", m.mr)
	n, f, noise, echo := len(m.sent), m.onPDU, m.noise, m.echo
	m.mu.Unlock()
	if echo {
		io.WriteString(port, pdu+"\r\n")
	}
	if f != nil {
		answer = f(n, pdu)
	}
	if noise != "" {
		sayTo(port, noise)
	}
	if answer != "" {
		sayTo(port, answer)
	}
}

// command answers one command and reports whether a PDU follows.
func (m *fakeModem) command(port io.Writer, command string) bool {
	m.mu.Lock()
	m.heard = append(m.heard, command)
	echo, noise := m.echo, m.noise
	var special func(string) string
	for prefix, f := range m.answers {
		if strings.HasPrefix(command, prefix) {
			special = f
		}
	}
	m.mu.Unlock()
	if echo {
		io.WriteString(port, command+"\r\n")
	}
	if noise != "" {
		sayTo(port, noise)
	}
	if special != nil {
		if answer := special(command); answer != "" {
			sayTo(port, answer)
		}
		return false
	}
	if strings.HasPrefix(command, "AT+CMGS=") {
		io.WriteString(port, "\r\n> ")
		return true
	}
	sayTo(port, m.answer(command))
	return false
}

func (m *fakeModem) answer(command string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	value := func(prefix string) (string, bool) { return strings.CutPrefix(command, prefix) }
	switch command {
	case "AT", "AT+CMEE=1", "AT+CMGF=0", "AT+CSMS=0", "AT+CUSD=2":
		return "OK"
	case "ATE0":
		m.echo = false
		return "OK"
	case "AT+CPIN?":
		if m.simState == "none" {
			return "+CME ERROR: 10"
		}
		return "+CPIN: " + m.simState + "\r\n\r\nOK"
	case "AT+CREG?":
		return fmt.Sprintf("+CREG: 0,%d\r\n\r\nOK", m.stat)
	case "AT+CEREG?":
		return "ERROR"
	case "AT+COPS?":
		return "+COPS: 0,0,\"Mega, Fon\",2\r\n\r\nOK"
	case "AT+CSQ":
		return fmt.Sprintf("+CSQ: %d,99\r\n\r\nOK", m.csq)
	case "AT+CSCA?":
		return fmt.Sprintf("+CSCA: %q,145\r\n\r\nOK", m.centre)
	case "AT+CGMM":
		return "E3372\r\n\r\nOK"
	case "AT+CPMS?":
		n := len(m.stored[m.memory])
		return fmt.Sprintf("+CPMS: %q,%d,%d,%q,%d,%d,%q,%d,%d\r\n\r\nOK", m.memory, n, m.room, m.memory, n, m.room, m.memory, n, m.room)
	case "AT+CMGL=4":
		var b strings.Builder
		var indexes []int
		for i := range m.stored[m.memory] {
			indexes = append(indexes, i)
		}
		sort.Ints(indexes)
		for _, i := range indexes {
			pdu := m.stored[m.memory][i]
			fmt.Fprintf(&b, "+CMGL: %d,0,,%d\r\n%s\r\n", i, len(pdu)/2-8, pdu)
		}
		return b.String() + "\r\nOK"
	}
	if v, ok := value("AT+CPIN="); ok {
		if strings.Trim(v, `"`) != m.pin {
			return "+CME ERROR: 16"
		}
		m.simState = "READY"
		return "OK"
	}
	if v, ok := value("AT+CPMS="); ok {
		memory := strings.Trim(strings.Split(v, ",")[0], `"`)
		if m.stored[memory] == nil {
			return "+CMS ERROR: 302"
		}
		m.memory = memory
		return fmt.Sprintf("+CPMS: %d,%d,0,%d,0,%d\r\n\r\nOK", len(m.stored[memory]), m.room, m.room, m.room)
	}
	if v, ok := value("AT+CMGD="); ok {
		i, _ := strconv.Atoi(v)
		delete(m.stored[m.memory], i)
		return "OK"
	}
	if v, ok := value("AT+CNMI="); ok {
		if m.noReports && v != "2,1,0,0,0" {
			return "+CMS ERROR: 303"
		}
		return "OK"
	}
	if v, ok := value("AT+CSCA="); ok {
		m.centre = strings.Trim(strings.Split(v, ",")[0], `"`)
		return "OK"
	}
	if _, ok := value("AT+CUSD=1,"); ok {
		return "OK\r\n\r\n" + m.ussd
	}
	return "ERROR"
}

// store puts a PDU on the SIM and, with announce, says so.
func (m *fakeModem) store(memory, pdu string, announce bool) int {
	m.mu.Lock()
	m.next++
	i := m.next
	m.stored[memory][i] = pdu
	m.mu.Unlock()
	if announce {
		m.say(fmt.Sprintf("+CMTI: %q,%d", memory, i))
	}
	return i
}

func (m *fakeModem) left(memory string) (n int) {
	m.with(func() { n = len(m.stored[memory]) })
	return n
}

func (m *fakeModem) pdus() (list []string) {
	m.with(func() { list = slices.Clone(m.sent) })
	return list
}

func (m *fakeModem) commands(prefix string) (n int) {
	m.with(func() {
		for _, c := range m.heard {
			if strings.HasPrefix(c, prefix) {
				n++
			}
		}
	})
	return n
}

// deliverPDUs are the parts of a text as the network would bring them.
func deliverPDUs(t testing.TB, from, text string, ref byte, at time.Time) (list []string) {
	t.Helper()
	alphabet := gsm.Of(text)
	texts := alphabet.Split(text)
	for i, x := range texts {
		d, err := tpdu.NewDeliver()
		if err != nil {
			t.Fatal(err)
		}
		d.OA = tpdu.NewAddress(tpdu.FromNumber(from))
		d.SCTS = tpdu.Timestamp{Time: at}
		if alphabet == gsm.UCS2 {
			d.SetDCS(8)
		}
		if len(texts) > 1 {
			var udh tpdu.UserDataHeader
			if _, err := udh.UnmarshalBinary(gsm.Header(ref, len(texts), i+1)); err != nil {
				t.Fatal(err)
			}
			d.SetUDH(udh)
		}
		d.UD = alphabet.Encode(x)
		list = append(list, frame(t, d))
	}
	return list
}

// reportPDU is a status report.
func reportPDU(t testing.TB, ref byte, to string, status byte) string {
	t.Helper()
	r, err := tpdu.New(tpdu.SmsStatusReport)
	if err != nil {
		t.Fatal(err)
	}
	now := tpdu.Timestamp{Time: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	r.MR, r.RA, r.SCTS, r.DT, r.ST = ref, tpdu.NewAddress(tpdu.FromNumber(to)), now, now, status
	return frame(t, r)
}

func frame(t testing.TB, d *tpdu.TPDU) string {
	t.Helper()
	b, err := d.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	p := pdumode.PDU{TPDU: b}
	p.SMSC.SetNumber("+79168999100")
	s, err := p.MarshalHexString()
	if err != nil {
		t.Fatal(err)
	}
	return strings.ToUpper(s)
}

// submitted is a PDU as the network reads it.
func submitted(t testing.TB, pdu string) *tpdu.TPDU {
	t.Helper()
	p, err := pdumode.UnmarshalHexString(pdu)
	if err != nil {
		t.Fatal(err)
	}
	s := &tpdu.TPDU{Direction: tpdu.MO}
	if err := s.UnmarshalBinary(p.TPDU); err != nil {
		t.Fatalf("%s: %v", pdu, err)
	}
	return s
}

func submittedText(t testing.TB, pdu string) string {
	t.Helper()
	s := submitted(t, pdu)
	a, _ := s.Alphabet()
	b, err := tpdu.DecodeUserData(s.UD, s.UDH, a)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
