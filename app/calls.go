package app

import (
	"context"

	"holdfast"
	"holdfast/calls"
	"holdfast/plans"
)

// newCalls wires the room that hands out whom to call.
func (a *App) newCalls() *calls.Calls {
	return calls.New(calls.Deps{DB: a.DB, Journal: a.Journal, Inbox: a.Inbox, Order: a.callOrder, Note: a.noteFromPaper,
		Refused: func(ctx context.Context, workspace holdfast.ID, list []holdfast.Address) (map[holdfast.Address]string, error) {
			return a.refusals(ctx, workspace, string(holdfast.ForService), list)
		}})
}

// handOut gives whoever plays the step's parts customers to call.
func (a *App) handOut(ctx context.Context, e plans.Errand) ([]byte, error) {
	_, err := a.Calls.Assign(ctx, e.Workspace, holdfast.System, e.Key, e.Run, e.Plan, e.Staff)
	return nil, err
}

func (a *App) takeCallsBack(ctx context.Context, e plans.Errand, _ []byte) error {
	return a.Calls.Withdraw(ctx, e.Workspace, holdfast.System, e.Key)
}
