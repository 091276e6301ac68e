package main

import (
	"encoding/json"
	"os"

	"holdfast/api"
)

// openapiCmd prints the description of the API without a desk: the types of the
// web parts are made from it.
type openapiCmd struct {
	Types bool `help:"Only the shapes, without the routes."`
}

func (c *openapiCmd) Run() error {
	b, err := json.Marshal(api.New(api.Deps{}).OpenAPI())
	if err != nil {
		return err
	}
	v := map[string]any{}
	if err := json.Unmarshal(b, &v); err != nil { // in the order of names, so that changes show as changes
		return err
	}
	if c.Types {
		v["paths"] = map[string]any{}
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", " ")
	return enc.Encode(v)
}
