package api

import (
	"context"
	"errors"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/desk"
	"holdfast/inbox"
	"holdfast/presets"
)

func (a *API) listMacros(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[presets.Macro]], error) {
	list, err := a.Presets.Macros(ctx, id)
	return paged(list, "", err)
}

func (a *API) readMacro(ctx context.Context, id access.Identity, in *IDIn) (*body[presets.Macro], error) {
	return ok(a.Presets.Macro(ctx, id, in.id()))
}

type macroIn struct {
	IDIn
	Body struct {
		Owner   *ownerIn          `json:"owner,omitempty"`
		Name    string            `json:"name" maxLength:"200"`
		Actions []holdfast.Action `json:"actions" minItems:"1" maxItems:"20"`
	}
}

func (a *API) saveMacro(ctx context.Context, id access.Identity, in *macroIn) (*body[presets.Macro], error) {
	owner, err := in.Body.Owner.owner(id)
	if err != nil {
		return nil, err
	}
	return ok(a.Presets.SaveMacro(ctx, id, in.id(), holdfast.MacroSaved{Owner: owner, Name: in.Body.Name, Actions: in.Body.Actions}))
}

func (a *API) removeMacro(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Presets.RemoveMacro(ctx, id, in.id()))
}

type runMacroIn struct {
	IDIn
	Macro string `path:"macro" format:"uuid"`
	Body  struct {
		ID   string `json:"id" format:"uuid" doc:"Made by you; the same one again does nothing."`
		Undo int    `json:"undo,omitempty" minimum:"0" maximum:"60" doc:"Seconds for which its reply can be taken back."`
	}
}

func (a *API) runMacro(ctx context.Context, id access.Identity, in *runMacroIn) (*body[*inbox.Conversation], error) {
	macro, err := parseID(in.Macro, "macro")
	if err != nil {
		return nil, err
	}
	command, err := parseID(in.Body.ID, "id")
	if err != nil {
		return nil, err
	}
	c, err := a.Inbox.Conversation(ctx, id.Workspace, in.id(), id.Operator)
	if err != nil {
		return nil, err
	}
	m, err := a.Presets.Macro(ctx, id, macro)
	if err != nil {
		return nil, err
	}
	if err := a.mayAct(ctx, id, m.Actions); err != nil {
		return nil, err
	}
	who := by(ctx, id)
	who.Command = command
	if err := a.act(ctx, id, who, c, m.Actions, time.Duration(in.Body.Undo)*time.Second); err != nil {
		return nil, err
	}
	return ok(a.Inbox.Conversation(ctx, id.Workspace, in.id(), id.Operator))
}

// mayAct checks what concerns the actions alone: permissions, and that whom they
// name can be assigned to.
func (a *API) mayAct(ctx context.Context, id access.Identity, actions []holdfast.Action) error {
	for _, act := range actions {
		if act.Do != holdfast.DoAssign {
			continue
		}
		if err := id.Require(holdfast.AssignAnyone); err != nil {
			return err
		}
		if err := a.assignable(ctx, id, act.Operator, act.Team); err != nil {
			return err
		}
	}
	return nil
}

// act fills in the texts of actions and carries them out on a conversation.
func (a *API) act(ctx context.Context, id access.Identity, who desk.By, c *inbox.Conversation, actions []holdfast.Action, undo time.Duration) error {
	ready, err := a.filled(ctx, id, c, actions)
	if err != nil {
		return err
	}
	return a.Desk.Act(ctx, who, c.ID, ready, undo)
}

// filled is a list of actions with the texts that a conversation's customer would get.
func (a *API) filled(ctx context.Context, id access.Identity, c *inbox.Conversation, actions []holdfast.Action) ([]holdfast.Action, error) {
	ready := make([]holdfast.Action, len(actions))
	var facts presets.Facts
	var s presets.Situation
	for i, act := range actions {
		if act.Do == holdfast.DoReply || act.Do == holdfast.DoNote {
			if facts == (presets.Facts{}) {
				var err error
				if s, facts, err = a.situation(ctx, id, c); err != nil {
					return nil, err
				}
			}
			if !act.Canned.IsZero() {
				r, err := a.Presets.CannedReply(ctx, id, act.Canned)
				if err != nil {
					return nil, err
				}
				act.Text, _ = r.Text(s)
				act.Canned = holdfast.ID{}
			}
			act.Text = presets.Fill(act.Text, facts)
		}
		ready[i] = act
	}
	return ready, nil
}

type previewMacroIn struct {
	IDIn
	Macro string `path:"macro" format:"uuid"`
}

func (a *API) previewMacro(ctx context.Context, id access.Identity, in *previewMacroIn) (*body[page[holdfast.Action]], error) {
	macro, err := parseID(in.Macro, "macro")
	if err != nil {
		return nil, err
	}
	c, err := a.Inbox.Conversation(ctx, id.Workspace, in.id(), id.Operator)
	if err != nil {
		return nil, err
	}
	m, err := a.Presets.Macro(ctx, id, macro)
	if err != nil {
		return nil, err
	}
	list, err := a.filled(ctx, id, c, m.Actions)
	return paged(list, "", err)
}

type bulkIn struct {
	Body struct {
		ID      string            `json:"id" format:"uuid" doc:"Made by you; the same one again does nothing."`
		IDs     []string          `json:"ids" minItems:"1" maxItems:"200" doc:"Conversations."`
		Actions []holdfast.Action `json:"actions,omitempty" maxItems:"20"`
		Macro   string            `json:"macro,omitempty" doc:"Instead of actions."`
		Undo    int               `json:"undo,omitempty" minimum:"0" maximum:"60"`
	}
}

// bulkResult is what came of one conversation.
type bulkResult struct {
	ID    holdfast.ID `json:"id"`
	Done  bool        `json:"done"`
	Error *Problem    `json:"error,omitempty"`
}

func (a *API) actOnMany(ctx context.Context, id access.Identity, in *bulkIn) (*body[page[bulkResult]], error) {
	command, err := parseID(in.Body.ID, "id")
	if err != nil {
		return nil, err
	}
	if command.IsZero() {
		return nil, holdfast.Errorf(holdfast.Invalid, "id.missing", "a list of actions needs an id").WithField("id")
	}
	ids, err := parseIDs(in.Body.IDs, "ids")
	if err != nil {
		return nil, err
	}
	macro, err := parseID(in.Body.Macro, "macro")
	if err != nil {
		return nil, err
	}
	actions := in.Body.Actions
	if !macro.IsZero() {
		m, err := a.Presets.Macro(ctx, id, macro)
		if err != nil {
			return nil, err
		}
		actions = m.Actions
	}
	if err := holdfast.CheckActions(actions); err != nil {
		return nil, err
	}
	if err := a.mayAct(ctx, id, actions); err != nil {
		return nil, err
	}
	list := make([]bulkResult, 0, len(ids))
	for _, cid := range ids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r := bulkResult{ID: cid}
		c, err := a.Inbox.Conversation(ctx, id.Workspace, cid, id.Operator)
		if err == nil {
			who := by(ctx, id)
			who.Command = holdfast.DeriveIDAt(command, command, c.ID.String())
			err = a.act(ctx, id, who, c, actions, time.Duration(in.Body.Undo)*time.Second)
		}
		if r.Done = err == nil; !r.Done {
			var p *Problem
			if errors.As(a.fail(ctx, err), &p) {
				r.Error = p
			}
		}
		list = append(list, r)
	}
	return paged(list, "", nil)
}
