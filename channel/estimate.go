package channel

// Estimator is an adapter that can say beforehand what a text comes to: how many
// parts its provider bills, and the price.
type Estimator interface {
	// Estimate is pure and quick; no text is sent anywhere.
	Estimate(text string) Estimate
}

// Estimate is what a text comes to.
type Estimate struct {
	Parts     int     `json:"parts" doc:"How many short messages it takes; 0 for an empty text."`
	MaxParts  int     `json:"max_parts,omitempty" doc:"How many this channel sends at most."`
	Alphabet  string  `json:"alphabet" doc:"gsm7 or ucs2."`
	Units     int     `json:"units" doc:"Septets of gsm7, or 16-bit units of ucs2."`
	Left      int     `json:"left" doc:"How many more units fit into the last part."`
	Letter    string  `json:"letter,omitempty" doc:"The one letter for which the text is not gsm7."`
	PartPrice float64 `json:"part_price,omitempty" doc:"Of one part."`
	Currency  string  `json:"currency,omitempty" doc:"ISO 4217."`
}

// Price is what the whole text costs, 0 where it is not known.
func (e Estimate) Price() float64 { return float64(e.Parts) * e.PartPrice }
