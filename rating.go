package holdfast

import "strconv"

// RatingKind is what a customer was asked.
type RatingKind string

// The two questions: how it went (1 to 5), and whether one would recommend us (0 to 10).
const (
	CSAT RatingKind = "csat"
	NPS  RatingKind = "nps"
)

// ParseRatingKind reads a kind; the error is Invalid.
func ParseRatingKind(s string) (RatingKind, error) {
	if k := RatingKind(s); k == CSAT || k == NPS {
		return k, nil
	}
	return "", Errorf(Invalid, "rating.kind_unknown", "%q is not a kind of rating", clip(s, 32)).WithNext("Use csat or nps.").WithField("kind")
}

// Scale is the lowest and the highest score of a kind.
func (k RatingKind) Scale() (low, high int) {
	if k == NPS {
		return 0, 10
	}
	return 1, 5
}

// CheckScore refuses a score that the kind does not have. The error is Invalid.
func (k RatingKind) CheckScore(score int) error {
	if low, high := k.Scale(); score < low || score > high {
		return Errorf(Invalid, "rating.score_invalid", "a score is %d to %d", low, high).WithField("score").WithNext("Send " + strconv.Itoa(low) + " to " + strconv.Itoa(high) + ".")
	}
	return nil
}

// ConversationSurveyed says that the customer was asked to rate, in which message.
// Subject of the entry: the conversation.
type ConversationSurveyed struct {
	Kind    RatingKind `json:"kind"`
	Message ID         `json:"message"`
}

// ConversationRated is what the customer thinks; the latest word of a kind counts.
// Subject of the entry: the conversation.
type ConversationRated struct {
	Kind    RatingKind `json:"kind"`
	Score   int        `json:"score"`
	Comment string     `json:"comment,omitempty"`
	Via     string     `json:"via"` // "page" or "widget"
}

func (*ConversationSurveyed) EntryKind() EntryKind { return "conversation.surveyed" }
func (*ConversationRated) EntryKind() EntryKind    { return "conversation.rated" }
