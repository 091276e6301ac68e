package email

import (
	"regexp"
	"strings"
)

// The words that mail programs put around a quoted mail, in the languages that
// our corpora and our users show.
var (
	wroteVerb = regexp.MustCompile(`(?i)(^|[^\p{L}])(wrote|writes|schrieb|geschrieben|escribi[óo]|escribe|a écrit|a ecrit|écrit|ha scritto|scrisse|scrive|schreef|napisał(\(a\)|a)?|pisze|escreveu|skrev|kirjoitti|написал(\(а\)|а|и)?|пишет|писал(\(а\)|а)?|сообщает|написав(\(ла\))?|написала|пише|írta|napsal(\(a\)|a)?|napísal(\(a\)|a)?|yazdı|yazmış|написа|έγραψε|đã viết|viết|a scris|je napisao|pisao|напісаў|жазды|жазған|rašė|rakstīja|kirjutas|menulis|נכתב|כתב|כתבה|كتب|كتبت|نوشت|نوشته است|نوشتند|می‌نویسد|a wrote|skrifaði)([^\p{L}]|$)|写道|寫道|写信|さんは書きました|さんが書きました|님이 작성|작성:|のメール`)

	starter = regexp.MustCompile(`(?i)^[-–*_\s]*(on|le|am|el|il|op|den|dne|dňa|w dniu|dnia|em|no dia|on the|at|på|tor|man|tir|ons|fre|lør|søn|mon|tue|wed|thu|fri|sat|sun|lun|mar|mer|jeu|ven|sam|dim|gio|sab|dom|vào|lúc|в|во|від|от|пн|вт|ср|чт|пт|сб|вс|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье|у|در|بتاریخ|به تاریخ|در تاریخ|يوم|في|ב|בתאריך|在|于|於|\p{Nd})`)

	dateLike  = regexp.MustCompile(`\p{Nd}{4}|\p{Nd}{1,2}[./-]\p{Nd}{1,2}|\p{Nd}{1,2}[:：.٫]\p{Nd}{2}`)
	timeLike  = regexp.MustCompile(`\p{Nd}{1,2}[:：]\p{Nd}{2}`)
	addressed = regexp.MustCompile(`[^\s<>@]+@[^\s<>@]+`)

	original = regexp.MustCompile(`(?i)^[-_*=\s]{2,}\s*(original message|original appointment|reply message|ursprüngliche nachricht|originalnachricht|message d'origine|message original|messaggio originale|mensaje original|mensagem original|oorspronkelijk bericht|ursprungligt meddelande|original meddelelse|oprindelig meddelelse|opprinnelig melding|alkuperäinen viesti|wiadomość oryginalna|oryginalna wiadomość|původní zpráva|исходное сообщение|исходное письмо|оригинальное сообщение|первоначальное сообщение|вихідне повідомлення|пересланное сообщение отправителя|پیام اصلی|پیغام اصلی|نامه اصلی|الرسالة الأصلية|原始邮件|原始郵件|原邮件|元のメッセージ|원본 메시지|원본 메일|thư gốc|tin nhắn gốc|orijinal mesaj|özgün ileti|eredeti üzenet|mesaj original|הודעה מקורית)\s*[-_*=\s]*$`)

	replyAbove = regexp.MustCompile(`(?i)^[-#*=\s]{2,}.{0,20}(reply above this line|please type your reply above|пишите ответ выше|ответьте выше этой строки|پاسخ خود را بالای این خط).{0,30}$`)

	// a forwarded mail is what its sender wants to show: it is never cut off
	forwarded = regexp.MustCompile(`(?i)^[-_*=\s>]{0,3}[-_*=]{2,}\s*(forwarded (message|by)|begin forwarded|weitergeleitete nachricht|message transféré|mensaje reenviado|mensagem encaminhada|messaggio inoltrato|messaggio inviato|doorgestuurd bericht|vidarebefordrat meddelande|videresendt|przekazana wiadomość|пересылаемое сообщение|пересланное сообщение|переадресованное сообщение|пересылаемое письмо|پیام ارسال شده|پیام هدایت شده|پیام فوروارد|الرسالة المعاد توجيهها|转发的邮件|轉寄的郵件|転送メッセージ|전달된 메시지)|(?i)^begin forwarded message:$|(?i)^начало переадресованного сообщения:$`)

	// "… <ana@example.org" was broken before its ">"
	cutAddress = regexp.MustCompile(`^>[^>]{0,30}[:：]$`)

	separator = regexp.MustCompile(`^[-_=*\s]{5,}$`)

	deviceLine = regexp.MustCompile(`(?i)^[-–—\s]*(sent from (my|mail|outlook|yahoo|proton|the|iphone|ipad|android|samsung|blackberry|gmail|mobile|windows|surface|aol)|sent via|sent with|sent using|get outlook for|отправлено (с|из|через|от|со|мобильн)|отправлено$|послано с|надіслано з|von meinem|gesendet (von|mit)|envoyé (de|depuis|à partir)|enviado (desde|do|de|a partir)|inviato da|verzonden (vanaf|vanuit|met)|skickat från|sendt fra|lähetetty|wysłano z|odesláno z|odoslané z|küldve|gönderildi|ارسال شده از|ارسال‌شده از|از (آیفون|گوشی) من|فرستاده شده از|أرسلت من|أُرسلت من|مرسل من|发自我的|從我的|从我的|發自|iphoneから送信|私のiphone|나의 iphone에서|내 iphone에서|được gửi từ|gửi từ|trimis de pe|poslano iz|poslané z|נשלח מה)`)

	dashName   = regexp.MustCompile(`^[-–—]{1,2}[\p{L}][^\n]{0,60}$`)
	listFooter = regexp.MustCompile(`^_{10,}$`)
)

// quotedFields tells the kinds of header lines that Outlook and its likes write
// above a quoted mail.
var quotedFields = fieldWords(map[string]string{
	"from":    "from|от|от кого|отправитель|de|von|da|van|från|fra|lähettäjä|od|nadawca|odesílatel|від|frá|发件人|寄件者|寄件人|差出人|送信者|보낸 사람|از|فرستنده|من|مِن|từ|người gửi|kimden|gönderen|feladó|expéditeur|remitente|mittente|remetente|de la|מאת|από",
	"sent":    "sent|date|отправлено|дата|послано|envoyé|envoyé le|message du|gesendet|datum|enviado|enviado el|enviado em|enviada em|fecha|data|inviato|data invio|verzonden|wysłano|wysłane|data wysłania|skickat|sendt|dato|dátum|lähetetty|päivämäärä|pvm|надіслано|発送日時|发送时间|发送日期|日期|寄件日期|送信日時|日付|日時|보낸 날짜|날짜|تاریخ|زمان|ارسال|ارسال شده|تاريخ الإرسال|التاريخ|أرسلت|đã gửi|ngày|ngày gửi|gönderildi|gönderme tarihi|tarih|elküldve|odesláno|odoslané|trimis|נשלח",
	"to":      "to|кому|получатель|à|a|an|para|aan|do|till|til|vastaanottaja|komu|收件人|收件者|宛先|받는 사람|به|گیرنده|إلى|الى|đến|tới|kime|alıcı|címzett|către|אל|προς",
	"cc":      "cc|bcc|копия|копии|copie|copie à|kopie|kopia|kopi|kopio|copia|cópia|dw|抄送|副本|cc:|參照|참조|رونوشت|نسخة|đồng gửi|bilgi",
	"subject": "subject|тема|objet|sujet|betreff|asunto|oggetto|onderwerp|temat|ämne|emne|aihe|předmět|predmet|主题|主題|主旨|标题|件名|제목|موضوع|الموضوع|chủ đề|tiêu đề|konu|assunto|tárgy|subiect|נושא|θέμα|efni",
	"reply":   "reply-to|reply to|importance|важность|priority|attachments|вложения|пересылка",
})

func fieldWords(kinds map[string]string) map[string]string {
	words := map[string]string{}
	for kind, list := range kinds {
		for w := range strings.SplitSeq(list, "|") {
			words[w] = kind
		}
	}
	return words
}
