package importer_test

import (
	"context"
	"testing"
	"time"

	"holdfast"
	"holdfast/importer"
	"holdfast/setup"
)

// A program that is told of everything that happens is not told of what happened
// long ago on another desk, and is told of what happens here next.
func TestHistoryIsNewsToNoProgram(t *testing.T) {
	d := newDesk(t, t.TempDir(), "")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.RunRooms(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	if _, err := d.Setup.CreateWebhook(ctx, d.by, setup.NewWebhook{URL: "http://127.0.0.1:9/"}); err != nil {
		t.Fatal(err)
	}
	tape := record(t, importer.Chatwoot)
	id := d.starts(importer.NewImport{Source: importer.Chatwoot, Settings: importer.Settings{URL: tape.URL, Token: "cw-secret"}}, "")
	for d.view(id).State != importer.Done {
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := d.Desk.CreateCustomer(ctx, deskBy(d), holdfast.NewID(), holdfast.CustomerCreated{Name: "New"}); err != nil {
		t.Fatal(err)
	}
	count := func(where string) (n int) {
		if err := d.DB.QueryRow(ctx, "SELECT COUNT(*) FROM webhook_delivery WHERE "+where).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for end := time.Now().Add(10 * time.Second); count("kind = 'customer.created'") == 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := count("kind = 'customer.created'"); n != 1 {
		t.Errorf("told of %d new customers, not of the one", n)
	}
	if n := count("kind LIKE 'message.%' OR kind LIKE 'conversation.%'"); n != 0 {
		t.Errorf("told of %d things of the past", n)
	}
}
