package sms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"holdfast"
	"holdfast/channel"
)

const (
	answerWait = 10 * time.Second // for a command that asks the modem alone
	networkAsk = 60 * time.Second // for one that asks the network
	sendWait   = 45 * time.Second // for the network to take a part
	sendMargin = 15 * time.Second // left for a part when the turn has come
	hostPort   = "tcp://"
)

// modem sends and takes texts by one SIM in one modem. Several SIMs are several
// accounts: each has a number, a balance, a rate and a health of its own, and an
// answer goes out by the number that was written to.
type modem struct {
	set  *Settings
	env  channel.Env
	pace *rate.Limiter
	sent sentParts
	fit  fitness

	opening chan struct{} // one token: whose turn it is to open the port
	mu      sync.Mutex
	handset *handset
	reports bool // the modem hands the network's reports on
}

func newModem(_ channel.Account, env channel.Env, set *Settings) (backend, error) {
	port := strings.TrimSpace(set.ModemPort)
	if addr, ok := strings.CutPrefix(port, hostPort); ok {
		if _, p, err := net.SplitHostPort(addr); err != nil || p == "" {
			return nil, bad("modem_port", "write the modem's address as tcp://host:port")
		}
	} else if port == "" || strings.ContainsAny(port, " \t\r\n\x00") || strings.Contains(port, "://") {
		return nil, bad("modem_port", "write a serial port such as /dev/ttyUSB0 or COM3, or tcp://host:port")
	}
	if set.ModemBaud < 300 || set.ModemBaud > 4_000_000 {
		return nil, bad("modem_baud", "the speed is 300 to 4000000 bits a second")
	}
	if set.ModemRate < 1 || set.ModemRate > 60 {
		return nil, bad("modem_rate", "a SIM sends 1 to 60 parts a minute")
	}
	if set.ModemHours < 1 || set.ModemHours > 24*63 {
		return nil, bad("modem_validity_hours", "the network keeps a text for 1 to 1512 hours")
	}
	if pin := string(set.ModemPIN); pin != "" && (len(pin) < 4 || len(pin) > 8 || strings.Trim(pin, "0123456789") != "") {
		return nil, bad("modem_pin", "a PIN is 4 to 8 digits")
	}
	if strings.Trim(set.ModemBalance, "0123456789*#") != "" {
		return nil, bad("modem_balance", "the code for the balance is made of digits, * and #, such as *100#")
	}
	if c := set.ModemCentre; c != "" && !senderNumber.MatchString(c) {
		return nil, bad("modem_centre", "the message centre is a number such as +79168999100")
	}
	m := &modem{set: set, env: env, pace: rate.NewLimiter(rate.Every(time.Minute/time.Duration(set.ModemRate)), 1),
		sent: sentParts{state: env.State, now: env.Now}, opening: make(chan struct{}, 1)}
	m.fit.now, m.fit.since = env.Now, env.Now()
	m.opening <- struct{}{}
	return m, nil
}

// Resend is once: the parts carry the same reference again, with which the centre
// refuses a second one that it still has, and the telephone knows the rest.
func (m *modem) Resend() channel.Resend { return channel.ResendOnce }

// Receipts reports whether the modem hands the network's reports on, which it says
// when it is opened.
func (m *modem) Receipts() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reports
}

// Needs is local: the office's own antenna is enough.
func (m *modem) Needs() holdfast.Reach { return holdfast.Local }

// Single is true: a port is open once.
func (m *modem) Single() bool { return true }

// Health is how the modem, its SIM and its network are.
func (m *modem) Health() channel.Health { return m.fit.report() }

// handset is an opened modem that is ready for texts.
type handset struct {
	*at
	users  int
	memory string // which storage is open: "SM", "ME", …
}

// acquire gives the modem to a user, opening it for the first one.
func (m *modem) acquire(ctx context.Context) (*handset, error) {
	select {
	case <-m.opening:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { m.opening <- struct{}{} }()
	m.mu.Lock()
	if s := m.handset; s != nil && s.users > 0 && s.alive() {
		s.users++
		m.mu.Unlock()
		return s, nil
	}
	m.mu.Unlock()
	s, err := m.open(ctx)
	if err != nil {
		m.fit.down(err)
		return nil, err
	}
	m.mu.Lock()
	s.users = 1
	m.handset = s
	m.mu.Unlock()
	return s, nil
}

// release closes the port behind its last user.
func (m *modem) release(s *handset) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.users--; s.users == 0 {
		s.Close()
	}
}

// away is a modem that cannot be spoken to: nothing was sent.
func away(code, format string, args ...any) error {
	return &channel.Failure{Reason: channel.Temporary, Code: code, Text: fmt.Sprintf(format, args...)}
}

func broken(code, format string, args ...any) error {
	return &channel.Failure{Reason: channel.Broken, Code: code, Text: fmt.Sprintf(format, args...)}
}

// open opens the port and makes the modem ready.
func (m *modem) open(ctx context.Context) (*handset, error) {
	port, err := openPort(ctx, strings.TrimSpace(m.set.ModemPort), m.set.ModemBaud)
	if err != nil {
		return nil, away("port", "The modem's port cannot be opened: %v.", err)
	}
	s := &handset{at: newAT(port)}
	if err := m.prepare(ctx, s); err != nil {
		s.Close()
		<-s.gone
		var f *channel.Failure
		if errors.As(err, &f) {
			return nil, f
		}
		return nil, away("modem", "The modem is not ready: %v.", err)
	}
	return s, nil
}

// sync finds the modem behind whatever it was in the middle of.
func (s *handset) sync(ctx context.Context) error {
	if _, err := s.port.Write([]byte(escape + "\r")); err != nil {
		return errGone
	}
	for i := range 4 {
		_, err := s.exchange(ctx, 1500*time.Millisecond, &asked{command: "AT", patient: true}, nil)
		var refused *atError
		switch {
		case err == nil, errors.As(err, &refused):
			// The answers to what was asked before must not be taken for the next one's.
			quiet := 100 * time.Millisecond
			if i > 0 {
				quiet = 500 * time.Millisecond
			}
			select {
			case <-time.After(quiet):
			case <-ctx.Done():
				return ctx.Err()
			}
			if err == nil {
				return nil
			}
		case errors.Is(err, errSilent):
		default:
			return err
		}
	}
	return away("silent", "The port is open, and no modem answers there.")
}

// prepare brings the modem from wherever it was to PDU mode, with its SIM open.
func (m *modem) prepare(ctx context.Context, s *handset) error {
	if err := s.sync(ctx); err != nil {
		return err
	}
	for _, command := range []string{"E0", "+CMEE=1"} {
		if err := s.try(ctx, command); err != nil {
			return err
		}
	}
	if err := m.unlock(ctx, s); err != nil {
		return err
	}
	if _, err := s.do(ctx, answerWait, "+CMGF=0", ""); err != nil {
		return fmt.Errorf("it has no PDU mode: %w", err)
	}
	if err := s.try(ctx, "+CSMS=0"); err != nil {
		return err
	}
	// Stored messages are announced, reports come at once; what a modem refuses is
	// tried in a weaker form, and what comes is looked for now and then all the same.
	reports := false
	for _, mode := range []string{"2,1,0,1,0", "2,1,0,2,0", "1,1,0,1,0", "2,1,0,0,0"} {
		_, err := s.do(ctx, answerWait, "+CNMI="+mode, "")
		if err == nil {
			reports = mode != "2,1,0,0,0"
			break
		}
		if refused := new(atError); !errors.As(err, &refused) {
			return err
		}
	}
	m.mu.Lock()
	m.reports = reports
	m.mu.Unlock()
	for _, memory := range []string{"SM", "ME"} {
		if err := s.choose(ctx, memory); err == nil {
			break
		} else if refused := new(atError); !errors.As(err, &refused) {
			return err
		}
	}
	if c := m.set.ModemCentre; c != "" {
		kind := "129"
		if strings.HasPrefix(c, "+") {
			kind = "145"
		}
		if err := s.try(ctx, `+CSCA="`+c+`",`+kind); err != nil {
			return err
		}
	}
	return nil
}

// try gives a command that a modem may refuse.
func (s *handset) try(ctx context.Context, command string) error {
	_, err := s.do(ctx, answerWait, command, "")
	if refused := new(atError); errors.As(err, &refused) {
		return nil
	}
	return err
}

// choose opens a storage.
func (s *handset) choose(ctx context.Context, memory string) error {
	if s.memory == memory {
		return nil
	}
	if _, err := s.do(ctx, answerWait, fmt.Sprintf(`+CPMS=%q,%q,%q`, memory, memory, memory), "+CPMS:"); err != nil {
		return err
	}
	s.memory = memory
	return nil
}

const (
	pinKey   = "modem.pin"
	pinTries = 2 // without an answer; a SIM allows three
)

// unlock opens the SIM. A PIN that was refused is not tried again, not even after a
// restart: the third time would lock the SIM.
func (m *modem) unlock(ctx context.Context, s *handset) error {
	state, err := s.simState(ctx)
	if err != nil {
		return err
	}
	if state == "SIM PIN" {
		if m.set.ModemPIN == "" {
			return broken("pin_needed", "The SIM asks for its PIN.")
		}
		sum := sha256.Sum256([]byte("pin" + string(m.env.Key) + string(m.set.ModemPIN)))
		mark := hex.EncodeToString(sum[:8])
		tries := 0
		if b, err := m.env.State.Get(ctx, pinKey); err != nil {
			return err
		} else if had, n, ok := strings.Cut(string(b), ":"); ok && had == mark {
			tries, _ = strconv.Atoi(n)
		}
		if tries >= pinTries {
			return broken("pin_wrong", "The SIM has refused this PIN. It is not tried again, so that the SIM is not locked: correct the PIN in the settings.")
		}
		note := func(n int) error { return m.env.State.Put(ctx, pinKey, []byte(mark+":"+strconv.Itoa(n))) }
		// On disk before it is tried: a crash in between must not cost a try each time.
		if err := note(tries + 1); err != nil {
			return err
		}
		_, err := s.do(ctx, networkAsk, `+CPIN="`+string(m.set.ModemPIN)+`"`, "")
		if refused := new(atError); errors.As(err, &refused) {
			if err := note(pinTries); err != nil {
				m.env.Log.Warn("that the SIM refused its PIN was not noted", "err", err)
			}
			return broken("pin_wrong", "The SIM refuses this PIN.")
		} else if err != nil {
			return err
		}
		for range 20 {
			if state, err = s.simState(ctx); err != nil {
				return err
			}
			if state == "READY" {
				break
			}
			if err := pause(ctx, 500*time.Millisecond); err != nil {
				return err
			}
		}
		if state == "READY" {
			if err := m.env.State.Put(ctx, pinKey, []byte{}); err != nil {
				return err
			}
		}
	}
	switch {
	case state == "READY":
		return nil
	case strings.HasPrefix(state, "SIM PUK"):
		return broken("puk", "The SIM is locked and asks for its PUK. Unlock it in a telephone.")
	}
	return broken("sim", "The SIM is not ready: %s.", state)
}

// simState is what +CPIN? says.
func (s *handset) simState(ctx context.Context) (string, error) {
	for i := 0; ; i++ {
		lines, err := s.do(ctx, answerWait, "+CPIN?", "+CPIN:")
		refused := new(atError)
		switch {
		case err == nil && len(lines) > 0:
			return strings.Join(atFields(lines[0]), ","), nil
		case errors.As(err, &refused) && refused.code == 14 && i < 10: // busy
			if err := pause(ctx, time.Second); err != nil {
				return "", err
			}
		case errors.As(err, &refused) && (refused.code == 10 || strings.Contains(strings.ToLower(refused.text), "not inserted")):
			return "", broken("sim_missing", "There is no SIM in the modem.")
		case errors.As(err, &refused):
			return "", broken("sim", "The SIM cannot be read: %s.", refused.Error())
		case err != nil:
			return "", err
		default:
			return "", away("sim", "The modem says nothing about its SIM.")
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
