package feedback

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"holdfast"
	"holdfast/journal"
)

// asked is what a link is about. Whoever holds it may answer, for as long as the
// conversation is there: the last word counts.
type asked struct {
	workspace    holdfast.ID
	conversation holdfast.ID
	kind         holdfast.RatingKind
	thumbs       bool
}

var b64 = base64.RawURLEncoding

const macSize = 16

// Link is where one conversation is rated.
func (f *Feedback) link(a asked) string { return f.PublicURL + "/rate/" + f.token(a) }

func (f *Feedback) token(a asked) string {
	b := append(append(make([]byte, 0, 33+macSize), a.workspace[:]...), a.conversation[:]...)
	kind := byte(0)
	if a.kind == holdfast.NPS {
		kind = 1
	} else if a.thumbs {
		kind = 2
	}
	b = append(b, kind)
	return b64.EncodeToString(append(b, f.mac(b)...))
}

func (f *Feedback) mac(b []byte) []byte {
	m := hmac.New(sha256.New, f.Key)
	m.Write([]byte("rate\x00"))
	m.Write(b)
	return m.Sum(nil)[:macSize]
}

// open reads what token made. The error is NotFound.
func (f *Feedback) open(token string) (asked, error) {
	var a asked
	b, err := b64.Strict().DecodeString(token)
	if err != nil || len(b) != 33+macSize || !hmac.Equal(b[33:], f.mac(b[:33])) || b[32] > 2 {
		return a, holdfast.Errorf(holdfast.NotFound, "rating.link_unknown", "this link is not one of ours, or not whole").WithNext("Open it from the message again.")
	}
	copy(a.workspace[:], b)
	copy(a.conversation[:], b[16:])
	a.kind, a.thumbs = holdfast.CSAT, b[32] == 2
	if b[32] == 1 {
		a.kind = holdfast.NPS
	}
	return a, nil
}

const commentMax = 2000 // characters

// rate takes an answer. Errors: Invalid, NotFound, Unavailable.
func (f *Feedback) rate(ctx context.Context, a asked, score int, comment, via string) error {
	if err := a.kind.CheckScore(score); err != nil {
		return err
	}
	if a.thumbs && score != 1 && score != 5 {
		return holdfast.Errorf(holdfast.Invalid, "rating.score_invalid", "a thumb is 1 or 5").WithField("score")
	}
	comment = strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(comment, "\x00", ""), ""))
	if utf8.RuneCountInString(comment) > commentMax {
		comment = string([]rune(comment)[:commentMax])
	}
	c, err := f.Inbox.Conversation(ctx, a.workspace, a.conversation, holdfast.ID{})
	if err != nil {
		return err
	}
	had, err := f.Of(ctx, a.workspace, a.conversation)
	if err != nil {
		return err
	}
	for _, r := range had {
		if r.Kind != a.kind || r.Score < 0 {
			continue
		}
		if comment == "" {
			comment = r.Comment // another star is no reason to forget the words
		}
		if r.Score == score && r.Comment == comment {
			return nil
		}
	}
	actor := holdfast.Actor{Kind: holdfast.ActorCustomer, ID: c.Customer.ID}
	_, err = f.Journal.Do(ctx, journal.Command{Workspace: a.workspace, Actor: actor, Run: func(tx *journal.Tx) error {
		_, err := tx.Append(a.conversation, &holdfast.ConversationRated{Kind: a.kind, Score: score, Comment: comment, Via: via})
		return err
	}})
	return err
}
