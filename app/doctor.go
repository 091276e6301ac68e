package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/web"
)

// Finding is one thing that the doctor looked at.
type Finding struct {
	Name string
	OK   bool
	Text string
	Next string
}

// Doctor looks at everything that a desk needs, and goes on after what fails.
func Doctor(ctx context.Context, c *Config, log *slog.Logger) []Finding {
	var list []Finding
	say := func(name string, err error, text string) bool {
		f := Finding{Name: name, OK: err == nil, Text: text}
		if err != nil {
			f.Text = err.Error()
			if e, ok := err.(*holdfast.Error); ok {
				f.Text, f.Next = e.Message, e.Next
			}
		}
		list = append(list, f)
		return err == nil
	}
	probe := filepath.Join(c.Data, ".doctor")
	err := os.MkdirAll(c.Data, 0o700)
	if err == nil {
		err = os.WriteFile(probe, []byte("x"), 0o600)
		os.Remove(probe)
	}
	if !say("data folder", err, c.Data+" can be written") {
		return list
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(c.Data, &fs); err == nil {
		free := float64(fs.Bavail) * float64(fs.Bsize) / 1e9
		if free < 1 {
			err = holdfast.Errorf(holdfast.Unavailable, "disk.low", "%.2f GB free", free).WithNext("Make room before the disk is full: the desk stops taking messages then.")
		}
		say("disk space", err, fmt.Sprintf("%.1f GB free", free))
	}
	a := New(*c, log)
	if !say("database", a.OpenData(ctx), "opens, and its schema is this release's") {
		return list
	}
	defer a.DB.Close()
	list[len(list)-1].Text = a.DB.Dialect() + " opens; its schema is this release's"
	say("journal", nil, fmt.Sprintf("%d entries; this node is %s", a.Journal.Head(), a.Journal.Origin()))
	say("search index", a.Search.Sweep(ctx), "new words can be sorted in")
	dead, err := a.Journal.DeadLetters(ctx, 1)
	if err == nil && len(dead) > 0 {
		err = holdfast.Errorf(holdfast.Conflict, "follower.dead_letters", "%s gave up entry %d: %s", dead[0].Follower, dead[0].LSN, dead[0].Error)
	}
	say("followers", err, "none has given an entry up")
	if skew := a.Journal.ClockAhead(time.Now()); skew > time.Minute {
		say("clock", holdfast.Errorf(holdfast.Conflict, "clock.behind", "this machine's clock is %s behind the newest entry", skew.Round(time.Second)).
			WithNext("Set the clock; entries stay in order meanwhile."), "")
	} else {
		say("clock", nil, "not behind the newest entry")
	}
	var built error
	if !web.Built() {
		built = holdfast.Errorf(holdfast.Unavailable, "web.missing", "the console is not in this binary").WithNext("Build with \"make\" and Node installed.")
	}
	say("console", built, "in this binary")
	spaces, err := a.Setup.Workspaces(ctx, access.System(holdfast.ID{}))
	say("workspaces", err, fmt.Sprint(len(spaces)))
	for _, w := range spaces {
		views, err := a.Setup.Channels(ctx, w.ID)
		if err != nil {
			say("channels of "+w.Name, err, "")
			continue
		}
		for _, v := range views {
			var err error
			if v.Problem != "" {
				err = holdfast.Errorf(holdfast.Conflict, v.Problem, "its settings cannot be read (%s)", v.Problem).
					WithNext("Put back the file \"key\" that belongs to this database, or enter the settings anew.")
			}
			state := "enabled"
			if !v.Enabled {
				state = "disabled"
			}
			say(w.Name+": "+v.Name, err, v.Kind+", "+state)
		}
	}
	return list
}
