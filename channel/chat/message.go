package chat

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"holdfast"
	"holdfast/channel"
)

// post is one message as a visitor's client sends it.
type post struct {
	ID          string   `json:"id"` // a UUID that the client made
	Text        string   `json:"text"`
	Attachments []string `json:"attachments"` // ids that POST uploads gave
	Page        string   `json:"page"`
	Lang        string   `json:"lang"`
	Name        string   `json:"name"`
	Email       string   `json:"email"`
	// Answers to the form before the first message, by key.
	Answers map[string]string `json:"answers"`
}

// receipt is our word that a message is on disk.
type receipt struct {
	client       holdfast.ID // the client's id
	message      holdfast.ID // the id it is stored under
	conversation holdfast.ID
	n            holdfast.LSN
	at           time.Time
	duplicate    bool
}

func (a *Adapter) postMessage(w http.ResponseWriter, r *http.Request, sink channel.Sink) error {
	who, err := a.visitor(r)
	if err != nil {
		return err
	}
	var p post
	if err := readJSON(w, r, &p); err != nil {
		return err
	}
	rec, err := a.accept(r.Context(), who, remoteKey(r), &p, sink)
	if err != nil {
		return err
	}
	body := rec.appendJSON(make([]byte, 0, 320), "")
	writeBody(w, http.StatusCreated, append(body, '\n'))
	return nil
}

// batchMax is how many messages one request carries: what waited through an outage
// crosses a slow line in a few round trips and not in one each.
const batchMax = 20

// batchWire answers a batch, one result a message in the same order. After what
// could not be done now the rest is not tried: the client sends it again.
type batchWire struct {
	Results []json.RawMessage `json:"results"`
}

func (a *Adapter) postBatch(w http.ResponseWriter, r *http.Request, sink channel.Sink) error {
	who, err := a.visitor(r)
	if err != nil {
		return err
	}
	var req struct {
		Messages []post `json:"messages"`
	}
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	if len(req.Messages) == 0 || len(req.Messages) > batchMax {
		return holdfast.Errorf(holdfast.Invalid, "chat.batch_size", "a batch has 1 to %d messages", batchMax).WithField("messages").WithNext("Send fewer at once.")
	}
	answer := batchWire{Results: []json.RawMessage{}}
	for i := range req.Messages {
		p := &req.Messages[i]
		rec, err := a.accept(r.Context(), who, remoteKey(r), p, sink)
		if err == nil {
			answer.Results = append(answer.Results, rec.appendJSON(nil, "ok"))
			continue
		}
		status, why, wait := problemOf(err)
		if wait > 0 || status >= http.StatusInternalServerError {
			if i == 0 {
				return err
			}
			a.report("batch", err)
			break
		}
		line, err := json.Marshal(struct {
			Type string `json:"type"`
			ID   string `json:"id"`
			problem
		}{"error", p.ID, why})
		if err != nil {
			return err
		}
		answer.Results = append(answer.Results, line)
	}
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// accept is the one way a visitor's message comes in. It returns a receipt only
// after the sink has it on disk. The same id of the same visitor is the same message.
func (a *Adapter) accept(ctx context.Context, who *claims, remote string, p *post, sink channel.Sink) (receipt, error) {
	client, err := holdfast.ParseID(p.ID)
	if err != nil {
		return receipt{}, err
	}
	if client.IsZero() {
		return receipt{}, holdfast.Errorf(holdfast.Invalid, "id.malformed", "the message has no id").WithField("id").WithNext("Make a UUID for each message.")
	}
	text, err := messageText(p.Text)
	if err != nil {
		return receipt{}, err
	}
	files, err := a.uploaded(p.Attachments, who.Visitor)
	if err != nil {
		return receipt{}, err
	}
	if text == "" && len(files) == 0 {
		return receipt{}, holdfast.Errorf(holdfast.Invalid, "chat.message_empty", "the message is empty").WithField("text").WithNext("Write something or attach a file.")
	}
	now := a.env.Now()
	if err := a.limits.remote(remote, now); err != nil {
		return receipt{}, err
	}
	if err := a.limits.visitor(who.Visitor, now); err != nil {
		return receipt{}, err
	}
	rest, name, email := a.answers(p.Answers)
	p.Name, p.Email = firstOf(p.Name, name), firstOf(p.Email, email)
	// The client's id counts only together with its owner, so that nobody can name,
	// overwrite or probe for another visitor's message.
	key := who.Visitor + ":" + client.String()
	m := channel.Inbound{
		Key: key, ID: StoredID(a.account.ID, who.Visitor, client),
		From: who.address(), Also: who.also(), Language: who.Lang,
		Text: text, Rest: rest, Attachments: files, Page: cleanPage(p.Page),
	}
	if t := client.Time(); !t.IsZero() && !t.After(now) {
		m.SentAt = t // when it was written, which may be long before the network came back
	}
	if holdfast.KnownLanguage(p.Lang) {
		m.Language = p.Lang
	}
	if who.Seal == "" {
		name, email := firstOf(cleanLine(p.Name, 120), who.Name), firstOf(cleanEmail(p.Email), who.Email)
		m.From.Name = claimedName(name, email)
	}
	done, err := sink.Accept(ctx, m)
	if err != nil {
		return receipt{}, err
	}
	if done.Refused != "" {
		return receipt{}, holdfast.Errorf(holdfast.Forbidden, "chat.refused", "this message is not accepted: %s", done.Refused).
			WithNext("Write to us in another way.")
	}
	rec := receipt{client: client, message: done.Message, conversation: done.Conversation, n: done.LSN, at: now.UTC(), duplicate: done.Duplicate}
	if rec.message.IsZero() {
		rec.message = m.ID
	}
	if done.Duplicate {
		rec.at = time.Time{}
		if done.LSN > 0 { // say again what was said the first time
			if items, err := a.env.Feed.Since(ctx, who.address(), int64(done.LSN)-1, 1); err == nil && len(items) == 1 && items[0].ID == rec.message {
				rec.at = items[0].At.UTC()
			}
		}
	}
	return rec, nil
}

// StoredID is the id under which the desk keeps a visitor's message. A client that
// knows its visitor id can compute it, and so recognises its own message in the feed.
func StoredID(account holdfast.ID, visitor string, client holdfast.ID) holdfast.ID {
	return holdfast.DeriveIDAt(client, account, visitor+":"+client.String())
}

// claimedName puts an address that nobody has proved where a person reads it and
// no program takes it for an identity.
func claimedName(name, email string) string {
	switch {
	case email == "":
		return name
	case name == "":
		return email
	}
	return name + " <" + email + ">"
}

// also is what else is proved to be this person.
func (c *claims) also() []holdfast.Address {
	if !c.Proved && c.Was == "" {
		return nil
	}
	var list []holdfast.Address
	if c.Proved && c.Email != "" {
		list = append(list, holdfast.Address{Scheme: "mailto", Value: c.Email, Name: c.Name, Verified: true})
	}
	if c.Proved && c.Phone != "" {
		list = append(list, holdfast.Address{Scheme: "tel", Value: c.Phone, Name: c.Name, Verified: true})
	}
	if c.Was != "" {
		list = append(list, holdfast.Address{Scheme: scheme, Value: c.Was, Verified: true})
	}
	return list
}

// appendJSON writes the receipt without reflection: this is the hot path. A
// typ makes it a frame.
func (rec *receipt) appendJSON(b []byte, typ string) []byte {
	b = append(b, '{')
	if typ != "" {
		b = append(append(append(b, `"type":"`...), typ...), `",`...)
	}
	b = append(append(append(b, `"id":"`...), rec.client.String()...), `","message":"`...)
	b = append(append(append(b, rec.message.String()...), `","conversation":"`...), rec.conversation.String()...)
	b = append(b, '"')
	if rec.n > 0 {
		b = strconv.AppendInt(append(b, `,"n":`...), int64(rec.n), 10)
	}
	if !rec.at.IsZero() {
		b = append(rec.at.AppendFormat(append(b, `,"at":"`...), time.RFC3339Nano), '"')
	}
	return append(strconv.AppendBool(append(b, `,"duplicate":`...), rec.duplicate), '}')
}

// messageText cleans what a visitor wrote and refuses what is too long.
func messageText(s string) (string, error) {
	clean := true
	for i := 0; i < len(s) && clean; i++ {
		clean = s[i] >= ' ' && s[i] != 0x7f || s[i] == '\n' || s[i] == '\t'
	}
	if !clean {
		s = strings.ReplaceAll(s, "\r\n", "\n")
		s = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
				return -1
			}
			return r
		}, s)
	}
	s = strings.TrimSpace(s)
	if len(s) > textLimit && utf8.RuneCountInString(s) > textLimit {
		return "", holdfast.Errorf(holdfast.Invalid, "chat.message_too_long", "the message has more than %d characters", textLimit).
			WithField("text").WithNext("Send it in parts.")
	}
	return s, nil
}

// cleanPage is the address of the page a visitor is on, without what may be secret in it.
func cleanPage(s string) string {
	if s == "" || len(s) > 2000 {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	return u.String()
}

// listWire is one page of what a visitor may see.
type listWire struct {
	Items []itemWire `json:"items"`
	Last  int64      `json:"last"` // ask for what comes after this
	More  bool       `json:"more,omitempty"`
	// Of this moment, in answers of poll alone.
	Typing string `json:"typing,omitempty"`
	Seen   int64  `json:"seen,omitempty"`
}

func (a *Adapter) listMessages(w http.ResponseWriter, r *http.Request) error {
	who, after, err := a.reader(r)
	if err != nil {
		return err
	}
	page, err := a.page(r.Context(), who, after)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, page)
	return nil
}

func (a *Adapter) page(ctx context.Context, who *claims, after int64) (listWire, error) {
	items, err := a.env.Feed.Since(ctx, who.address(), after, pageItems)
	if err != nil {
		return listWire{}, err
	}
	page := listWire{Items: make([]itemWire, 0, len(items)), Last: after, More: len(items) == pageItems}
	for i := range items {
		page.Items = append(page.Items, a.wire(&items[i], who.Visitor))
		page.Last = items[i].N
	}
	return page, nil
}
