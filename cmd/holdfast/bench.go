package main

import (
	"context"
	"os"
	"time"

	"holdfast/app"
	"holdfast/bench"
)

// benchCmd measures private desks; the one in the data folder is not touched.
type benchCmd struct {
	Only     []string      `enum:"throughput,latency,reads,start,broadcast,fallback,probing,visitors,idle" placeholder:"PART" help:"Parts to run: throughput, latency, reads, start, broadcast, fallback, probing, visitors, idle; none: all."`
	Duration time.Duration `default:"10s" help:"How long each measurement under load takes."`
	Clients  int           `default:"64" help:"Chat clients that write at once."`
	Turns    int           `default:"10" help:"Messages that a visitor writes before the next one comes."`
	Visitors int           `default:"10000" help:"Visitors who are connected and idle."`
	Postgres string        `env:"HOLDFAST_BENCH_POSTGRES" placeholder:"URL" help:"PostgreSQL server to measure too, in databases that are made and dropped."`
	Scale    bool          `help:"Fill the data folder, which must be empty, with a million messages, keep it, and read from that."`
	Messages int           `default:"1000000" help:"How many messages --scale fills."`
	JSON     bool          `name:"json" help:"Print JSON."`
	Profile  string        `placeholder:"FILE" help:"Write a CPU profile of the desk while it takes messages in."`
	Load     bool          `hidden:"" help:"Be the other process, which makes the load."`
}

// Run is kong's.
func (b *benchCmd) Run(ctx context.Context, c *app.Config) error {
	if b.Load {
		return bench.Load(ctx, os.Stdin, os.Stdout)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	_, err = bench.Run(ctx, bench.Options{
		Config: *c, Self: []string{self}, Loader: []string{"bench", "--load"},
		Only: b.Only, Duration: b.Duration, Clients: b.Clients, Turns: b.Turns, Visitors: b.Visitors, PostgresURL: b.Postgres,
		Scale: b.Scale, ScaleMessages: b.Messages, Profile: b.Profile, Out: os.Stdout, JSON: b.JSON, Progress: os.Stderr,
	})
	return err
}
