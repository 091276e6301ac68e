package sms

import (
	"holdfast"
	"holdfast/channel"
)

// call is one request to a provider, as templates.
type call struct {
	method  string
	url     string // behind the base, or a whole address
	headers []string
	kind    string // of the body: "form", "json", "xml" or "" for none
	body    string
}

// gateway is a provider behind HTTP, as data: how a text is handed over, how its
// answer is read, how its state is asked for and what it calls us with.
type gateway struct {
	base   string
	reach  holdfast.Reach
	user   bool // it wants a name beside the secret
	sender bool // it wants to know who sends
	own    bool // it takes our id, and reports by it

	send   call
	ok     finder // a condition; without one a status of 2xx is enough
	id     finder
	code   finder
	detail finder
	outer  finder // the code of an answer that says nothing of the text
	codes  map[string]channel.Reason

	status    *call // asked for texts that have not arrived
	state     finder
	delivered []string
	failed    []string

	balance *call
	value   finder
	unit    finder

	inbox *inbox
	hook  hook
	fault finder // why a status or a balance was refused
}

// inbox is a list of what came in, for providers that can be asked for it.
type inbox struct {
	call               call
	id, from, to, text string // fields of each entry
	at                 string
	layout             string // of at
	zone               int    // seconds east of UTC
}

// gateways are the providers that are ready, by the option of the settings.
var gateways = map[string]gateway{
	"twilio": {
		base: "https://api.twilio.com", reach: holdfast.International, user: true, sender: true,
		send: call{method: "POST", url: "/2010-04-01/Accounts/{user}/Messages.json", headers: []string{"Authorization: Basic {basic}"}, kind: "form",
			body: "To={to}&From={from}&Body={text}&StatusCallback={hook}"},
		id: mustFinder("json:sid"), code: mustFinder("json:code"), detail: mustFinder("json:message"), fault: mustFinder("json:message"),
		ok: mustFinder("json:sid"),
		codes: map[string]channel.Reason{
			"20003": channel.Broken, "20005": channel.Broken, "20404": channel.Broken, "20429": channel.Throttled, "14107": channel.Throttled, "21611": channel.Throttled, "30001": channel.Throttled,
			"21211": channel.Permanent, "21217": channel.Permanent, "21408": channel.Permanent, "21602": channel.Permanent, "21604": channel.Permanent, "21605": channel.Permanent,
			"21612": channel.Permanent, "21614": channel.Permanent, "21617": channel.Permanent, "21610": channel.Blocked, "21635": channel.Blocked,
			"21212": channel.Broken, "21603": channel.Broken, "21606": channel.Broken, "21659": channel.Broken, "21660": channel.Broken, "30002": channel.Broken,
		},
		delivered: []string{"delivered"}, failed: []string{"failed", "undelivered"},
		balance: &call{method: "GET", url: "/2010-04-01/Accounts/{user}/Balance.json", headers: []string{"Authorization: Basic {basic}"}},
		value:   mustFinder("json:balance"), unit: mustFinder("json:currency"),
		hook: hook{signed: twilioSigned, key: []string{"MessageSid", "SmsSid"}, from: []string{"From"}, to: []string{"To"}, text: []string{"Body"},
			our: []string{"m"}, external: []string{"MessageSid", "SmsSid"}, state: []string{"MessageStatus", "SmsStatus"}, why: []string{"ErrorCode"}, mediaType: "text/xml", answer: "<Response></Response>"},
	},
	"vonage": {
		base: "https://rest.nexmo.com", reach: holdfast.International, user: true, sender: true, own: true,
		send: call{method: "POST", url: "/sms/json", kind: "form",
			body: "api_key={user}&api_secret={secret}&from={from}&to={to_digits}&text={text}&type={type}&client-ref={id}&status-report-req=1"},
		ok: mustFinder("json:messages.0.status=0"), id: mustFinder("json:messages.0.message-id"), code: mustFinder("json:messages.0.status"), detail: mustFinder("json:messages.0.error-text"),
		codes: map[string]channel.Reason{
			"1": channel.Throttled, "2": channel.Permanent, "3": channel.Permanent, "4": channel.Broken, "5": channel.Unknown, "6": channel.Permanent, "7": channel.Blocked,
			"8": channel.Broken, "9": channel.Broken, "10": channel.Throttled, "11": channel.Broken, "12": channel.Permanent, "14": channel.Broken, "15": channel.Broken,
			"22": channel.Permanent, "23": channel.Broken, "29": channel.Permanent, "32": channel.Broken, "33": channel.Blocked,
		},
		delivered: []string{"delivered"}, failed: []string{"failed", "expired", "rejected"},
		balance: &call{method: "GET", url: "/account/get-balance?api_key={user}&api_secret={secret}"},
		value:   mustFinder("json:value"), fault: mustFinder("json:error-code-label"),
		hook: hook{signed: vonageSigned, key: []string{"messageId", "message-id"}, from: []string{"msisdn"}, to: []string{"to"}, text: []string{"text"},
			our: []string{"client-ref"}, external: []string{"messageId", "message-id"}, state: []string{"status"}, why: []string{"err-code"},
			at: []string{"message-timestamp"}, layout: "2006-01-02 15:04:05", ref: "concat-ref", total: "concat-total", number: "concat-part", answer: "OK"},
	},
	"smsc_ru": {
		base: "https://smsc.ru", reach: holdfast.Domestic, user: true, own: true,
		send: call{method: "POST", url: "/sys/send.php", kind: "form", body: "login={user}&psw={secret}&phones={to_digits}&mes={text}&sender={from}&id={id}&charset=utf-8&fmt=3"},
		ok:   mustFinder("json:cnt"), id: mustFinder("json:id"), code: mustFinder("json:error_code"), detail: mustFinder("json:error"),
		codes: map[string]channel.Reason{
			"1": channel.Permanent, "2": channel.Broken, "3": channel.Broken, "4": channel.Throttled, "5": channel.Permanent, "6": channel.Permanent,
			"7": channel.Permanent, "8": channel.Blocked, "9": channel.Throttled,
		},
		status: &call{method: "POST", url: "/sys/status.php", kind: "form", body: "login={user}&psw={secret}&phone={to_digits}&id={external}&charset=utf-8&fmt=3"},
		state:  mustFinder("json:status"), delivered: []string{"1", "2", "4"}, failed: []string{"3", "20", "22", "23", "24", "25"},
		balance: &call{method: "POST", url: "/sys/balance.php", kind: "form", body: "login={user}&psw={secret}&cur=1&fmt=3"},
		value:   mustFinder("json:balance"), unit: mustFinder("json:currency"), fault: mustFinder("json:error"),
		inbox: &inbox{call: call{method: "POST", url: "/sys/get.php", kind: "form", body: "get_answers=1&login={user}&psw={secret}&after_id={cursor}&charset=utf-8&fmt=3"},
			id: "id", from: "phone", to: "to_phone", text: "message", at: "received", layout: "02.01.2006 15:04:05", zone: 3 * 3600},
		hook: hook{from: []string{"phone"}, to: []string{"to"}, text: []string{"mes"}, key: []string{"sms_id", "id"}, our: []string{"id"}, external: []string{"id"},
			state: []string{"status"}, why: []string{"err"}, answer: "OK"},
	},
	"sms_ru": {
		base: "https://sms.ru", reach: holdfast.Domestic,
		send: call{method: "POST", url: "/sms/send", kind: "form", body: "api_id={secret}&to={to_digits}&msg={text}&from={from}&json=1"},
		ok:   mustFinder("json:sms.*.status_code=100"), id: mustFinder("json:sms.*.sms_id"), code: mustFinder("json:sms.*.status_code"), detail: mustFinder("json:sms.*.status_text"), outer: mustFinder("json:status_code"),
		codes: map[string]channel.Reason{
			"200": channel.Broken, "201": channel.Broken, "202": channel.Permanent, "203": channel.Permanent, "204": channel.Broken, "205": channel.Permanent, "206": channel.Throttled,
			"207": channel.Permanent, "208": channel.Permanent, "209": channel.Blocked, "210": channel.Broken, "211": channel.Broken, "212": channel.Permanent, "213": channel.Permanent,
			"214": channel.Permanent, "215": channel.Blocked, "216": channel.Permanent, "217": channel.Permanent, "218": channel.Permanent, "219": channel.Permanent, "220": channel.Temporary,
			"230": channel.Permanent, "231": channel.Throttled, "232": channel.Permanent, "233": channel.Permanent, "300": channel.Broken, "301": channel.Broken, "302": channel.Broken,
			"303": channel.Broken, "304": channel.Broken, "305": channel.Broken, "500": channel.Unknown,
		},
		status: &call{method: "POST", url: "/sms/status", kind: "form", body: "api_id={secret}&sms_id={external}&json=1"},
		state:  mustFinder("json:sms.*.status_code"), delivered: []string{"103", "110"}, failed: []string{"104", "105", "106", "107", "108", "150"},
		balance: &call{method: "POST", url: "/my/balance", kind: "form", body: "api_id={secret}&json=1"},
		value:   mustFinder("json:balance"), fault: mustFinder("json:status_text"),
		hook: hook{read: smsruRead, answer: "100"},
	},
	"kavenegar": {
		base: "https://api.kavenegar.com", reach: holdfast.Domestic,
		send: call{method: "POST", url: "/v1/{secret}/sms/send.json", kind: "form", body: "receptor={to_iran}&sender={from}&message={text}"},
		ok:   mustFinder("json:return.status=200"), id: mustFinder("json:entries.0.messageid"), code: mustFinder("json:return.status"), detail: mustFinder("json:return.message"),
		codes: map[string]channel.Reason{
			"400": channel.Permanent, "401": channel.Broken, "402": channel.Temporary, "403": channel.Broken, "404": channel.Broken, "405": channel.Broken, "406": channel.Permanent,
			"407": channel.Broken, "409": channel.Temporary, "411": channel.Permanent, "412": channel.Broken, "413": channel.Permanent, "414": channel.Permanent, "416": channel.Broken,
			"417": channel.Permanent, "418": channel.Broken, "419": channel.Permanent, "420": channel.Permanent, "422": channel.Permanent, "427": channel.Broken, "429": channel.Broken,
			"451": channel.Throttled, "501": channel.Permanent,
		},
		status: &call{method: "POST", url: "/v1/{secret}/sms/status.json", kind: "form", body: "messageid={external}"},
		state:  mustFinder("json:entries.0.status"), delivered: []string{"10"}, failed: []string{"6", "11", "13", "14"},
		balance: &call{method: "POST", url: "/v1/{secret}/account/info.json"},
		value:   mustFinder("json:entries.remaincredit"), fault: mustFinder("json:return.message"),
		hook: hook{from: []string{"from"}, to: []string{"to"}, text: []string{"message"}, key: []string{"messageid"}, external: []string{"messageid"},
			state: []string{"status", "statusid"}, answer: "OK"},
	},
	"ghasedak": {
		base: "https://gateway.ghasedak.me", reach: holdfast.Domestic, sender: true,
		send: call{method: "POST", url: "/rest/api/v1/WebService/SendSingleSMS", headers: []string{"ApiKey: {secret}"}, kind: "json",
			body: `{"lineNumber":"{from}","receptor":"{to_iran}","message":"{text}","clientReferenceId":"{id}"}`},
		ok: mustFinder("json:isSuccess=true"), id: mustFinder("json:data.messageId"), code: mustFinder("json:statusCode"), detail: mustFinder("json:message"),
		codes: map[string]channel.Reason{
			"400": channel.Permanent, "401": channel.Broken, "402": channel.Broken, "403": channel.Broken, "404": channel.Broken, "418": channel.Broken, "429": channel.Throttled, "500": channel.Unknown,
		},
		balance: &call{method: "GET", url: "/rest/api/v1/WebService/GetAccountInformation", headers: []string{"ApiKey: {secret}"}},
		value:   mustFinder("json:data.credit"), fault: mustFinder("json:message"),
		delivered: []string{"1", "delivered"}, failed: []string{"failed", "undelivered", "rejected"},
		hook: hook{from: []string{"sender", "from"}, to: []string{"receiver", "receptor", "to"}, text: []string{"message", "text"}, key: []string{"messageid", "id"},
			external: []string{"messageid", "id"}, state: []string{"status"}, answer: "OK"},
	},
}
