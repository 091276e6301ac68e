package app

import (
	"context"
	"io/fs"

	"holdfast"
	"holdfast/access"
	"holdfast/desk"
	"holdfast/web"
)

// persianFace is the typeface of Persian on paper.
func persianFace() ([]byte, error) { return fs.ReadFile(web.Files(), "fonts/Vazirmatn-Regular.ttf") }

// workspaces lists all there are.
func (a *App) workspaces(ctx context.Context) ([]holdfast.ID, error) {
	list, err := a.Setup.Workspaces(ctx, access.System(holdfast.ID{}))
	if err != nil {
		return nil, err
	}
	ids := make([]holdfast.ID, len(list))
	for i, w := range list {
		ids[i] = w.ID
	}
	return ids, nil
}

// noteFromPaper records what was written by hand.
func (a *App) noteFromPaper(ctx context.Context, by access.Identity, conversation, note holdfast.ID, text string) error {
	_, err := a.Desk.Note(ctx, desk.By{Workspace: by.Workspace, Actor: by.Actor, Operator: by.Operator}, conversation, desk.NoteIn{ID: note, Text: text})
	return err
}

// callOrder is the order in which customers are called: the one in which they are told.
func (a *App) callOrder(ctx context.Context, workspace holdfast.ID, customers []holdfast.ID) ([]holdfast.ID, error) {
	return a.Broadcasts.Order(ctx, workspace, customers)
}
