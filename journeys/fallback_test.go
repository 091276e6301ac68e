package journeys

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"holdfast"
	"holdfast/app"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/demo"
	"holdfast/journal"
)

// TestAnotherWay walks an administrator through an outage in Chromium: the mailbox is
// cut, the composer says so, the answer goes by telephone, and the customer's answer
// to it comes back into the same conversation.
func TestAnotherWay(t *testing.T) {
	t.Parallel()
	phone := loop.New().Called("phone", "tel")
	kind := phone.Kind(channel.ResendPark)
	kind.Limits.Attachments = 0
	texts := channel.Texts{}
	for lang, title := range map[string]string{"en": "Telephone", "ru": "Телефон", "fa": "تلفن"} {
		texts[lang] = map[string]string{}
		for k, v := range kind.Texts[lang] {
			texts[lang][k] = v
		}
		texts[lang]["title"] = title
	}
	kind.Texts = texts
	h := start(t, app.Config{Data: t.TempDir()}, func(a *app.App) *demo.Demo {
		a.Kinds = append(a.Kinds, kind)
		return nil
	})
	m := newMailman(t)
	m.desk, m.to = h.smtp, "help@desk.example"
	mailbox := h.mailbox(m.to, m.addr)
	account := h.channel("phone", "SMS", map[string]any{})
	h.runs(account)
	admin := h.newOperator(h.workspace, holdfast.Administrator, "admin@desk.example")

	says := func(state, was holdfast.ChannelState) {
		_, err := h.Journal.Do(context.Background(), journal.Command{Workspace: h.workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
			_, err := tx.Append(mailbox, &holdfast.ChannelChanged{Channel: mailbox, State: state, Was: was, Via: "link"})
			return err
		}})
		if err != nil {
			t.Error(err)
		}
	}
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/write":
			if err := m.carry("kim@customer.example", raw); err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
			}
		case "/cut":
			h.Outbox.Cut(mailbox, "reach", "No uplink answers.")
			says(holdfast.ChannelDown, holdfast.ChannelUp)
		case "/restore":
			h.Outbox.Restore(mailbox)
			says(holdfast.ChannelUp, holdfast.ChannelDown)
		case "/sms":
			number := "+" + r.URL.Query().Get("number")
			if r.Method == http.MethodGet {
				texts := []string{}
				for _, got := range phone.Received(number) {
					texts = append(texts, got.Text)
				}
				_ = json.NewEncoder(w).Encode(texts)
				return
			}
			marks := strings.Fields(r.URL.Query().Get("marks"))
			if _, err := phone.Deliver(r.Context(), account, channel.Inbound{Key: string(raw), Text: string(raw), From: holdfast.Address{Scheme: "tel", Value: number}, Marks: marks}); err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
			}
		}
	}))
	defer control.Close()
	play(t, "fallback.mjs", "HOLDFAST_URL="+h.base, "HOLDFAST_LINK="+h.link(admin), "CONTROL="+control.URL, "MAILBOX="+mailbox.String(), "PHONE="+account.String())
}
