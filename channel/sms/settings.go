package sms

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers/v2"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/sms/gsm"
)

// Settings of one SMS account; the console draws the form from the tags.
type Settings struct {
	Via    string `json:"via" form:"section=number,options=smpp;http;modem"`
	From   string `json:"from" form:"section=number"`
	Region string `json:"region" form:"section=number"`

	Price    string `json:"price" form:"section=price"`
	Currency string `json:"currency" form:"section=price"`
	MaxParts int    `json:"max_parts" form:"section=price"`

	SMPPHost     string         `json:"smpp_host" form:"section=smpp,required,show=via=smpp"`
	SMPPPort     int            `json:"smpp_port" form:"section=smpp,required,show=via=smpp"`
	SMPPSecurity string         `json:"smpp_security" form:"section=smpp,options=tls;none,show=via=smpp"`
	SMPPSystem   string         `json:"smpp_system_id" form:"section=smpp,required,show=via=smpp"`
	SMPPPassword channel.Secret `json:"smpp_password" form:"section=smpp,show=via=smpp"`
	SMPPType     string         `json:"smpp_system_type" form:"section=smpp,show=via=smpp"`
	SMPPRate     int            `json:"smpp_rate" form:"section=smpp,show=via=smpp"`
	SMPPWindow   int            `json:"smpp_window" form:"section=smpp,show=via=smpp"`
	SMPPLong     string         `json:"smpp_long" form:"section=smpp,options=udh;sar;payload,show=via=smpp"`
	SMPPLetters  string         `json:"smpp_letters" form:"section=smpp,options=gsm;latin1,show=via=smpp"`
	SMPPHours    int            `json:"smpp_validity_hours" form:"section=smpp,show=via=smpp"`
	SMPPReceipts bool           `json:"smpp_receipts" form:"section=smpp,show=via=smpp"`

	Gateway         string         `json:"gateway" form:"section=http,options=twilio;vonage;smsc_ru;sms_ru;kavenegar;ghasedak;generic,show=via=http"`
	HTTPURL         string         `json:"http_url" form:"section=http,show=via=http"`
	HTTPUser        string         `json:"http_user" form:"section=http,show=gateway=twilio|vonage|smsc_ru|generic"`
	HTTPSecret      channel.Secret `json:"http_secret" form:"section=http,show=via=http"`
	HTTPSigning     channel.Secret `json:"http_signing_secret" form:"section=http,show=gateway=vonage"`
	HTTPWord        channel.Secret `json:"http_hook_secret" form:"section=http,show=gateway=smsc_ru|sms_ru|kavenegar|ghasedak|generic"`
	HTTPMethod      string         `json:"http_method" form:"section=request,options=POST;GET,show=gateway=generic"`
	HTTPHeaders     []string       `json:"http_headers" form:"section=request,show=gateway=generic"`
	HTTPBodyType    string         `json:"http_body_type" form:"section=request,options=form;json;xml;nothing,show=gateway=generic"`
	HTTPBody        string         `json:"http_body" form:"section=request,show=gateway=generic"`
	HTTPOK          string         `json:"http_ok" form:"section=answer,show=gateway=generic"`
	HTTPID          string         `json:"http_id" form:"section=answer,show=gateway=generic"`
	HTTPError       string         `json:"http_error" form:"section=answer,show=gateway=generic"`
	HTTPCodes       []string       `json:"http_codes" form:"section=answer,show=gateway=generic"`
	HTTPStatusURL   string         `json:"http_status_url" form:"section=arrival,show=gateway=generic"`
	HTTPStatus      string         `json:"http_status" form:"section=arrival,show=gateway=generic"`
	HTTPDelivered   []string       `json:"http_delivered" form:"section=arrival,show=gateway=generic"`
	HTTPFailed      []string       `json:"http_failed" form:"section=arrival,show=gateway=generic"`
	HTTPBalanceURL  string         `json:"http_balance_url" form:"section=answer,show=gateway=generic"`
	HTTPBalance     string         `json:"http_balance" form:"section=answer,show=gateway=generic"`
	HTTPInFrom      string         `json:"http_in_from" form:"section=calls,show=gateway=generic"`
	HTTPInText      string         `json:"http_in_text" form:"section=calls,show=gateway=generic"`
	HTTPInID        string         `json:"http_in_id" form:"section=calls,show=gateway=generic"`
	HTTPReportID    string         `json:"http_report_id" form:"section=calls,show=gateway=generic"`
	HTTPReportState string         `json:"http_report_state" form:"section=calls,show=gateway=generic"`

	ModemPort    string         `json:"modem_port" form:"section=modem,required,show=via=modem"`
	ModemBaud    int            `json:"modem_baud" form:"section=modem,show=via=modem"`
	ModemPIN     channel.Secret `json:"modem_pin" form:"section=modem,show=via=modem"`
	ModemRate    int            `json:"modem_rate" form:"section=modem,show=via=modem"`
	ModemBalance string         `json:"modem_balance" form:"section=modem,show=via=modem"`
	ModemCentre  string         `json:"modem_centre" form:"section=modem,show=via=modem"`
	ModemHours   int            `json:"modem_validity_hours" form:"section=modem,show=via=modem"`
}

func defaults() *Settings {
	return &Settings{
		Via: "smpp", MaxParts: 10,
		SMPPPort: 2775, SMPPSecurity: "tls", SMPPRate: 10, SMPPWindow: 10, SMPPLong: "udh", SMPPLetters: "gsm", SMPPHours: 48, SMPPReceipts: true,
		Gateway: "twilio", HTTPMethod: "POST", HTTPBodyType: "form", HTTPBody: "to={to}&from={from}&text={text}",
		HTTPDelivered: []string{"delivered", "DELIVRD"}, HTTPFailed: []string{"failed", "undelivered", "UNDELIV", "expired", "EXPIRED", "rejected", "REJECTD"},
		HTTPInFrom: "from", HTTPInText: "text", HTTPInID: "id", HTTPReportID: "id", HTTPReportState: "status",
		ModemBaud: 115200, ModemRate: 8, ModemHours: 48,
	}
}

var (
	senderName   = regexp.MustCompile(`^[A-Za-z0-9 ._&'+-]{1,11}$`)
	senderNumber = regexp.MustCompile(`^\+?[0-9]{3,15}$`)
	price        = regexp.MustCompile(`^[0-9]{1,6}([.,][0-9]{1,4})?$`)
	currency     = regexp.MustCompile(`^[A-Z]{3}$`)
)

func bad(field, format string, args ...any) error {
	return holdfast.Errorf(holdfast.Invalid, "channel.setting_invalid", format, args...).WithField("settings." + field)
}

// check refuses settings that cannot work for any back-end.
func (s *Settings) check() error {
	if s.From != "" && !senderName.MatchString(s.From) && !senderNumber.MatchString(s.From) {
		return bad("from", "a sender is a number, or a name of up to 11 Latin letters and digits")
	}
	s.Region = strings.ToUpper(strings.TrimSpace(s.Region))
	if s.Region != "" && phonenumbers.GetCountryCodeForRegion(s.Region) == 0 {
		return bad("region", "%q is no country; write two letters such as RU or IR", s.Region)
	}
	if s.Price != "" && !price.MatchString(s.Price) {
		return bad("price", "the price of a part is a number such as 3.50")
	}
	s.Currency = strings.ToUpper(strings.TrimSpace(s.Currency))
	if s.Currency != "" && !currency.MatchString(s.Currency) {
		return bad("currency", "a currency is three letters such as RUB or IRR")
	}
	if s.MaxParts < 1 || s.MaxParts > 30 {
		return bad("max_parts", "a message has 1 to 30 parts")
	}
	return nil
}

// partPrice is what one part costs, 0 where it is not known.
func (s *Settings) partPrice() float64 {
	p, _ := strconv.ParseFloat(strings.ReplaceAll(s.Price, ",", "."), 64)
	return p
}

// latin1 reports whether the centre takes its small alphabet as Latin-1.
func (s *Settings) latin1() bool { return s.Via == "smpp" && s.SMPPLetters == "latin1" }

// alphabet is how a text is written down for this account.
func (s *Settings) alphabet(text string) gsm.Alphabet {
	a := gsm.Of(text)
	if a == gsm.GSM7 && s.latin1() && strings.ContainsFunc(text, func(r rune) bool { return r > 0xff }) {
		return gsm.UCS2 // such as the euro sign
	}
	return a
}
