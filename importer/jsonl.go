package importer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"holdfast"
)

var errBufferFull = bufio.ErrBufferFull

const longestLine = 8 << 20 // bytes

// lines reads a file with one JSON object a line: customers, conversations with
// their messages, or single messages of a conversation named before.
type lines struct {
	path     string
	settings *Settings
	zone     *time.Location
}

type lineCustomer struct {
	ID        ref                `json:"id"`
	Name      string             `json:"name"`
	Mails     []string           `json:"emails"`
	Phones    []string           `json:"phones"`
	Addresses []holdfast.Address `json:"addresses"`
	Company   string             `json:"company"`
	About     string             `json:"about"`
	Language  string             `json:"language"`
	CreatedAt ref                `json:"created_at"`
}

type lineConversation struct {
	ID         ref           `json:"id"`
	Customer   *lineCustomer `json:"customer"`
	CustomerID ref           `json:"customer_id"`
	Subject    string        `json:"subject"`
	Status     string        `json:"status"`
	Until      ref           `json:"until"`
	Priority   string        `json:"priority"`
	Tags       []string      `json:"tags"`
	Assignee   string        `json:"assignee"`
	CreatedAt  ref           `json:"created_at"`
	UpdatedAt  ref           `json:"updated_at"`
	Unread     bool          `json:"unread"`
	Messages   []lineMessage `json:"messages"`
}

type lineMessage struct {
	ID           ref    `json:"id"`
	Conversation ref    `json:"conversation"`
	Direction    string `json:"direction"`
	At           ref    `json:"at"`
	Text         string `json:"text"`
	HTML         string `json:"html"`
	Author       *struct {
		ID   ref    `json:"id"`
		Mail string `json:"email"`
		Name string `json:"name"`
	} `json:"author"`
	From      string   `json:"from"`
	To        []string `json:"to"`
	CC        []string `json:"cc"`
	MessageID string   `json:"message_id"`
	Files     []struct {
		ID   ref    `json:"id"`
		Name string `json:"name"`
		Type string `json:"type"`
		URL  string `json:"url"`
	} `json:"attachments"`
}

func (l *lines) read(ctx context.Context, place string, take func(record) error) error {
	done, err := rowsDone(place)
	if err != nil {
		return err
	}
	in, err := openText(l.path, l.settings.Encoding, 64<<10)
	if err != nil {
		return err
	}
	defer in.Close()
	for n := int64(1); ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, long, err := nextLine(in.Reader)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		last := err != nil
		if line = bytes.TrimSpace(line); n > done && (len(line) > 0 || long) {
			r := record{ref: "line " + strconv.FormatInt(n, 10), what: "row"}
			if long {
				r.refused, r.detail = "import.row_too_long", "a line has at most "+strconv.Itoa(longestLine)+" bytes"
			} else {
				r = l.record(r, line, n)
			}
			r.place, r.done, r.total, r.unit = strconv.FormatInt(n, 10), min(in.counter.n, in.size), in.size, "bytes"
			if err := take(r); err != nil {
				return err
			}
		}
		if last {
			return take(record{place: strconv.FormatInt(n, 10), done: in.size, total: in.size, unit: "bytes"})
		}
	}
}

// nextLine reads a line of at most longestLine bytes; of a longer one nothing is kept.
func nextLine(r *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if !long {
			line = append(line, part...)
		}
		if len(line) > longestLine {
			line, long = nil, true
		}
		if !errors.Is(err, errBufferFull) {
			return line, long, err
		}
	}
}

// record makes a record of a line.
func (l *lines) record(r record, raw []byte, n int64) record {
	bad := func(code, detail string) record {
		r.refused, r.detail = code, detail
		return r
	}
	if !utf8.Valid(raw) {
		return bad("import.encoding", "the line is not in the encoding of the file")
	}
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return bad("import.json", "the line is no JSON object")
	}
	var c lineCustomer
	var t lineConversation
	var m lineMessage
	var err error
	switch head.Type {
	case "customer":
		err = json.Unmarshal(raw, &c)
	case "conversation":
		err = json.Unmarshal(raw, &t)
	case "message":
		err = json.Unmarshal(raw, &m)
	default:
		return bad("import.type", "its type is none of customer, conversation and message")
	}
	if err != nil {
		return bad("import.json", clip(strings.TrimPrefix(err.Error(), "json: "), 200))
	}
	r.what = head.Type
	switch head.Type {
	case "customer":
		if r.customer = l.customer(&c); r.customer.id != "" {
			r.ref = "customer " + clip(r.customer.id, 80)
		}
		return r
	case "message":
		t.ID, t.Messages = m.Conversation, []lineMessage{m}
		m.Conversation = ""
	}
	talk := &conversation{id: string(t.ID), customerID: string(t.CustomerID), subject: t.Subject, tags: t.Tags, unread: t.Unread, created: l.when(t.CreatedAt), updated: l.when(t.UpdatedAt), until: l.when(t.Until)}
	if t.Customer != nil {
		talk.customer = l.customer(t.Customer)
	}
	var ok bool
	if talk.status, ok = statusOf(t.Status); !ok {
		return bad("import.status", clip(t.Status, 40)+" is no status")
	}
	if talk.priority, ok = priorityOf(t.Priority); !ok {
		return bad("import.priority", clip(t.Priority, 40)+" is no priority")
	}
	if t.Assignee != "" {
		talk.assignee = &person{email: t.Assignee}
	}
	if talk.id != "" && head.Type == "conversation" {
		r.ref = "conversation " + clip(talk.id, 80)
	}
	for i := range t.Messages {
		out, fault := l.message(&t.Messages[i])
		if fault != nil {
			return bad(fault.code, fault.detail)
		}
		if head.Type == "message" {
			out.order = int(n)
		}
		talk.messages = append(talk.messages, out)
	}
	r.conversation = talk
	return r
}

func (l *lines) customer(c *lineCustomer) *customer {
	var list []holdfast.Address
	for _, m := range c.Mails {
		list = append(list, mail(m, c.Name))
	}
	for _, p := range c.Phones {
		list = append(list, phone(p))
	}
	for _, a := range c.Addresses {
		switch scheme := strings.ToLower(strings.TrimSpace(a.Scheme)); scheme {
		case "":
		case "mailto":
			list = append(list, mail(a.Value, a.Name))
		case "tel":
			list = append(list, phone(a.Value))
		default: // of a channel; never verified: a file is no proof
			if v := strings.TrimSpace(a.Value); len(scheme) <= 40 && len(v) <= 320 && !strings.ContainsAny(v, "\r\n\x00") {
				list = append(list, holdfast.Address{Scheme: scheme, Value: v, Name: a.Name})
			}
		}
	}
	return &customer{id: string(c.ID), name: c.Name, addresses: reach(list...), company: c.Company, about: c.About, language: c.Language, created: l.when(c.CreatedAt)}
}

func (l *lines) message(m *lineMessage) (message, *fault) {
	out := message{id: string(m.ID), at: l.when(m.At), text: m.Text, html: m.HTML, to: m.To, cc: m.CC, externalID: m.MessageID, from: mail(bare(m.From), "")}
	way, ok := directionOf(m.Direction)
	if !ok || way == "" {
		return out, &fault{"import.direction", clip(m.Direction, 40) + " does not say who wrote: in, out or note"}
	}
	out.direction = way
	if m.Author != nil && way != holdfast.Inbound {
		out.author = &person{id: string(m.Author.ID), email: m.Author.Mail, name: m.Author.Name}
	}
	for _, f := range m.Files {
		out.files = append(out.files, file{id: string(f.ID), name: f.Name, kind: f.Type, url: f.URL})
	}
	return out, nil
}

// when reads a date; what is none is the zero time, and is told apart where it matters.
func (l *lines) when(s ref) time.Time {
	t, _ := parseTime(string(s), l.zone)
	return t
}
