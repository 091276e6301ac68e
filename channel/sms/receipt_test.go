package sms

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"holdfast"
)

func TestReceipts(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse("2006-01-02 15:04:05", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for text, want := range map[string]receipt{
		"id:7 sub:001 dlvrd:001 submit date:2601021504 done date:260102150507 stat:DELIVRD err:000 text:Your order": {"7", "DELIVRD", "000", at("2026-01-02 15:04:00"), at("2026-01-02 15:05:07"), "Your order"},
		"STAT:undeliv ID:0A Err:21b":                        {"0A", "UNDELIV", "21b", time.Time{}, time.Time{}, ""},
		"text: stat:EXPIRED id:5":                           {"5", "EXPIRED", "", time.Time{}, time.Time{}, ""},
		"id:5 stat:DELIVRD err:000 text:id:9 stat:REJECTD!": {"5", "DELIVRD", "000", time.Time{}, time.Time{}, "id:9 stat:REJECTD!"},
	} {
		if have, ok := parseReceipt(text); !ok || have != want {
			t.Errorf("%q: %+v, want %+v", text, have, want)
		}
	}
	for _, text := range []string{"", "Hello", "grid:7 status:x", "id:7 sub:001"} {
		if r, ok := parseReceipt(text); ok {
			t.Errorf("%q is taken for a receipt: %+v", text, r)
		}
	}
	for state, want := range map[string]holdfast.Delivery{"DELIVRD": holdfast.Delivered, "UNDELIV": holdfast.Failed, "DND_REJECTED": holdfast.Failed, "EXPIRED": holdfast.Failed,
		"DELETED": holdfast.Failed, "REJECTD": holdfast.Failed, "ENROUTE": "", "ACCEPTD": "", "UNKNOWN": "", "BADSTAT": ""} {
		if have := (receipt{State: state}).verdict(); have != want {
			t.Errorf("%s: %q, want %q", state, have, want)
		}
	}
}

// The receipts of other programs' tests: whoever refuses some of them, their id and
// state can be read wherever they are there.
func TestReceiptsOfOthers(t *testing.T) {
	b, err := os.ReadFile("../../../shared/corpora/smpp/delivery-receipts.json")
	if err != nil {
		t.Skip("the corpora are not here: ", err)
	}
	var list []struct {
		Text, Test string
		Assertions []string
	}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 20 {
		t.Fatalf("only %d receipts", len(list))
	}
	for _, c := range list {
		r, ok := parseReceipt(c.Text)
		if want := strings.Contains(c.Text, "stat:"); ok != want {
			t.Errorf("%q: read %v, want %v", c.Text, ok, want)
			continue
		}
		if !ok {
			continue
		}
		if _, rest, has := strings.Cut(" "+c.Text, " id:"); has {
			if id, _, _ := strings.Cut(rest, " "); r.ID != id {
				t.Errorf("%q: id %q", c.Text, r.ID)
			}
		}
		if strings.Contains(c.Text, "stat:DELIVRD") != (r.verdict() == holdfast.Delivered) {
			t.Errorf("%q: %q", c.Text, r.verdict())
		}
		if strings.Contains(c.Text, "done date:") && !strings.Contains(c.Text, "date:0000") && r.Done.Before(time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%q: done at %v", c.Text, r.Done)
		}
		if strings.HasSuffix(c.Text, " text:Hello World") && r.Text != "Hello World" {
			t.Errorf("%q: text %q", c.Text, r.Text)
		}
	}
}

func FuzzReceipt(f *testing.F) {
	f.Add("id:7 sub:001 dlvrd:001 submit date:2601021504 done date:2601021504 stat:DELIVRD err:000 text:Your order")
	f.Fuzz(func(t *testing.T, s string) {
		r, _ := parseReceipt(s)
		r.verdict()
		idForms(r.ID)
	})
}

func TestWishes(t *testing.T) {
	for text, want := range map[string]string{"STOP": markOut, " stop. ": markOut, "СТОП": markOut, "Стоп!": markOut, "ОТПИСКА": markOut, "لغو": markOut, "لَغو": markOut, "لغو ۱۱": markOut, "لغو11": markOut,
		"Unsubscribe": markOut, "START": markIn, "Старт": markIn, "شروع": markIn, "отписаться": markOut,
		"": "", "stop sending me red ones, send blue": "", "Стоп-кран": "", "Не стоп": "", "سفارش را لغو کنید": "", "starting": ""} {
		if have := wish(text); have != want {
			t.Errorf("%q is %q, want %q", text, have, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range [][3]string{{"8 912 345-67-89", "RU", "+79123456789"}, {"+7 (912) 345-67-89", "", "+79123456789"}, {"79123456789", "", "+79123456789"}, {"۰۹۱۲۱۲۳۴۵۶۷", "IR", "+989121234567"},
		{"00989121234567", "IR", "+989121234567"}, {"989121234567", "RU", "+989121234567"}, {"0900", "RU", "0900"}, {"Sberbank", "RU", "Sberbank"}, {"3000505", "IR", "3000505"}} {
		if have := number(c[0], c[1]); have != c[2] {
			t.Errorf("%s in %s is %s, want %s", c[0], c[1], have, c[2])
		}
	}
}
