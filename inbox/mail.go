package inbox

import (
	"context"
	"net/mail"
	"strings"

	"holdfast"
	"holdfast/store"
)

// MailAddresses is where a conversation's customer can be written to by mail: the
// addresses that are known to be his and do not fail, then those that he left in
// the chat, the latest first. from narrows the latter to one sender ("": any).
func (b *Inbox) MailAddresses(ctx context.Context, workspace, conversation holdfast.ID, from string) ([]holdfast.Address, error) {
	c, err := b.Conversation(ctx, workspace, conversation, holdfast.ID{})
	if err != nil {
		return nil, err
	}
	list := []holdfast.Address{}
	add := func(a holdfast.Address) {
		for _, have := range list {
			if have.Value == a.Value {
				return
			}
		}
		list = append(list, a)
	}
	failing := map[string]bool{}
	if c.Person != nil {
		for _, have := range c.Person.Addresses {
			switch {
			case have.Scheme != "mailto":
			case have.Failing != "":
				failing[have.Value] = true
			default:
				add(holdfast.Address{Scheme: "mailto", Value: have.Value, Name: c.Person.Name, Verified: have.Verified})
			}
		}
	}
	rows, err := b.db.Query(ctx, `SELECT m.address_name FROM message m WHERE m.conversation = $1 AND m.workspace = $2 AND m.direction = 'in' AND ($3 = '' OR m.address = $3)
		ORDER BY m.clock DESC LIMIT 50`, conversation, workspace, from)
	names, err := store.Collect(rows, err, func(r *store.Rows, s *string) error { return r.Scan(s) })
	for _, claimed := range names {
		if to := claimedAddress(claimed); to.Value != "" && !failing[to.Value] {
			add(to)
		}
	}
	return list, err
}

// claimedAddress is the address in "Ana <ana@example.com>" or "ana@example.com",
// as visitors' names carry it; zero when there is none.
func claimedAddress(name string) holdfast.Address {
	shown, bare := "", name
	if at := strings.LastIndexByte(name, '<'); at >= 0 && strings.HasSuffix(name, ">") {
		shown, bare = strings.TrimSpace(name[:at]), name[at+1:len(name)-1]
	}
	a := MailAddress(bare)
	if a.Value != "" {
		a.Name = shown
	}
	return a
}

// MailAddress is a bare e-mail address as somebody wrote it, or zero when it is none.
func MailAddress(bare string) holdfast.Address {
	p, err := mail.ParseAddress(bare)
	if err != nil || p.Address != bare || strings.ContainsAny(bare, " \"\r\n") || len(bare) > 254 {
		return holdfast.Address{}
	}
	return holdfast.Address{Scheme: "mailto", Value: strings.ToLower(bare)}
}
