package setup

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"holdfast"
	"holdfast/channel"
)

// sealPurpose is what channel settings are sealed for, with the account as subject.
const sealPurpose = "channel"

type fields map[string]json.RawMessage

// parseFields reads settings as a client or the database has them: one object.
func parseFields(raw []byte) (fields, error) {
	f := fields{}
	if len(bytes.TrimSpace(raw)) == 0 {
		return f, nil
	}
	if err := json.Unmarshal(raw, &f); err != nil || f == nil {
		return nil, holdfast.Errorf(holdfast.Invalid, "channel.settings_invalid", "settings are one JSON object").WithField("settings")
	}
	return f, nil
}

// merge lays what a client sends over what is stored. A secret that is empty, or
// comes back as it was shown ({"set": true}), stays; null takes any field back to
// its default. It also names the fields that changed.
func merge(kind *channel.Kind, stored, given fields) (merged fields, changed []string, err error) {
	secret := map[string]bool{}
	merged = fields{}
	for _, f := range kind.Form() {
		secret[f.Name] = f.Type == "secret"
		if v, ok := stored[f.Name]; ok { // what an older version knew and this one does not is left behind
			merged[f.Name] = v
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		v := bytes.TrimSpace(given[name])
		hidden, known := secret[name]
		switch {
		case !known:
			return nil, nil, holdfast.Errorf(holdfast.Invalid, "channel.setting_unknown", "this kind of channel has no such setting").WithField("settings." + name)
		case string(v) == "null":
			if _, had := merged[name]; had {
				delete(merged, name)
				changed = append(changed, name)
			}
		case hidden && (string(v) == `""` || len(v) > 0 && v[0] == '{'):
		case !bytes.Equal(merged[name], v):
			merged[name] = v
			changed = append(changed, name)
		}
	}
	return merged, changed, nil
}

// decode reads merged settings into the kind's struct.
func decode(kind *channel.Kind, f fields) (settings any, raw []byte, err error) {
	if raw, err = json.Marshal(f); err != nil {
		return nil, nil, err
	}
	settings, err = kind.Decode(raw)
	return settings, raw, err
}

// shown is settings for the console: secrets only as whether they are set.
func shown(kind *channel.Kind, settings any) (map[string]any, error) {
	raw, err := json.Marshal(settings)
	if err != nil {
		return nil, err
	}
	all := map[string]any{}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, f := range kind.Form() { // what is no field of the form is not shown at all
		v := all[f.Name]
		if f.Type == "secret" {
			v = map[string]bool{"set": v != nil && v != ""}
		}
		out[f.Name] = v
	}
	return out, nil
}
