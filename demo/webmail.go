package demo

import (
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-smtp"
)

// What one letter written in the web mail may have.
const (
	subjectMost = 200    // characters
	textMost    = 20_000 // characters
)

// mailPage is the customer's mailbox on a page.
type mailPage struct {
	Address string
	Sent    bool // the sent ones are listed
	Letters []letter
	Letter  *letter
	Unread  int
	Version int
	Reply   *draft
	Problem string
	Done    bool // a letter has just gone
}

// draft is what the form holds.
type draft struct {
	To, Subject, Text, Answers string
}

// snapshot is the mailbox as it is, the newest letter first.
func (m *Mail) snapshot() (letters []letter, unread, version int) {
	b := m.boxes[CustomerAddress]
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := len(b.letters) - 1; i >= 0; i-- {
		letters = append(letters, *b.letters[i])
		if b.letters[i].Unread {
			unread++
		}
	}
	return letters, unread, b.version
}

// open marks a letter as read and returns it; nil when there is none.
func (m *Mail) open(id string) *letter {
	b := m.boxes[CustomerAddress]
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.letters {
		if l.ID == id {
			l.Unread = false
			c := *l
			return &c
		}
	}
	return nil
}

// Write sends a letter of the customer's: to somebody, about something, in
// answer to a letter ("" when it is none).
func (m *Mail) Write(to, subject, text, answers string, now time.Time) error {
	if err := m.takes(to); err != nil {
		return err
	}
	var answered *letter
	if answers != "" {
		answered = m.open(answers)
	}
	raw, l, err := writeLetter(to, subject, text, answered, now)
	if err != nil {
		return err
	}
	if err := m.deliver([]string{to}, raw); err != nil {
		return err
	}
	b := m.boxes[CustomerAddress]
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(l)
	return nil
}

func (p *pages) mailPage(r *http.Request) (*page, *Mail) {
	v, m := p.page(r), p.demo.server()
	v.Mail = &mailPage{Address: CustomerAddress}
	if m != nil {
		v.Mail.Letters, v.Mail.Unread, v.Mail.Version = m.snapshot()
	}
	return v, m
}

func (p *pages) list(w http.ResponseWriter, r *http.Request) {
	v, _ := p.mailPage(r)
	v.Mail.Sent = r.FormValue("box") == "sent"
	v.Mail.Done = r.FormValue("done") != ""
	var kept []letter
	for _, l := range v.Mail.Letters {
		if l.Sent == v.Mail.Sent {
			kept = append(kept, l)
		}
	}
	v.Mail.Letters = kept
	p.show(w, "mail.html", http.StatusOK, v)
}

func (p *pages) read(w http.ResponseWriter, r *http.Request) {
	m := p.demo.server()
	if m == nil {
		http.NotFound(w, r)
		return
	}
	l := m.open(r.PathValue("letter"))
	v, _ := p.mailPage(r)
	if l == nil {
		v.Mail.Problem = v.T["gone"]
		p.show(w, "mail.html", http.StatusNotFound, v)
		return
	}
	v.Mail.Letter = l
	if !l.Sent {
		v.Mail.Reply = &draft{To: l.ReplyTo, Subject: answering(l.Subject), Answers: l.ID}
	}
	p.show(w, "letter.html", http.StatusOK, v)
}

func answering(subject string) string {
	if strings.HasPrefix(strings.ToLower(subject), "re:") {
		return subject
	}
	return "Re: " + subject
}

func (p *pages) write(w http.ResponseWriter, r *http.Request) {
	v, _ := p.mailPage(r)
	v.Mail.Reply = &draft{To: SupportAddress}
	p.show(w, "letter.html", http.StatusOK, v)
}

func (p *pages) send(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 256<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "This form is too large or broken.", http.StatusBadRequest)
		return
	}
	v, m := p.mailPage(r)
	line := func(s string) string { return strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ") }
	d := &draft{To: line(r.PostFormValue("to")), Subject: line(r.PostFormValue("subject")),
		Text: strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(r.PostFormValue("text"), ""), "\r\n", "\n")), Answers: r.PostFormValue("answers")}
	v.Mail.Reply = d
	refuse := func(status int, problem string) {
		v.Mail.Problem = problem
		if v.Mail.Letter = m.open(d.Answers); v.Mail.Letter == nil {
			d.Answers = ""
		}
		p.show(w, "letter.html", status, v)
	}
	switch {
	case m == nil:
		http.NotFound(w, r)
		return
	case d.Text == "" || d.Subject == "":
		refuse(http.StatusUnprocessableEntity, v.T["empty"])
		return
	case utf8.RuneCountInString(d.Text) > textMost || utf8.RuneCountInString(d.Subject) > subjectMost:
		refuse(http.StatusRequestEntityTooLarge, v.T["long"])
		return
	}
	err := m.Write(d.To, d.Subject, d.Text, d.Answers, time.Now())
	var no *smtp.SMTPError
	switch {
	case errors.As(err, &no):
		refuse(http.StatusUnprocessableEntity, v.T["refused"]+" "+no.Message)
	case err != nil:
		refuse(http.StatusUnprocessableEntity, v.T["refused"])
	default:
		http.Redirect(w, r, "/demo/mail?box=sent&done=1&lang="+v.Lang, http.StatusSeeOther)
	}
}
