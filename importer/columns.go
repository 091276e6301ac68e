package importer

import (
	"strings"
	"unicode"

	"holdfast"
)

// Fields are what a column of a table can be.
var Fields = []string{"conversation", "subject", "status", "priority", "tags", "assignee", "created", "updated",
	"customer", "name", "mail", "phone", "company", "about", "language",
	"message", "direction", "date", "author", "author_name", "text", "html", "attachment", "message_id"}

const maxColumns = 200

// names are the headers that say what a column is, by field, folded as fold does.
var names = map[string]string{
	"conversation": "conversation|conversation id|ticket|ticket id|ticket number|case|case id|thread|thread id|обращение|номер обращения|id обращения|заявка|номер заявки|тикет|номер тикета|диалог|id диалога|گفتگو|شناسه گفتگو|تیکت|شماره تیکت|شناسه تیکت|درخواست|شماره درخواست",
	"subject":      "subject|title|topic|тема|заголовок|موضوع|عنوان",
	"status":       "status|state|ticket status|статус|состояние|وضعیت",
	"priority":     "priority|ticket priority|приоритет|اولویت",
	"tags":         "tags|tag|labels|label|теги|тег|метки|метка|برچسب|برچسبها|تگ",
	"assignee":     "assignee|assignee mail|assigned to|agent|agent mail|operator|owner|responsible|исполнитель|ответственный|оператор|назначен|کارشناس|مسئول|اپراتور|ارجاع به",
	"created":      "created|created at|created time|opened|opened at|создано|создан|дата создания|открыто|ایجاد|تاریخ ایجاد|زمان ایجاد",
	"updated":      "updated|updated at|modified|last activity|resolved at|closed at|обновлено|обновлен|изменено|дата изменения|закрыто|بروزرسانی|تاریخ بروزرسانی|بسته شدن",
	"customer":     "customer|customer id|contact id|client id|requester id|user id|id клиента|клиент id|номер клиента|شناسه مشتری|کد مشتری|شماره مشتری",
	"name":         "name|full name|customer name|contact name|client|client name|requester|requester name|contact|имя|фио|клиент|имя клиента|контакт|نام|نام مشتری|نام کامل|مشتری",
	"mail":         "mail|e mail|mail address|customer mail|contact mail|requester mail|client mail|from mail|почта|эл почта|электронная почта|адрес почты|почта клиента|ایمیل|رایانامه|پست الکترونیک|ایمیل مشتری",
	"phone":        "phone|phone number|telephone|mobile|tel|customer phone|телефон|номер телефона|тел|мобильный|تلفن|شماره تلفن|موبایل|تلفن همراه|شماره همراه|همراه",
	"company":      "company|organization|organisation|company name|account|компания|организация|фирма|شرکت|سازمان|نام شرکت",
	"about":        "about|notes|description of customer|customer notes|о клиенте|примечание о клиенте|примечания|توضیحات مشتری|درباره مشتری",
	"language":     "language|locale|lang|язык|زبان",
	"message":      "message id|id|comment id|номер сообщения|id сообщения|شناسه پیام|شناسه",
	"direction":    "direction|type|message type|kind|направление|тип|вид|جهت|نوع",
	"date":         "date|time|sent|sent at|message date|datetime|timestamp|дата|время|дата сообщения|отправлено|дата и время|تاریخ|زمان|تاریخ پیام|تاریخ ارسال",
	"author":       "author mail|sender mail|replied by|почта автора|почта отправителя|ایمیل نویسنده|ایمیل فرستنده",
	"author_name":  "author|author name|sender|from|from name|автор|имя автора|отправитель|от кого|نویسنده|فرستنده|نام فرستنده",
	"text":         "text|message|body|content|comment|description|reply|question|текст|сообщение|текст сообщения|содержание|комментарий|вопрос|описание|متن|پیام|متن پیام|محتوا|شرح",
	"html":         "html|html body|body html|message html",
	"attachment":   "attachment|attachments|file|files|attachment url|file url|вложение|вложения|файл|файлы|پیوست|پیوستها|فایل",
	"message_id":   "rfc message id|mail message id|header message id",
}

var byHeader = func() map[string]string {
	m := map[string]string{}
	for field, list := range names {
		for h := range strings.SplitSeq(list, "|") {
			m[fold(h)] = field
		}
	}
	return m
}()

// fold is a header without what differs between those who write the same one:
// case, signs, letters that look alike, and the "e" before mail.
func fold(s string) string {
	var b strings.Builder
	space := false
	for _, r := range strings.ToLower(digits(s)) {
		switch r {
		case 'ё':
			r = 'е'
		case 'ك':
			r = 'ک'
		case 'ي', 'ى':
			r = 'ی'
		case '\u200c', '\u0640':
			continue
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	out := " " + strings.ReplaceAll(b.String(), "e mail", "mail") + " "
	out = strings.ReplaceAll(out, " e"+"mail ", " mail ")
	return strings.TrimSpace(out)
}

// columnsOf says which field each column is; "" for those that are none. given
// wins over the headers' own names.
func columnsOf(header []string, given map[string]string) ([]string, error) {
	out, taken := fieldsOf(header, given)
	if !taken["name"] && !taken["mail"] && !taken["phone"] && !taken["customer"] {
		return nil, holdfast.Errorf(holdfast.Invalid, "import.columns", "no column of the table says who the customers are").WithField("columns").
			WithNext("Name a column \"name\", \"e-mail\" or \"phone\", or say which column is which.")
	}
	return out, nil
}

// fieldsOf is columnsOf without the question whether that is enough.
func fieldsOf(header []string, given map[string]string) (out []string, taken map[string]bool) {
	out, taken = make([]string, len(header)), map[string]bool{}
	set := map[string]string{}
	for h, field := range given {
		set[fold(h)] = field
	}
	for i, h := range header {
		if f, ok := set[fold(h)]; ok {
			if out[i] = f; f != "" {
				taken[f] = true
			}
		}
	}
	for i, h := range header {
		if _, ok := set[fold(h)]; ok {
			continue
		}
		if f := byHeader[fold(h)]; f != "" && !taken[f] {
			out[i], taken[f] = f, true
		}
	}
	return out, taken
}

func words(s string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.SplitSeq(s, "|") {
		m[fold(w)] = true
	}
	return m
}

var (
	saysIn   = words("in|incoming|inbound|customer|client|user|contact|requester|end user|question|входящее|входящий|входящая|клиент|от клиента|вопрос|ورودی|دریافتی|مشتری|سوال")
	saysOut  = words("out|outgoing|outbound|agent|operator|reply|response|answer|support|staff|admin|public reply|исходящее|исходящий|исходящая|оператор|сотрудник|ответ|поддержка|خروجی|ارسالی|کارشناس|اپراتور|پاسخ|پشتیبان|پشتیبانی")
	saysNote = words("note|private|private note|internal|internal note|comment internal|заметка|внутреннее|внутренний комментарий|внутренняя заметка|служебное|یادداشت|داخلی|یادداشت داخلی|خصوصی")
)

var statuses = map[holdfast.Status]map[string]bool{
	holdfast.Open:     words("open|new|active|in progress|reopened|открыто|открыт|открыта|новое|новый|новая|в работе|باز|جدید|در حال بررسی"),
	holdfast.Waiting:  words("waiting|pending|on hold|hold|waiting on customer|waiting for customer|ожидание|ожидает|ожидает ответа|отложено ожидание|ждет клиента|در انتظار|منتظر|در انتظار مشتری"),
	holdfast.Snoozed:  words("snoozed|postponed|отложено|отложен|отложена|به تعویق افتاده|معوق"),
	holdfast.Resolved: words("resolved|solved|done|решено|решен|решена|выполнено|حل شده|انجام شده|پاسخ داده شده"),
	holdfast.Closed:   words("closed|archived|закрыто|закрыт|закрыта|архив|بسته|بسته شده"),
}

var priorities = map[holdfast.Priority]map[string]bool{
	holdfast.Low:    words("low|1|низкий|низкая|کم|پایین"),
	holdfast.Normal: words("normal|medium|none|2|обычный|обычная|средний|средняя|нормальный|عادی|متوسط|معمولی"),
	holdfast.High:   words("high|3|высокий|высокая|زیاد|بالا|مهم"),
	holdfast.Urgent: words("urgent|critical|4|срочный|срочно|критический|критичный|فوری|بحرانی"),
}

// statusOf reads a status in three languages; ok is false for another word.
func statusOf(s string) (holdfast.Status, bool) {
	s = fold(s)
	for st, set := range statuses {
		if set[s] {
			return st, true
		}
	}
	return "", s == ""
}

func priorityOf(s string) (*holdfast.Priority, bool) {
	s = fold(s)
	for p, set := range priorities {
		if set[s] {
			return &p, true
		}
	}
	return nil, s == ""
}

func directionOf(s string) (holdfast.Direction, bool) {
	switch s = fold(s); {
	case s == "":
		return "", true
	case saysIn[s]:
		return holdfast.Inbound, true
	case saysOut[s]:
		return holdfast.Outbound, true
	case saysNote[s]:
		return holdfast.Note, true
	}
	return "", false
}
