// Command holdfast is the desk: the server and everything that is done to its data.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"holdfast"
	"holdfast/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	var cli commands
	file := fileResolver{}
	parser := kong.Must(&cli,
		kong.Name("holdfast"),
		kong.Description("A customer-service desk that keeps serving customers when the internet does not."),
		kong.DefaultEnvars("HOLDFAST"),
		kong.Resolvers(&file),
		kong.Vars{"version": holdfast.Version},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err := file.read(args); err != nil {
		return fail(err)
	}
	k, err := parser.Parse(args)
	if err != nil {
		parser.FatalIfErrorf(err)
	}
	for _, odd := range app.UnknownEnvironment(os.Environ(), variables(parser.Model.Node)...) {
		fmt.Fprintln(os.Stderr, "holdfast: "+odd)
	}
	if err := cli.Config.Check(); err != nil {
		return fail(err)
	}
	if err := k.Run(&cli.Config); err != nil {
		return fail(err)
	}
	return 0
}

// variables are the environment's names for every flag of every command.
func variables(n *kong.Node) (names []string) {
	for _, f := range n.Flags {
		names = append(names, f.Envs...)
	}
	for _, c := range n.Children {
		names = append(names, variables(c)...)
	}
	return names
}

// fail says what went wrong and what to do about it, without a stack.
func fail(err error) int {
	fmt.Fprintln(os.Stderr, "holdfast: "+err.Error())
	var e *holdfast.Error
	if errors.As(err, &e) && e.Next != "" {
		fmt.Fprintln(os.Stderr, "  "+e.Next)
	}
	return 1
}
