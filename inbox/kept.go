package inbox

import (
	"context"
	"strconv"

	"holdfast"
	"holdfast/store"
)

// Kept is a conversation with its latest messages, as a device keeps it for when the
// desk is out of reach. The draft is not in it.
type Kept struct {
	Conversation
	Messages []Message `json:"messages" doc:"The latest, the oldest of them first."`
	Earlier  bool      `json:"earlier" doc:"There are earlier ones."`
}

// Kept reads many conversations with up to limit messages each, in a handful of
// queries however many they are. Those that are not in the workspace, or were merged
// into others, are left out.
func (b *Inbox) Kept(ctx context.Context, workspace, asker holdfast.ID, ids []holdfast.ID, limit int) ([]Kept, error) {
	if len(ids) == 0 {
		return []Kept{}, nil
	}
	args := []any{workspace, somebody(asker)}
	for _, id := range ids {
		args = append(args, id)
	}
	rows, err := b.db.Unprepared(ctx, "SELECT "+itemColumns+", c.page, COALESCE(r.upto, 0), c.last_out_clock FROM conversation c"+itemJoins+
		" WHERE c.workspace = $1 AND c.merged IS NULL AND c.id IN "+store.In(3, len(ids)), args...)
	list, err := store.Collect(rows, err, func(r *store.Rows, k *Kept) error { return scanConversation(r, &k.Conversation) })
	if err != nil || len(list) == 0 {
		return []Kept{}, err
	}
	at, items, people := make(map[holdfast.ID]*Kept, len(list)), make([]Item, len(list)), make([]holdfast.ID, 0, len(list))
	members := []any{workspace}
	for i := range list {
		k := &list[i]
		k.Messages, k.Merged, k.Parts = []Message{}, []holdfast.ID{}, []Part{}
		at[k.ID], items[i] = k, k.Item
		people = append(people, k.Customer.ID)
		members = append(members, k.ID)
	}
	if err := b.addTags(ctx, items); err != nil {
		return nil, err
	}
	persons, err := b.CustomersByID(ctx, workspace, people)
	if err != nil {
		return nil, err
	}
	byID := make(map[holdfast.ID]*Customer, len(persons))
	for i := range persons {
		byID[persons[i].ID] = &persons[i]
	}
	for i := range list {
		list[i].Item, list[i].Person = items[i], byID[list[i].Customer.ID]
	}
	// What was merged into them speaks in their names.
	type member struct {
		Part
		into holdfast.ID
	}
	rows, err = b.db.Unprepared(ctx, "SELECT id, number, subject, merged FROM conversation WHERE workspace = $1 AND merged IN "+store.In(2, len(list))+" ORDER BY id", members...)
	merged, err := store.Collect(rows, err, func(r *store.Rows, m *member) error { return r.Scan(&m.ID, &m.Number, &m.Subject, &m.into) })
	if err != nil {
		return nil, err
	}
	into := make(map[holdfast.ID]*Kept, len(merged))
	for _, m := range merged {
		k := at[m.into]
		k.Merged, k.Parts, into[m.ID] = append(k.Merged, m.ID), append(k.Parts, m.Part), k
		members = append(members, m.ID)
	}
	rows, err = b.db.Unprepared(ctx, `SELECT `+messageColumns+` WHERE m.lsn IN (SELECT lsn FROM (
			SELECT lsn, ROW_NUMBER() OVER (PARTITION BY conversation ORDER BY clock DESC, lsn DESC) AS place FROM message WHERE workspace = $1 AND conversation IN `+store.In(2, len(members)-1)+`
		) latest WHERE place <= `+strconv.Itoa(limit+1)+`) ORDER BY m.clock, m.lsn`, members...)
	messages, err := store.Collect(rows, err, scanMessage)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		k := at[m.Conversation]
		if k == nil {
			k = into[m.Conversation]
		}
		k.Messages = append(k.Messages, m)
	}
	for i := range list {
		if over := len(list[i].Messages) - limit; over > 0 {
			list[i].Messages, list[i].Earlier = list[i].Messages[over:], true
		}
	}
	return list, nil
}
