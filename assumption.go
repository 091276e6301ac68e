package holdfast

// Assumptions are what a workspace says of itself where no figure of its own says it. A
// nil is not said. Shares are from 0 to 1, sums in Currency.
type Assumptions struct {
	Currency   string   `json:"currency,omitempty" doc:"ISO 4217."`
	Weekly     *float64 `json:"weekly,omitempty" doc:"The turnover of a usual week."`
	Internet   *float64 `json:"internet,omitempty" doc:"The share of it that comes over the desk's channels."`
	Recaptured *float64 `json:"recaptured,omitempty" doc:"The share of what was at risk that came another way or later."`
	Staff      *float64 `json:"staff,omitempty" doc:"People who have nothing to do when every channel is cut."`
	Wage       *float64 `json:"wage,omitempty" doc:"What an hour of one of them costs."`
	Recovery   *float64 `json:"recovery,omitempty" doc:"What putting things right costs, each time."`
	Leaving    *float64 `json:"leaving,omitempty" doc:"The share of the customers who were not served who do not come back."`
	Worth      *float64 `json:"worth,omitempty" doc:"What a customer brings in their whole life."`
	Margin     *float64 `json:"margin,omitempty" doc:"The share of that which is left."`
	Penalty    *float64 `json:"penalty,omitempty" doc:"What contracts take for an hour of an outage."`
}

// AssumptionsSaved are a workspace's assumptions, whole. Subject of the entry: the workspace.
type AssumptionsSaved struct{ Assumptions }

// EntryKind is the entry's name.
func (*AssumptionsSaved) EntryKind() EntryKind { return "assumptions.saved" }
