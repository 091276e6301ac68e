package email

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"holdfast"
)

// formatted is what the console writes for a heading, a mixed list, a table with a
// Persian cell, a quote, code and a picture.
const formatted = `<h2 dir="ltr" style="direction: ltr; text-align: left; margin: 0 0 1em; font-size: 1.25em; line-height: 1.3; font-weight: bold">Your line</h2>
<p dir="rtl" style="direction: rtl; text-align: right; margin: 0 0 1em">سلام <strong>بهرام</strong>، <a href="https://shop.example/?a=1&amp;b=2">فروشگاه</a></p>
<ul dir="rtl" style="direction: rtl; text-align: right; margin: 0 0 1em; padding-right: 28px; padding-left: 28px"><li dir="ltr" style="direction: ltr; text-align: left; margin: 0 0 0.25em">one</li></ul>
<ol start="3" dir="ltr" style="direction: ltr; text-align: left; margin: 0 0 1em; padding-left: 28px; padding-right: 0px"><li dir="ltr" style="direction: ltr; text-align: left; margin: 0 0 0.25em">three</li></ol>
<table dir="ltr" border="1" cellpadding="0" cellspacing="0" style="direction: ltr; border-collapse: collapse; border: 1px solid #bbbbbb; margin: 0 0 1em"><tr><th dir="rtl" align="right" valign="top" style="direction: rtl; text-align: right; padding: 6px 10px; border: 1px solid #bbbbbb; font-weight: bold">قیمت</th></tr></table>
<blockquote dir="rtl" style="direction: rtl; text-align: right; margin: 0 0 1em; padding-right: 12px; border-right: 3px solid #bbbbbb">x</blockquote>
<pre dir="ltr" style="direction: ltr; text-align: left; margin: 0 0 1em; padding: 8px; border: 1px solid #bbbbbb; white-space: pre-wrap; font-family: Consolas, Menlo, 'Courier New', monospace; font-size: 0.92em">a &lt; b
  c</pre>
<hr style="margin: 1em 0; border: 0; border-top: 1px solid #bbbbbb">
<p dir="ltr" style="direction: ltr; text-align: left; margin: 0"><img src="cid:pic@desk" alt="the cable" width="600" style="max-width: 100%; height: auto; border: 0"></p>`

var (
	tag       = regexp.MustCompile(`<([a-z0-9]+)([^>]*)>`)
	attribute = regexp.MustCompile(`([a-z]+)="([^"]*)"`)
)

// Cleaning takes nothing away that a mail program needs to show what was written.
func TestCleaningKeepsWhatAReplyIsMadeOf(t *testing.T) {
	page, remote := Clean(formatted)
	if remote {
		t.Error("a reply asks for pictures from elsewhere")
	}
	kept := tag.FindAllStringSubmatch(strings.NewReplacer("<tbody>", "", "/>", ">", "&#39;", "'").Replace(page), -1)
	written := tag.FindAllStringSubmatch(formatted, -1)
	if len(kept) != len(written) {
		t.Fatalf("%d elements of %d are left:\n%s", len(kept), len(written), page)
	}
	for i, w := range written {
		k := kept[i]
		if k[1] != w[1] {
			t.Fatalf("element %d is %s, not %s", i, k[1], w[1])
		}
		has := map[string]string{}
		for _, a := range attribute.FindAllStringSubmatch(k[2], -1) {
			has[a[1]] = strings.TrimSuffix(a[2], ";")
		}
		for _, a := range attribute.FindAllStringSubmatch(w[2], -1) {
			if has[a[1]] != a[2] {
				t.Errorf("<%s> has %s=%q, not %q", w[1], a[1], has[a[1]], a[2])
			}
		}
	}
	if again, _ := Clean(page); again != page {
		t.Errorf("cleaned again it is another page:\n%s\n%s", page, again)
	}
}

// A reply with a picture in it is one mail with the text twice and the picture where
// the formatted one looks for it, and every style stands on its element.
func TestAFormattedReplyIsOneWholeMail(t *testing.T) {
	p, m := newPostOffice(t), newMemory()
	a := writer(t, p, m, nil)
	img, size, _ := m.Put(context.Background(), strings.NewReader("\x89PNG image"), 0)
	o := outbound("Your line\n\nسلام بهرام، فروشگاه (https://shop.example/?a=1&b=2)\n\n[the cable]")
	o.HTML, _ = Clean(formatted)
	o.Attachments = []holdfast.Attachment{{Name: "cable.png", Type: "image/png", Size: size, Hash: img, CID: "pic@desk"}}
	if _, err := a.Send(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	raw := p.taken()[0].raw
	order := []string{"multipart/related", "multipart/alternative", "text/plain; charset=utf-8", "text/html; charset=utf-8", "Content-ID: <pic@desk>"}
	at := 0
	for _, want := range order {
		i := strings.Index(raw[at:], want)
		if i < 0 {
			t.Fatalf("%s is missing or out of its place", want)
		}
		at += i
	}
	if strings.Contains(raw, "multipart/mixed") {
		t.Error("the picture is among the files")
	}
	in, _ := parse(t, raw, Options{})
	if !strings.HasPrefix(in.Text, o.Text) {
		t.Errorf("the plain part says %q", in.Text)
	}
	for _, want := range []string{`<div style="font-family: `, `src="cid:pic@desk"`, `<th dir="rtl" align="right"`, `border-collapse: collapse`} {
		if !strings.Contains(in.HTML, want) {
			t.Errorf("the formatted part lacks %s:\n%s", want, in.HTML)
		}
	}
	if strings.Contains(in.HTML, "class=") {
		t.Error("a style stands elsewhere")
	}
}
