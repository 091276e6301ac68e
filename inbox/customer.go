package inbox

import (
	"context"
	"time"

	"holdfast"
	"holdfast/store"
)

// Customer is a person and how to reach them.
type Customer struct {
	ID        holdfast.ID `json:"id"`
	Name      string      `json:"name"`
	Language  string      `json:"language,omitempty"`
	Company   string      `json:"company,omitempty"`
	About     string      `json:"about,omitempty"`
	Addresses []Address   `json:"addresses"`
	CreatedAt time.Time   `json:"created_at,omitzero"`
}

// Address is one way to reach a customer. Failing says why it does not work, if so.
type Address struct {
	Scheme   string `json:"scheme"`
	Value    string `json:"value"`
	Name     string `json:"name,omitempty"`
	Verified bool   `json:"verified,omitempty"`
	Failing  string `json:"failing,omitempty"`
	// Claimed is what the customer says and has proved by nothing.
	Claimed bool `json:"claimed,omitempty"`
	// Muted are the sorts of mail that are not wanted there.
	Muted []holdfast.Topic `json:"muted,omitempty"`
}

const customerColumns = "id, name, language, company, about, created_at"

func scanCustomer(r *store.Rows, c *Customer) error {
	c.Addresses = []Address{}
	return r.Scan(&c.ID, &c.Name, &c.Language, &c.Company, &c.About, &c.CreatedAt)
}

// Customer reads one person. The error is NotFound.
func (b *Inbox) Customer(ctx context.Context, workspace, id holdfast.ID) (*Customer, error) {
	list, err := b.CustomersByID(ctx, workspace, []holdfast.ID{id})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, notFound("customer")
	}
	return &list[0], nil
}

// CustomersByID reads those of the ids that are in the workspace, in the given order.
func (b *Inbox) CustomersByID(ctx context.Context, workspace holdfast.ID, ids []holdfast.ID) ([]Customer, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	// By id alone, and the workspace compared here: asked for both, a planner without
	// figures walks the whole workspace.
	rows, err := b.db.Unprepared(ctx, "SELECT workspace, "+customerColumns+" FROM customer WHERE id IN "+store.In(1, len(ids)), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make(map[holdfast.ID]Customer, len(ids))
	for rows.Next() {
		var of holdfast.ID
		c := Customer{Addresses: []Address{}}
		if err := rows.Scan(&of, &c.ID, &c.Name, &c.Language, &c.Company, &c.About, &c.CreatedAt); err != nil {
			return nil, err
		}
		if of == workspace {
			found[c.ID] = c
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var list []Customer
	for _, id := range ids {
		if c, ok := found[id]; ok {
			list = append(list, c)
			delete(found, id)
		}
	}
	return list, b.addAddresses(ctx, workspace, list)
}

func (b *Inbox) addAddresses(ctx context.Context, workspace holdfast.ID, list []Customer) error {
	if len(list) == 0 {
		return nil
	}
	at := map[holdfast.ID]int{}
	args := make([]any, len(list))
	for i := range list {
		at[list[i].ID] = i
		args[i] = list[i].ID
	}
	rows, err := b.db.Unprepared(ctx, `SELECT a.workspace, a.customer, a.scheme, a.value, a.name, a.verified, a.failing, a.claimed,
			EXISTS (SELECT 1 FROM mute u WHERE u.workspace = a.workspace AND u.scheme = a.scheme AND u.value = a.value AND u.topic = 'answers' AND u.muted)
		FROM address a WHERE a.customer IN `+store.In(1, len(list))+" ORDER BY a.stamp", args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var of, id holdfast.ID
		var a Address
		var muted bool
		if err := rows.Scan(&of, &id, &a.Scheme, &a.Value, &a.Name, &a.Verified, &a.Failing, &a.Claimed, &muted); err != nil {
			return err
		}
		if muted {
			a.Muted = []holdfast.Topic{holdfast.Answers}
		}
		if of != workspace {
			continue
		}
		list[at[id]].Addresses = append(list[at[id]].Addresses, a)
	}
	return rows.Err()
}

// Customers lists people, the newest first, and the next page's cursor.
func (b *Inbox) Customers(ctx context.Context, workspace holdfast.ID, cursor string, limit int) (list []Customer, next string, err error) {
	if limit <= 0 || limit > 200 {
		limit = 50
	}
	before, beforeID := holdfast.Clock(1<<63-1), holdfast.ID{0xff}
	if cursor != "" {
		if before, beforeID, err = openCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	rows, err := b.db.Query(ctx, "SELECT "+customerColumns+` FROM customer WHERE workspace = $1 AND (created_at, id) < ($2, $3)
		ORDER BY created_at DESC, id DESC LIMIT $4`, workspace, before, beforeID, limit+1)
	list, err = store.Collect(rows, err, scanCustomer)
	if err != nil {
		return nil, "", err
	}
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		next = makeCursor(holdfast.Clock(last.CreatedAt.UnixMilli()), last.ID)
	}
	return list, next, b.addAddresses(ctx, workspace, list)
}
