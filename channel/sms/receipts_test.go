package sms

import (
	"testing"

	"holdfast/channel"
	"holdfast/channel/channeltest"
)

// Where nobody says that a text has arrived, silence does not mean that it is late.
func TestReceiptsCountOnlyWhereTheyCome(t *testing.T) {
	smpp := `{"via":"smpp","smpp_host":"127.0.0.1","smpp_system_id":"desk","smpp_receipts":`
	web := `{"via":"http","http_user":"u","http_secret":"k","from":"+15005550006","gateway":`
	for _, c := range []struct {
		settings string
		public   string
		want     bool
	}{
		{smpp + `true}`, "", true},
		{smpp + `false}`, "", false},
		{web + `"twilio"}`, "https://desk.example", true},
		{web + `"twilio"}`, "", false}, // it has no address to call
		{web + `"vonage"}`, "https://desk.example", false},
		{web + `"smsc_ru"}`, "", true},
		{web + `"generic","http_url":"https://sms.example/"}`, "https://desk.example", false},
		{web + `"generic","http_url":"https://sms.example/","http_id":"json:id","http_status_url":"https://sms.example/{external}","http_status":"json:status"}`, "", true},
		{`{"via":"modem","modem_port":"/dev/ttyUSB0"}`, "", false}, // nobody has asked the modem yet
	} {
		b, k := channeltest.TestEnv(t), Kind()
		b.Env.PublicURL = c.public
		a, err := k.New(b.Account(t, k, c.settings), b.Env)
		if err != nil {
			t.Errorf("%s: %v", c.settings, err)
			continue
		}
		if got := channel.ReceiptsOf(k, a); got != c.want {
			t.Errorf("%s at %q: receipts %v", c.settings, c.public, got)
		}
	}
}

func TestAModemThatKeepsReportsGivesNone(t *testing.T) {
	for _, refuses := range []bool{false, true} {
		b := channeltest.TestEnv(t)
		m := plugIn(t, func(m *fakeModem) { m.noReports = refuses })
		a := onModem(t, b, m, "")
		if _, f := send(t, a, outbound(1, "Hello")); f != nil {
			t.Fatal(f)
		}
		if got := channel.ReceiptsOf(Kind(), a); got == refuses {
			t.Errorf("a modem that refuses reports (%v) gives receipts: %v", refuses, got)
		}
	}
}
