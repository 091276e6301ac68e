package demo

import (
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast/channel/sms/smsc"
)

// officeNumber is the company's, and phoneNumber those of its customers; no telephone
// in the world has them (555-0100 to 555-0199 are for stories).
const (
	officeNumber = "+12025550100"
	phoneNumber  = "+120255501" // and two digits
	firstPhone   = 11
	phoneCount   = 8
)

const smppSystem = "northline"

// receiptsAfter is how long a text takes to a telephone.
const receiptsAfter = 400 * time.Millisecond

// Phones are the telephones of some customers, behind a short message centre that the
// desk speaks SMPP with.
type Phones struct {
	password string
	centre   *smsc.Centre

	mu      sync.Mutex
	threads map[string][]said
	open    map[string][]smsc.Part // of long texts that have not come whole
}

func newPhones() *Phones {
	return &Phones{password: rand.Text()[:8], threads: map[string][]said{}, open: map[string][]smsc.Part{}}
}

// Open starts the centre on a free port.
func (p *Phones) Open() (err error) {
	p.centre, err = smsc.Start("127.0.0.1:0", smsc.Options{SystemID: smppSystem, Password: p.password, Receipts: receiptsAfter, EchoRef: true, Count: true, OnPart: p.arrive})
	return err
}

// Close stops the centre, if it was opened; what was on the telephones is gone.
func (p *Phones) Close() {
	if p.centre != nil {
		p.centre.Close()
	}
}

// settings are those of the desk's SMS account, by the names of its form.
func (p *Phones) settings() map[string]any {
	host, digits, _ := strings.Cut(p.centre.Addr(), ":")
	port, _ := strconv.Atoi(digits) // a listener's
	return map[string]any{"via": "smpp", "from": officeNumber, "price": "0.04", "currency": "EUR",
		"smpp_host": host, "smpp_port": port, "smpp_security": "none", "smpp_system_id": smppSystem, "smpp_password": p.password, "smpp_rate": 10}
}

// arrive puts a part on its telephone, and a long text when it is whole.
func (p *Phones) arrive(part smsc.Part) {
	to := "+" + strings.TrimPrefix(part.To, "+")
	p.mu.Lock()
	defer p.mu.Unlock()
	s := said{At: part.At, Text: part.Text, Parts: 1}
	if part.Join.Total > 1 {
		list := append(p.open[to], part)
		s.Parts, s.Text = part.Join.Total, ""
		found := 0
		for n := 1; n <= part.Join.Total; n++ {
			for _, x := range list {
				if x.Join.Ref == part.Join.Ref && x.Join.Number == n {
					s.Text += x.Text
					found++
					break
				}
			}
		}
		if found < part.Join.Total {
			p.open[to] = list[max(0, len(list)-threadMost):]
			return
		}
		p.open[to] = slices.DeleteFunc(list, func(x smsc.Part) bool { return x.Join.Ref == part.Join.Ref })
	}
	p.keep(to, s)
}

// keep adds to a telephone's thread; p.mu is held.
func (p *Phones) keep(number string, s said) {
	list := append(p.threads[number], s)
	p.threads[number] = list[max(0, len(list)-threadMost):]
}

// Thread is what is on one telephone.
func (p *Phones) Thread(number string) []said {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]said(nil), p.threads[number]...)
}

// Write sends a text from a telephone to the company. The error is smsc.ErrNobody
// while the desk is not connected.
func (p *Phones) Write(number, text string) error {
	if err := p.centre.Deliver(number, officeNumber, text); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keep(number, said{At: time.Now(), Mine: true, Text: text})
	return nil
}
