package api

import (
	"context"
	"encoding/csv"
	"net/http"
	"strconv"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/broadcasts"
)

func (a *API) listBroadcasts(ctx context.Context, id access.Identity, in *PageIn) (*body[page[broadcasts.Broadcast]], error) {
	return paged(a.Broadcasts.List(ctx, id.Workspace, in.Cursor, in.Limit))
}

func (a *API) readBroadcast(ctx context.Context, id access.Identity, in *IDIn) (*body[*broadcasts.Broadcast], error) {
	return ok(a.Broadcasts.Read(ctx, id.Workspace, in.id()))
}

type broadcastIn struct {
	IDIn
	Body holdfast.BroadcastSpec
}

func (a *API) saveBroadcast(ctx context.Context, id access.Identity, in *broadcastIn) (*body[*broadcasts.Broadcast], error) {
	if err := a.Broadcasts.Save(ctx, id.Workspace, id.Actor, in.id(), in.Body); err != nil {
		return nil, err
	}
	return a.readBroadcast(ctx, id, &in.IDIn)
}

func (a *API) previewBroadcast(ctx context.Context, id access.Identity, in *broadcastIn) (*body[broadcasts.Preview], error) {
	return ok(a.Broadcasts.Preview(ctx, id.Workspace, in.id(), in.Body))
}

// moved carries out a command on a broadcast and answers with it.
func (a *API) moved(command func(b *broadcasts.Broadcasts, ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, id holdfast.ID) error) func(context.Context, access.Identity, *IDIn) (*body[*broadcasts.Broadcast], error) {
	return func(ctx context.Context, id access.Identity, in *IDIn) (*body[*broadcasts.Broadcast], error) {
		if err := command(a.Broadcasts, ctx, id.Workspace, id.Actor, in.id()); err != nil {
			return nil, err
		}
		return a.readBroadcast(ctx, id, in)
	}
}

type recipientsIn struct {
	IDIn
	PageIn
	State string `query:"state" enum:"waiting,sending,told,delivered,unsure,failed,refused,dropped,answered"`
}

func (a *API) listRecipients(ctx context.Context, id access.Identity, in *recipientsIn) (*body[page[broadcasts.Recipient]], error) {
	after := 0
	if in.Cursor != "" {
		var err error
		if after, err = strconv.Atoi(in.Cursor); err != nil || after < 0 {
			return nil, holdfast.Errorf(holdfast.Invalid, "cursor.malformed", "this cursor was not made here").WithNext("Start again without a cursor.").WithField("cursor")
		}
	}
	list, err := a.Broadcasts.Recipients(ctx, id.Workspace, in.id(), in.State, after, in.Limit+1)
	next := ""
	if len(list) > in.Limit {
		list = list[:in.Limit]
		next = strconv.Itoa(list[in.Limit-1].Position)
	}
	return paged(list, next, err)
}

// exportRecipients writes the recipients of a broadcast as a table.
func (a *API) exportRecipients(w http.ResponseWriter, r *http.Request) {
	began := false
	err := func() error {
		who, err := a.who(r.Context(), holdfast.SendBroadcasts)
		if err != nil {
			return err
		}
		id, err := parseID(r.PathValue("id"), "id")
		if err != nil {
			return err
		}
		const many = 1000
		state := r.URL.Query().Get("state")
		list, err := a.Broadcasts.Recipients(r.Context(), who.Workspace, id, state, 0, many)
		if err != nil {
			return err
		}
		names := map[holdfast.ID]string{}
		channels, err := a.Setup.Channels(r.Context(), who.Workspace)
		if err != nil {
			return err
		}
		for _, c := range channels {
			names[c.ID] = c.Name
		}
		h := w.Header()
		h.Set("Content-Type", "text/csv; charset=utf-8")
		h.Set("Content-Disposition", `attachment; filename="recipients.csv"`)
		h.Set("Cache-Control", "no-store")
		began = true
		if _, err := w.Write([]byte("\ufeff")); err != nil {
			return err
		}
		out := csv.NewWriter(w)
		if err := out.Write([]string{"position", "customer", "name", "address", "language", "state", "reason", "detail", "channel", "told_at", "answered"}); err != nil {
			return err
		}
		for {
			for _, v := range list {
				at := ""
				if !v.ToldAt.IsZero() {
					at = v.ToldAt.UTC().Format(time.RFC3339)
				}
				to := ""
				if v.To.Value != "" {
					to = v.To.String()
				}
				if err := out.Write([]string{strconv.Itoa(v.Position), v.Customer.String(), cell(v.Name), cell(to), v.Language, v.State, cell(v.Reason), cell(v.Detail), cell(names[v.Channel]), at, v.Answer.String()}); err != nil {
					return err
				}
			}
			out.Flush()
			if err := out.Error(); err != nil || len(list) < many {
				return err
			}
			if list, err = a.Broadcasts.Recipients(r.Context(), who.Workspace, id, state, list[len(list)-1].Position, many); err != nil {
				return err
			}
		}
	}()
	switch {
	case err != nil && began:
		a.Log.Warn("a table of recipients was cut off", "err", err)
		panic(http.ErrAbortHandler)
	case err != nil:
		a.writeProblem(w, r, err)
	}
}

// broadcastSetting is what a workspace says of its broadcasts, and what it has for them.
type broadcastSetting struct {
	SecondAbove int               `json:"second_above" doc:"Above so many recipients a second person must agree; 0: always."`
	Share       int               `json:"share" doc:"What a broadcast takes of a lane, in percent."`
	Lanes       []broadcasts.Lane `json:"lanes" doc:"The running channels that can carry one, in the order in which they are best used."`
	Estimates   bool              `json:"estimates" doc:"Parts and prices are known."`
	Worth       bool              `json:"worth" doc:"What customers have brought is known, and counts in the order."`
}

func (a *API) readBroadcastSetting(ctx context.Context, id access.Identity, _ *struct{}) (*body[broadcastSetting], error) {
	n, err := a.Broadcasts.SecondAbove(ctx, id.Workspace)
	if err != nil {
		return nil, err
	}
	lanes, err := a.Broadcasts.Lanes(ctx, id.Workspace)
	if lanes == nil {
		lanes = []broadcasts.Lane{}
	}
	return ok(broadcastSetting{n, broadcasts.Share, lanes, a.Broadcasts.Estimate != nil, a.Broadcasts.Worth != nil}, err)
}

type broadcastSettingIn struct {
	Body struct {
		SecondAbove int `json:"second_above" minimum:"0" maximum:"10000000"`
	}
}

func (a *API) setBroadcastSetting(ctx context.Context, id access.Identity, in *broadcastSettingIn) (*body[broadcastSetting], error) {
	if err := a.Broadcasts.SetSecondAbove(ctx, id.Workspace, in.Body.SecondAbove); err != nil {
		return nil, err
	}
	return a.readBroadcastSetting(ctx, id, nil)
}
