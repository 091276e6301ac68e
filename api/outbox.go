package api

import (
	"context"

	"holdfast"
	"holdfast/access"
	"holdfast/channel"
	"holdfast/hooks"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/outbox"
)

type listOutboxIn struct {
	PageIn
	State   string `query:"state" enum:"queued,sending,retry_wait,accepted,delivered,seen,failed,unknown,held,cancelled"`
	Channel string `query:"channel"`
}

func (a *API) listOutbox(ctx context.Context, id access.Identity, in *listOutboxIn) (*body[page[outbox.Item]], error) {
	ch, err := parseID(in.Channel, "channel")
	if err != nil {
		return nil, err
	}
	before, err := parseNumber(in.Cursor)
	if err != nil {
		return nil, err
	}
	list, err := a.Outbox.List(ctx, id.Workspace, holdfast.Delivery(in.State), ch, holdfast.LSN(before), in.Limit)
	next := ""
	if err == nil && len(list) == in.Limit {
		next = number(int64(list[len(list)-1].LSN))
	}
	return paged(list, next, err)
}

func (a *API) countOutbox(ctx context.Context, id access.Identity, _ *struct{}) (*body[outbox.Totals], error) {
	return ok(a.Outbox.Totals(ctx, id.Workspace))
}

func only(_ journal.Result, err error) (*nothing, error) { return end(err) }

func (a *API) retryMessage(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return only(a.Outbox.Retry(ctx, id.Workspace, id.Actor, by(ctx, id).Command, in.id()))
}

func (a *API) holdMessage(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return only(a.Outbox.Hold(ctx, id.Workspace, id.Actor, by(ctx, id).Command, in.id()))
}

func (a *API) cancelMessage(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return only(a.Outbox.Cancel(ctx, id.Workspace, id.Actor, by(ctx, id).Command, in.id()))
}

type requeueIn struct {
	IDIn
	Body struct {
		Channel string     `json:"channel,omitempty" doc:"Empty: the same."`
		To      *addressIn `json:"to,omitempty" doc:"Empty: the same."`
	}
}

func (a *API) requeueMessage(ctx context.Context, id access.Identity, in *requeueIn) (*nothing, error) {
	ch, err := parseID(in.Body.Channel, "channel")
	if err != nil {
		return nil, err
	}
	if !ch.IsZero() {
		if _, err := a.Setup.Channel(ctx, id.Workspace, ch); err != nil {
			return nil, err
		}
	}
	var to holdfast.Address
	if addr := in.Body.To.address(); addr != nil {
		to = *addr
	}
	return only(a.Outbox.Requeue(ctx, id.Workspace, id.Actor, by(ctx, id).Command, in.id(), ch, to))
}

type listArrivalsIn struct {
	PageIn
	Reason string `query:"reason" enum:"auto_reply,bounce,loop,quarantined,rejected"`
}

func (a *API) listArrivals(ctx context.Context, id access.Identity, in *listArrivalsIn) (*body[page[inbox.Arrival]], error) {
	before, err := parseNumber(in.Cursor)
	if err != nil {
		return nil, err
	}
	list, err := a.Inbox.Arrivals(ctx, id.Workspace, in.Reason, holdfast.LSN(before), in.Limit)
	next := ""
	if err == nil && len(list) == in.Limit {
		next = number(int64(list[len(list)-1].LSN))
	}
	return paged(list, next, err)
}

func (a *API) readArrivalRaw(ctx context.Context, id access.Identity, in *IDIn) (*stream, error) {
	v, err := a.Inbox.Arrival(ctx, id.Workspace, in.id())
	if err != nil {
		return nil, err
	}
	if v.Raw == "" {
		return nil, holdfast.Errorf(holdfast.NotFound, "arrival.no_raw", "nothing raw was kept of this")
	}
	return a.rawFile(ctx, v.Raw, v.ID.String()+".eml", "message/rfc822")
}

// replayed says where a replayed arrival went.
type replayed struct {
	Message      holdfast.ID `json:"message"`
	Conversation holdfast.ID `json:"conversation"`
}

func (a *API) replayArrival(ctx context.Context, id access.Identity, in *IDIn) (*body[replayed], error) {
	v, err := a.Inbox.Arrival(ctx, id.Workspace, in.id())
	if err != nil {
		return nil, err
	}
	var took channel.Accepted
	took, err = a.Channels.Replay(ctx, id.Workspace, id.Actor, v)
	return ok(replayed{took.Message, took.Conversation}, err)
}

type listDeliveriesIn struct {
	IDIn
	PageIn
}

func (a *API) listDeliveries(ctx context.Context, id access.Identity, in *listDeliveriesIn) (*body[page[hooks.Delivery]], error) {
	if _, err := a.Setup.Webhook(ctx, id.Workspace, in.id()); err != nil {
		return nil, err
	}
	before, err := parseNumber(in.Cursor)
	if err != nil {
		return nil, err
	}
	list, err := a.Hooks.List(ctx, id.Workspace, in.id(), "", holdfast.LSN(before), in.Limit)
	next := ""
	if err == nil && len(list) == in.Limit {
		next = number(int64(list[len(list)-1].LSN))
	}
	return paged(list, next, err)
}

func (a *API) replayDelivery(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Hooks.Replay(ctx, id.Workspace, in.id()))
}
