package search

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"holdfast"
	"holdfast/store"
)

// databases runs a test on each database there is.
func databases(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Run("sqlite", func(t *testing.T) { test(t, open(t, "")) })
	t.Run("postgres", func(t *testing.T) { test(t, open(t, postgresURL(t))) })
}

func open(t testing.TB, url string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// postgresURL makes an empty database that goes with the test.
func postgresURL(t testing.TB) string {
	t.Helper()
	server := os.Getenv("HOLDFAST_TEST_POSTGRES")
	if server == "" {
		if os.Getenv("HOLDFAST_TEST_REQUIRE") == "all" {
			t.Fatal("HOLDFAST_TEST_POSTGRES must name a PostgreSQL server")
		}
		t.Skip("HOLDFAST_TEST_POSTGRES names no PostgreSQL server")
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	name := "search_" + strings.ReplaceAll(holdfast.NewID().String(), "-", "")
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// desk writes entries into the index and, as the inbox would, into the tables
// that hold the texts.
type desk struct {
	testing.TB
	db        *store.DB
	index     *Index
	workspace holdfast.ID
	lsn       *holdfast.LSN // one journal for all workspaces
	entries   *[]*holdfast.Entry
}

func newDesk(t testing.TB, db *store.DB) *desk {
	return &desk{TB: t, db: db, index: New(db), workspace: holdfast.NewID(), lsn: new(holdfast.LSN), entries: new([]*holdfast.Entry)}
}

// another is a second workspace of the same installation.
func (d *desk) another() *desk {
	o := *d
	o.workspace = holdfast.NewID()
	return &o
}

func (d *desk) entry(subject holdfast.ID, body holdfast.Body) *holdfast.Entry {
	*d.lsn++
	e := &holdfast.Entry{LSN: *d.lsn, Clock: holdfast.Clock(*d.lsn), Workspace: d.workspace, Subject: subject, Kind: body.EntryKind(), Body: body}
	*d.entries = append(*d.entries, e)
	return e
}

func (d *desk) do(subject holdfast.ID, body holdfast.Body) holdfast.LSN {
	d.Helper()
	e := d.entry(subject, body)
	d.write(func(tx *store.Tx) error {
		if err := d.keep(tx, e); err != nil {
			return err
		}
		return d.index.Apply(tx, e)
	})
	return e.LSN
}

func (d *desk) write(fn func(tx *store.Tx) error) {
	d.Helper()
	if err := d.db.Write(context.Background(), fn); err != nil {
		d.Fatal(err)
	}
}

// keep does the inbox's part.
func (d *desk) keep(tx *store.Tx, e *holdfast.Entry) error {
	message := func(id holdfast.ID, direction holdfast.Direction, subject, text string) error {
		return tx.Exec("INSERT INTO message (lsn, id, workspace, conversation, clock, at, direction, subject, text) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
			e.LSN, id, e.Workspace, e.Subject, e.Clock, time.UnixMilli(1000*int64(e.LSN)), string(direction), subject, text)
	}
	address := func(a holdfast.Address) error {
		return tx.Exec("INSERT INTO address (workspace, scheme, value, customer, name, stamp) VALUES ($1, $2, $3, $4, $5, $6)", e.Workspace, a.Scheme, a.Value, e.Subject, a.Name, store.Stamp(e))
	}
	switch b := e.Body.(type) {
	case *holdfast.MessageReceived:
		return message(b.Message, holdfast.Inbound, b.Subject, b.Text)
	case *holdfast.MessageQueued:
		return message(b.Message, holdfast.Outbound, b.Subject, b.Text)
	case *holdfast.MessageNoted:
		return message(b.Message, holdfast.Note, "", b.Text)
	case *holdfast.ConversationOpened:
		return tx.Exec("INSERT INTO conversation (id, workspace, number, customer, subject) VALUES ($1, $2, $3, $4, $5)", e.Subject, e.Workspace, b.Number, b.Customer, b.Subject)
	case *holdfast.ConversationSubject:
		return tx.Exec("UPDATE conversation SET subject = $1 WHERE id = $2", b.Subject, e.Subject)
	case *holdfast.CustomerCreated:
		if err := tx.Exec("INSERT INTO customer (id, workspace, name) VALUES ($1, $2, $3)", e.Subject, e.Workspace, b.Name); err != nil {
			return err
		}
		for _, a := range b.Addresses {
			if err := address(a); err != nil {
				return err
			}
		}
	case *holdfast.CustomerChanged:
		if b.Name != nil {
			if err := tx.Exec("UPDATE customer SET name = $1 WHERE id = $2", *b.Name, e.Subject); err != nil {
				return err
			}
		}
		if b.Company != nil {
			return tx.Exec("UPDATE customer SET company = $1 WHERE id = $2", *b.Company, e.Subject)
		}
	case *holdfast.AddressAdded:
		return address(b.Address)
	}
	return nil
}

func (d *desk) customer(name string, addresses ...holdfast.Address) holdfast.ID {
	d.Helper()
	id := holdfast.NewID()
	d.do(id, &holdfast.CustomerCreated{Name: name, Addresses: addresses})
	return id
}

func (d *desk) conversation(number int64, customer holdfast.ID, subject string) holdfast.ID {
	d.Helper()
	id := holdfast.NewID()
	d.do(id, &holdfast.ConversationOpened{Number: number, Customer: customer, Subject: subject})
	return id
}

func (d *desk) says(conversation holdfast.ID, text string) holdfast.LSN {
	d.Helper()
	return d.do(conversation, &holdfast.MessageReceived{Message: holdfast.NewID(), Text: text})
}

func (d *desk) search(q Query) Results {
	d.Helper()
	q.Workspace = d.workspace
	res, err := d.index.Search(context.Background(), q)
	if err != nil {
		d.Fatalf("search for %q: %v", q.Text, err)
	}
	return res
}

// finds are the texts that a query finds, as their numbers in the order of writing.
func (d *desk) finds(text string) string {
	d.Helper()
	var list []string
	res := d.search(Query{Text: text, Notes: true})
	for _, h := range res.Messages {
		list = append(list, fmt.Sprint(h.LSN))
	}
	if res.Loose {
		list = append(list, "loose")
	}
	return strings.Join(list, " ")
}

func marked(parts []Part) string {
	var b strings.Builder
	for _, p := range parts {
		if p.Mark {
			b.WriteString("[" + p.Text + "]")
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}
