package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"holdfast/app"
)

// fileResolver gives kong the values of the configuration file.
type fileResolver struct{ values map[string]any }

// read finds --config before the flags are parsed, since it gives flags their values.
func (r *fileResolver) read(args []string) error {
	path := os.Getenv("HOLDFAST_CONFIG")
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--config="); ok {
			path = v
		} else if a == "--config" && i+1 < len(args) {
			path = args[i+1]
		}
	}
	if path == "" {
		return nil
	}
	values, err := app.ReadFile(path)
	r.values = values
	return err
}

// Validate is part of kong.Resolver; the file was checked when it was read.
func (r *fileResolver) Validate(*kong.Application) error { return nil }

// Resolve is part of kong.Resolver. Values from the environment stay.
func (r *fileResolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil
		}
	}
	v, ok := r.values[flag.Name]
	if !ok {
		return nil, nil
	}
	if list, ok := v.([]any); ok {
		words := make([]string, len(list))
		for i, w := range list {
			words[i] = fmt.Sprint(w)
		}
		return strings.Join(words, ","), nil
	}
	return fmt.Sprint(v), nil
}
