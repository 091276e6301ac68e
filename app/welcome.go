package app

import (
	"context"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/setup"
)

// WelcomeLink is where a person begins: a link that sets up an empty
// installation, a link that signs the first administrator of a demo in, or the
// address to sign in at.
func (a *App) WelcomeLink(ctx context.Context) (string, error) {
	empty, err := a.Setup.Empty(ctx)
	if err != nil {
		return "", err
	}
	if empty {
		secret, _, err := a.Guard.IssueLink(ctx, access.System(holdfast.ID{}), holdfast.ID{}, 24*time.Hour)
		return "set it up: " + a.URL() + "/#/start?code=" + secret, err
	}
	list, err := a.Setup.Workspaces(ctx, access.System(holdfast.ID{}))
	if err != nil {
		return "", err
	}
	somebody := false
	for _, w := range list {
		people, err := a.Guard.Operators(ctx, w.ID)
		if err != nil {
			return "", err
		}
		somebody = somebody || len(people) > 0
		for _, p := range people {
			if p.Role != holdfast.Administrator || p.Disabled || p.Password && !w.Demo {
				continue
			}
			secret, _, err := a.Guard.IssueLink(ctx, access.System(w.ID), p.ID, 24*time.Hour)
			return "sign in: " + a.URL() + "/#/link?code=" + secret, err
		}
	}
	if !somebody {
		return "nobody can sign in yet: holdfast operator create --role administrator --email … --name …", nil
	}
	return "sign in: " + a.URL() + "/", nil
}

// EnsureWorkspace makes a plain workspace on an empty installation, for programs
// that set a desk up over the API alone.
func (a *App) EnsureWorkspace(ctx context.Context) error {
	empty, err := a.Setup.Empty(ctx)
	if err != nil || !empty {
		return err
	}
	_, err = a.Setup.CreateWorkspace(ctx, access.System(holdfast.ID{}), setup.NewWorkspace{ID: holdfast.NewID(), Name: "Holdfast", Language: "en", TimeZone: "UTC"})
	return err
}
