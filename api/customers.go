package api

import (
	"context"
	"strconv"

	"holdfast"
	"holdfast/access"
	"holdfast/inbox"
	"holdfast/search"
)

type listCustomersIn struct {
	PageIn
	Query string `query:"q" doc:"Part of a name, a company or an address; typos are forgiven."`
}

func (a *API) listCustomers(ctx context.Context, id access.Identity, in *listCustomersIn) (*body[page[inbox.Customer]], error) {
	if in.Query == "" {
		return paged(a.Inbox.Customers(ctx, id.Workspace, in.Cursor, in.Limit))
	}
	found, err := a.Search.Search(ctx, search.Query{Workspace: id.Workspace, Text: in.Query, Limit: 1})
	if err != nil {
		return nil, err
	}
	ids := make([]holdfast.ID, 0, len(found.Customers))
	for _, c := range found.Customers {
		ids = append(ids, c.Customer)
	}
	list, err := a.Inbox.CustomersByID(ctx, id.Workspace, ids)
	return paged(list, "", err)
}

func (a *API) readCustomer(ctx context.Context, id access.Identity, in *IDIn) (*body[*inbox.Customer], error) {
	return ok(a.Inbox.Customer(ctx, id.Workspace, in.id()))
}

type createCustomerIn struct {
	Body struct {
		ID        string      `json:"id" format:"uuid"`
		Name      string      `json:"name,omitempty" maxLength:"200"`
		Language  string      `json:"language,omitempty" maxLength:"8"`
		Addresses []addressIn `json:"addresses,omitempty" maxItems:"20"`
	}
}

func (a *API) createCustomer(ctx context.Context, id access.Identity, in *createCustomerIn) (*created[*inbox.Customer], error) {
	cid, err := parseID(in.Body.ID, "id")
	if err != nil {
		return nil, err
	}
	b := holdfast.CustomerCreated{Name: in.Body.Name, Language: in.Body.Language}
	for i := range in.Body.Addresses {
		if addr := in.Body.Addresses[i].address(); addr != nil {
			b.Addresses = append(b.Addresses, *addr)
		}
	}
	return made(a.Desk.CreateCustomer(ctx, by(ctx, id), cid, b))
}

type changeCustomerIn struct {
	IDIn
	Body struct {
		Name     *string `json:"name,omitempty" maxLength:"200"`
		Language *string `json:"language,omitempty" maxLength:"8"`
		Company  *string `json:"company,omitempty" maxLength:"200"`
		About    *string `json:"about,omitempty" maxLength:"4000"`
	}
}

func (a *API) changeCustomer(ctx context.Context, id access.Identity, in *changeCustomerIn) (*body[*inbox.Customer], error) {
	return ok(a.Desk.ChangeCustomer(ctx, by(ctx, id), in.id(), holdfast.CustomerChanged{
		Name: in.Body.Name, Language: in.Body.Language, Company: in.Body.Company, About: in.Body.About}))
}

type addAddressIn struct {
	IDIn
	Body addressIn
}

func (a *API) addAddress(ctx context.Context, id access.Identity, in *addAddressIn) (*body[*inbox.Customer], error) {
	return ok(a.Desk.AddAddress(ctx, by(ctx, id), in.id(), holdfast.Address{Scheme: in.Body.Scheme, Value: in.Body.Value, Name: in.Body.Name}))
}

type customerConversationsIn struct {
	IDIn
	PageIn
}

func (a *API) customerConversations(ctx context.Context, id access.Identity, in *customerConversationsIn) (*body[page[inbox.Item]], error) {
	if _, err := a.Inbox.Customer(ctx, id.Workspace, in.id()); err != nil {
		return nil, err
	}
	return paged(a.Inbox.List(ctx, id.Workspace, inbox.Filter{View: inbox.All, Asker: id.Operator, Customer: in.id(), Cursor: in.Cursor, Limit: in.Limit}))
}

type searchIn struct {
	Query        string `query:"q" required:"true" maxLength:"300"`
	Before       string `query:"before" doc:"The \"next\" of the page before."`
	Limit        int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Customer     string `query:"customer"`
	Conversation string `query:"conversation"`
	Notes        bool   `query:"notes" default:"true"`
}

func (a *API) searchAll(ctx context.Context, id access.Identity, in *searchIn) (*body[search.Results], error) {
	q := search.Query{Workspace: id.Workspace, Text: in.Query, Limit: in.Limit, Notes: in.Notes}
	if in.Before != "" {
		n, err := strconv.ParseInt(in.Before, 10, 64)
		if err != nil {
			return nil, holdfast.Errorf(holdfast.Invalid, "cursor.malformed", "before is not a number").WithField("before")
		}
		q.Before = holdfast.LSN(n)
	}
	var err error
	if q.Customer, err = parseID(in.Customer, "customer"); err != nil {
		return nil, err
	}
	if q.Conversation, err = parseID(in.Conversation, "conversation"); err != nil {
		return nil, err
	}
	return ok(a.Search.Search(ctx, q))
}
