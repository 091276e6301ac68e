package paper

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"holdfast"
	"holdfast/access"
	"holdfast/inbox"
	"holdfast/store"
)

// letters of printed ids: none that a hand or an eye takes for another.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// codeOf is a row's printed id: nine letters that are this row's alone, and one that
// tells a slip of the pen.
func codeOf(sheet, conversation holdfast.ID, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "paper row %s %s %d", sheet, conversation, n))
	b := make([]byte, 9)
	for i := range b {
		b[i] = letters[sum[i]&31]
	}
	return string(b) + string(check(string(b)))
}

func check(code string) byte {
	sum := 0
	for i := range len(code) {
		sum += (2*i + 3) * strings.IndexByte(letters, code[i])
	}
	return letters[sum%31]
}

// printed is a code as it stands on paper.
func printed(code string) string { return code[:5] + "-" + code[5:] }

// ReadCode reads a printed id as somebody keys it in: small letters, spaces and dashes,
// Persian digits, O for 0, I and L for 1. The error is Invalid.
func ReadCode(s string) (string, error) {
	var b strings.Builder
	for _, r := range strings.ToUpper(s) {
		switch {
		case r == ' ' || r == '-' || r == '–' || r == '\u200c' || r == '\u200e' || r == '\u200f':
			continue
		case r >= '۰' && r <= '۹':
			r = r - '۰' + '0'
		case r >= '٠' && r <= '٩':
			r = r - '٠' + '0'
		case r == 'O':
			r = '0'
		case r == 'I' || r == 'L':
			r = '1'
		}
		b.WriteRune(r)
	}
	code := b.String()
	wrong := holdfast.Errorf(holdfast.Invalid, "paper.code_wrong", "this is no id of a row: a letter is missing or wrong").WithField("code").WithNext("Compare it with the paper, letter by letter.")
	if len(code) != 10 {
		return "", wrong
	}
	for i := range len(code) {
		if strings.IndexByte(letters, code[i]) < 0 {
			return "", wrong
		}
	}
	if check(code[:9]) != code[9] {
		return "", wrong
	}
	return code, nil
}

// Row is a row of a sheet and what became of it.
type Row struct {
	Code         string      `json:"code"`
	Conversation holdfast.ID `json:"conversation"`
	Number       int64       `json:"number"`
	Customer     inbox.Named `json:"customer"`
	Subject      string      `json:"subject"`
	PrintedAt    time.Time   `json:"printed_at"`
	// Recorded is what was keyed in first; empty: nothing yet.
	Recorded string `json:"recorded"`
}

func noteID(workspace holdfast.ID, code string) holdfast.ID {
	return holdfast.DeriveID(workspace, "paper row "+code)
}

// Row is what a printed id means. Errors: Invalid, NotFound.
func (p *Paper) Row(ctx context.Context, workspace holdfast.ID, keyed string) (Row, error) {
	code, err := ReadCode(keyed)
	if err != nil {
		return Row{}, err
	}
	r := Row{Code: printed(code)}
	err = p.DB.QueryRow(ctx, "SELECT conversation, made_at FROM paper_row WHERE workspace = $1 AND code = $2", workspace, code).Scan(&r.Conversation, &r.PrintedAt)
	if errors.Is(err, store.ErrNoRows) {
		return r, holdfast.Errorf(holdfast.NotFound, "paper.row_unknown", "no sheet of this workspace has this row").WithField("code").WithNext("Compare it with the paper, letter by letter.")
	}
	if err != nil {
		return r, err
	}
	c, err := p.Inbox.Conversation(ctx, workspace, r.Conversation, holdfast.ID{})
	if err != nil {
		return r, err
	}
	r.Number, r.Customer, r.Subject = c.Number, c.Customer, c.Subject
	m, err := p.Inbox.Message(ctx, workspace, noteID(workspace, code))
	if err == nil {
		r.Recorded = m.Text
	} else if holdfast.KindOf(err) != holdfast.NotFound {
		return r, err
	}
	return r, nil
}

const textMax = 5000 // characters of what happened

// Record keeps what happened as a note on the row's conversation; keyed in a second
// time, the row says what it has and nothing is added. Errors: Forbidden, Invalid, NotFound.
func (p *Paper) Record(ctx context.Context, by access.Identity, keyed, text string) (r Row, again bool, err error) {
	if err := by.Require(holdfast.WriteConversations); err != nil {
		return Row{}, false, err
	}
	if text = strings.TrimSpace(store.Text(text)); text == "" || utf8.RuneCountInString(text) > textMax {
		return Row{}, false, holdfast.Errorf(holdfast.Invalid, "paper.text_missing", "say what happened, in at most %d characters", textMax).WithField("text")
	}
	if r, err = p.Row(ctx, by.Workspace, keyed); err != nil || r.Recorded != "" {
		return r, r.Recorded != "", err
	}
	code, err := ReadCode(keyed)
	if err != nil {
		return r, false, err
	}
	note := r.Code + "\n" + text
	if err := p.Note(ctx, by, r.Conversation, noteID(by.Workspace, code), note); err != nil {
		return r, false, err
	}
	r, err = p.Row(ctx, by.Workspace, keyed)
	return r, r.Recorded != note, err
}

// Keyed counts the rows that were keyed in from from to to.
func (p *Paper) Keyed(ctx context.Context, workspace holdfast.ID, from, to time.Time) (n int, err error) {
	rows, err := p.DB.Query(ctx, "SELECT code FROM paper_row WHERE workspace = $1 AND made_at <= $2", workspace, to)
	codes, err := store.Collect(rows, err, func(r *store.Rows, code *string) error { return r.Scan(code) })
	for batch := range slices.Chunk(codes, 500) {
		if err != nil {
			return n, err
		}
		args := []any{workspace, from, to}
		for _, code := range batch {
			args = append(args, noteID(workspace, code))
		}
		rows, bad := p.DB.Unprepared(ctx, "SELECT id FROM message WHERE workspace = $1 AND at >= $2 AND at <= $3 AND id IN "+store.In(4, len(batch)), args...)
		notes, bad := store.Collect(rows, bad, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
		n, err = n+len(notes), bad
	}
	return n, err
}
