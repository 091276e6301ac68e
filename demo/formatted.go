package demo

import (
	"context"
	"html"
	"strings"

	"holdfast"
)

// formattedMost is how many mails have a formatted form: enough to come across one.
const formattedMost = 15

// elsewhere is where the remote picture of a formatted mail would come from. Nobody is there.
const elsewhere = "https://mailing.example/signature/banner.png"

// format gives a mail a formatted form, as cleaned on the way in: with a picture that
// came with the mail, and one from elsewhere that the reader has to ask for.
func (s *story) format(ctx context.Context, b *holdfast.MessageReceived) error {
	t := s.t
	if !s.mail || s.next != 1 || t.formatted >= formattedMost || s.number%7 != 0 && s.ending == settled {
		return nil
	}
	t.formatted++
	a, err := t.keep.photo(ctx, "router", int(s.number)%3)
	if err != nil {
		return err
	}
	a.ID, a.CID = holdfast.DeriveID(b.Message, "inline"), "light@"+s.p.domain()
	b.Attachments = append(b.Attachments, a)
	direction := "ltr"
	if s.lang == "fa" {
		direction = "rtl"
	}
	var p strings.Builder
	p.WriteString(`<div dir="` + direction + `">`)
	for para := range strings.SplitSeq(b.Text, "\n\n") {
		p.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(para), "\n", "<br/>") + "</p>")
	}
	p.WriteString(`<p><img src="cid:` + a.CID + `" alt="` + html.EscapeString(a.Name) + `" width="320"/></p>`)
	p.WriteString(`<p><b>` + html.EscapeString(s.p.name) + `</b><br/><img data-remote-src="` + elsewhere + `" alt=""/></p></div>`)
	b.HTML, b.Remote = p.String(), true
	return nil
}
