package chat

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"holdfast"
	"holdfast/channel"
)

// nothing is a desk that costs nothing, so that only the handler is measured.
type nothing struct{ *world }

func (nothing) Accept(_ context.Context, m channel.Inbound) (channel.Accepted, error) {
	return channel.Accepted{Message: m.ID, Conversation: m.ID, LSN: 1}, nil
}

func BenchmarkPostMessage(b *testing.B) {
	d := newWorld()
	a := adapterFor(b, d, testAccount, make([]byte, 32), func(s *Settings) { s.VisitorRate, s.AddressRate = 0, 0 })
	token := "Bearer " + a.visitorToken(&claims{Visitor: holdfast.NewID().String(), Name: "Ana", Lang: "en"})
	sink := nothing{d}
	b.ReportAllocs()
	for b.Loop() {
		body := fmt.Sprintf(`{"id":"%s","text":"Where is my order? It should have come on Monday.","page":"https://shop.example/cart"}`, holdfast.NewID())
		req := httptest.NewRequest(http.MethodPost, "/messages", strings.NewReader(body))
		req.Header.Set("Authorization", token)
		req.Header.Set("Origin", "https://shop.example")
		rec := &recorder{header: http.Header{}}
		a.ServeWebhook(rec, req, sink)
		if rec.status != http.StatusCreated {
			b.Fatal(rec.status)
		}
	}
}
