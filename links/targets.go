package links

// Defaults are what is probed where an administrator has named nothing else. The
// public name servers among them have been asked by half the internet for years; the
// ones abroad stand in one place each, because an address that answers from many
// places answers from the neighbourhood, too.
type Defaults struct {
	Country string   `json:"country" doc:"ISO 3166: RU, IR; empty: any other."`
	Targets []Target `json:"targets"`
	Checks  Checks   `json:"checks"`
}

var (
	farTargets = []Target{
		{Name: "FDN, Paris", Address: "80.67.169.12", Port: 53, Probe: ByAuto, Place: Abroad},
		{Name: "UncensoredDNS, Copenhagen", Address: "89.233.43.71", Port: 53, Probe: ByAuto, Place: Abroad},
	}
	canaries = []Canary{{Name: "one.one.one.one", Answers: []string{"1.1.1.1", "1.0.0.1"}}}
	portals  = []Portal{
		{URL: "http://detectportal.firefox.com/success.txt", Body: "success"},
		{URL: "http://connectivitycheck.gstatic.com/generate_204"},
	}
)

// DefaultsFor are a country's; of one that has none, the generic ones, which know no
// target in the country: an administrator adds it.
func DefaultsFor(country string) Defaults {
	d := Defaults{Country: country}
	resolvers := []string{}
	switch country {
	case "RU":
		d.Targets = []Target{
			{Name: "Yandex DNS", Address: "77.88.8.8", Port: 53, Probe: ByAuto, Place: InCountry},
			{Name: "MSK-IX DNS", Address: "62.76.62.76", Port: 53, Probe: ByAuto, Place: InCountry},
		}
		resolvers = []string{"77.88.8.8", "62.76.62.76"}
	case "IR":
		d.Targets = []Target{
			{Name: "Shecan", Address: "178.22.122.100", Port: 53, Probe: ByAuto, Place: InCountry},
			{Name: "Electro", Address: "78.157.42.100", Port: 53, Probe: ByAuto, Place: InCountry},
		}
		resolvers = []string{"178.22.122.100", "78.157.42.100"}
	default:
		d.Country = ""
		d.Targets = []Target{{Name: "Quad9", Address: "9.9.9.9", Port: 53, Probe: ByAuto, Place: Abroad}}
		resolvers = []string{"9.9.9.9"}
	}
	d.Targets = append(d.Targets, farTargets...)
	d.Checks = Checks{Resolvers: append(resolvers, "80.67.169.12"), Canaries: canaries, Portals: portals}
	return d
}

// Countries lists those that have defaults of their own; the generic set comes last.
func Countries() []string { return []string{"RU", "IR", ""} }
