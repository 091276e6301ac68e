// Command desk is the desk as "holdfast serve" runs it, with the channel of tests
// among its kinds: the program that the faults are made for.
//
// It refuses to be installed: its loop reaches make-believe providers only.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"holdfast"
	"holdfast/app"
	"holdfast/channel"
	"holdfast/channel/loop"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cli struct {
		app.Config `embed:""`
	}
	kong.Parse(&cli, kong.Name("desk"), kong.DefaultEnvars("HOLDFAST"))
	if err := serve(ctx, cli.Config); err != nil {
		fmt.Fprintln(os.Stderr, "desk: "+err.Error())
		var e *holdfast.Error
		if errors.As(err, &e) && e.Next != "" {
			fmt.Fprintln(os.Stderr, "  "+e.Next)
		}
		os.Exit(1)
	}
}

func serve(ctx context.Context, c app.Config) (err error) {
	if err := c.Check(); err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return err
	}
	a := app.New(c, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
	a.Kinds = append(a.Kinds, loop.Kind(channel.ResendPark))
	if err := a.Open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	fmt.Printf("The desk is ready at %s\n", a.URL())
	return a.Run(ctx)
}
