package inbox_test

import (
	"fmt"
	"log/slog"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"holdfast"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/store"
	"holdfast/store/storetest"
)

// What a device is given at once is what reading one by one gives, whatever was merged,
// moved and withdrawn; and nothing of another workspace.
func TestManyConversationsAtOnceAreWhatTheyAreOneByOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		in := inbox.New(db)
		j := journal.New(db, slog.New(slog.DiscardHandler), in)
		if err := j.Open(ctx); err != nil {
			t.Fatal(err)
		}
		seen := 0
		rapid.Check(t, func(rt *rapid.T) {
			entries := threads(rt)
			ws := entries[0].Workspace
			ids := map[holdfast.ID]bool{}
			for _, e := range entries {
				ids[e.Subject] = true
			}
			if err := db.Write(ctx, func(tx *store.Tx) error {
				for _, table := range append(in.Tables(), "journal") {
					if err := tx.Exec("DELETE FROM " + table); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				rt.Fatal(err)
			}
			if _, err := j.Receive(ctx, entries); err != nil {
				rt.Fatal(err)
			}
			var all []holdfast.ID
			for id := range ids {
				all = append(all, id)
			}
			const limit = 3
			list, err := in.Kept(ctx, ws, holdfast.ID{}, all, limit)
			if err != nil {
				rt.Fatal(err)
			}
			had := map[holdfast.ID]bool{}
			for _, k := range list {
				had[k.ID] = true
				c, err := in.Conversation(ctx, ws, k.ID, holdfast.ID{})
				if err != nil {
					rt.Fatal(err)
				}
				messages, more, err := in.Messages(ctx, ws, k.ID, 0, limit)
				if err != nil {
					rt.Fatal(err)
				}
				if !reflect.DeepEqual(*c, k.Conversation) {
					rt.Fatalf("together %+v\nalone    %+v", k.Conversation, *c)
				}
				if more != k.Earlier || fmt.Sprintf("%+v", ended(messages)) != fmt.Sprintf("%+v", ended(k.Messages)) {
					rt.Fatalf("together %v %+v\nalone    %v %+v", k.Earlier, ended(k.Messages), more, ended(messages))
				}
				seen += len(messages)
			}
			for _, id := range all {
				if c, err := in.Conversation(ctx, ws, id, holdfast.ID{}); err != nil || had[id] != (c.ID == id) {
					rt.Fatalf("%s is there %v, %v", id, had[id], err)
				}
			}
			if other, err := in.Kept(ctx, holdfast.NewID(), holdfast.ID{}, all, limit); err != nil || len(other) != 0 {
				rt.Fatalf("another workspace was given %d, %v", len(other), err)
			}
		})
		if seen == 0 {
			t.Error("no story had a message")
		}
	})
}

// ended are messages without what points elsewhere, to be compared.
func ended(list []inbox.Message) (out []string) {
	for _, m := range list {
		out = append(out, fmt.Sprint(m.ID, m.Conversation, m.Clock, m.Text, m.Direction, m.Delivery == nil))
	}
	return out
}
