package plans

import (
	_ "embed"
	"encoding/json"
	"slices"

	"holdfast"
)

//go:embed ready.json
var readyFile []byte

// Ready is a plan that is there to begin with.
type Ready struct {
	Key     string              `json:"key"`
	About   string              `json:"about"`
	Plan    holdfast.Plan       `json:"plan"`
	Dropped []holdfast.PlanDeed `json:"dropped" doc:"Kinds of steps that it would have and this desk cannot do."`
}

type readyStep struct {
	holdfast.PlanStep
	Name map[string]string `json:"name"`
}

var ready = func() (f struct {
	Roles map[string]map[string]string `json:"roles"`
	Texts map[string]map[string]string `json:"texts"`
	Plans []struct {
		Key      string               `json:"key"`
		Name     map[string]string    `json:"name"`
		About    map[string]string    `json:"about"`
		Trigger  holdfast.PlanTrigger `json:"trigger"`
		Steps    []readyStep          `json:"steps"`
		Recovery []readyStep          `json:"recovery"`
	} `json:"plans"`
}) {
	if err := json.Unmarshal(readyFile, &f); err != nil {
		panic(err) // a file of this build
	}
	return f
}()

// Ready lists the plans that are there to begin with, in a language, without the
// steps that this desk cannot do. Nobody plays their roles yet.
func (p *Plans) Ready(language string) []Ready {
	if !slices.Contains(Languages, language) {
		language = "en"
	}
	list := []Ready{}
	for _, f := range ready.Plans {
		r := Ready{Key: f.Key, About: f.About[language], Dropped: []holdfast.PlanDeed{}, Plan: holdfast.Plan{Name: f.Name[language], Trigger: f.Trigger, Every: 60, Settle: 60,
			Roles: []holdfast.PlanRole{}, Texts: []holdfast.PlanText{}, Drills: holdfast.DrillSchedule{Every: "off", Day: 1, At: "10:00"}}}
		steps := func(of []readyStep) []holdfast.PlanStep {
			kept := []holdfast.PlanStep{}
			for _, s := range of {
				if _, ok := p.offer(s.Do); !ok {
					if !slices.Contains(r.Dropped, s.Do) {
						r.Dropped = append(r.Dropped, s.Do)
					}
					continue
				}
				one := s.PlanStep
				one.Name = s.Name[language]
				kept = append(kept, one)
				for _, role := range one.Roles {
					if !slices.ContainsFunc(r.Plan.Roles, func(x holdfast.PlanRole) bool { return x.Key == role }) {
						r.Plan.Roles = append(r.Plan.Roles, holdfast.PlanRole{Key: role, Name: ready.Roles[role][language], Deputies: []holdfast.ID{}})
					}
				}
				if one.Text != "" && !slices.ContainsFunc(r.Plan.Texts, func(x holdfast.PlanText) bool { return x.Key == one.Text }) {
					r.Plan.Texts = append(r.Plan.Texts, holdfast.PlanText{Key: one.Text, Texts: ready.Texts[one.Text]})
				}
			}
			return kept
		}
		r.Plan.Steps, r.Plan.Recovery = steps(f.Steps), steps(f.Recovery)
		list = append(list, r)
	}
	return list
}
