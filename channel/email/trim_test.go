package email

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// sameWords compares texts without regard to spaces and line breaks.
func sameWords(a, b string) bool { return words(a) == words(b) }

func TestTrimGithubCorpus(t *testing.T) {
	root := corpus(t, "reply-trim/github-email_reply_parser")
	raw, err := os.ReadFile(filepath.Join(root, "reference_output.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]struct{ Reply string }
	if err := json.Unmarshal(raw, &cases); err != nil || len(cases) < 20 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for name, c := range cases {
		b, err := os.ReadFile(filepath.Join(root, "emails", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		visible, _ := Trim(string(b))
		if why, ok := githubExceptions[name]; ok {
			if sameWords(visible, c.Reply) {
				t.Errorf("%s: is as expected after all; the exception (%s) can go", name, why)
			}
			continue
		}
		if !sameWords(visible, c.Reply) {
			t.Errorf("%s:\n got %q\nwant %q", name, visible, c.Reply)
		}
	}
}

var githubExceptions = map[string]string{}

// willdurand's set has no file of expectations; these are where its own tests
// say that the reply ends, or begins to be quoted.
func TestTrimWilldurandCorpus(t *testing.T) {
	root := corpus(t, "reply-trim/willdurand-EmailReplyParser/Fixtures")
	fusce := "Fusce bibendum, quam hendrerit sagittis tempor"
	for name, want := range map[string]struct{ starts, ends, hides string }{
		"correct_sig":                      {"this is an email with a correct", "-- signature.", "rick"},
		"sig_no_empty_line":                {"this is an email", "no empty line above.", "rick"},
		"email_1":                          {"Hi folks", "Java HTTP API.", "riak-users mailing list"},
		"email_2_1":                        {"Outlook with a reply", "Outlook with a reply", "Google Apps Sync"},
		"email_3":                          {"Oh thanks.", "would be great.", "Russell Brown wrote"},
		"email_4":                          {"Awesome!", "problem with it.", "Loader seems"},
		"email_5":                          {"One: Here's what I've got.", "", ""},
		"email_6":                          {"I get proper rendering as well.", "Sent from a magnificent torch of pixels", "Corey Donohoe"},
		"email_7":                          {fusce, "nec nec nibh.", "Il giovedì"},
		"email_8":                          {fusce, "nec nec nibh.", "Op 12 december"},
		"email_9":                          {fusce, "nec nec nibh.", "Message du"},
		"email_10":                         {fusce, "nec nec nibh.", "Envoyé le"},
		"email_11":                         {fusce, "nec nec nibh.", "Envoyé le"},
		"email_12":                         {fusce, "nec nec nibh.", "Verzonden"},
		"email_13":                         {fusce, "nec nec nibh.", "Inviato"},
		"email_14":                         {fusce, "nec nec nibh.", "użytkownik"},
		"email_15":                         {fusce, "nec nec nibh.", "Sent from my Wiko"},
		"email_16":                         {fusce, "nec nec nibh.", "Dnia 27"},
		"email_17":                         {fusce, "nec nec nibh.", "W dniu"},
		"email_18":                         {fusce, "nec nec nibh.", "John Jung"},
		"email_19":                         {"On Thursday, I get proper rendering.", "torch of pixels", "Corey Donohoe"},
		"email_20":                         {"On Thursday.", "On Thursday.", "John Doe"},
		"email_21":                         {"On Thursday:", "", ""},
		"email_22":                         {fusce, "nec nec nibh.", "发件人"},
		"email_23":                         {fusce, "nec nec nibh.", "написав"},
		"email_23_1":                       {fusce, "nec nec nibh.", "написав"},
		"email_norwegian_gmail":            {fusce, "nec nec nibh.", "skrev Test user"},
		"email_blackberry":                 {"Here is another email", "another email", "BlackBerry"},
		"email_iphone":                     {"Here is another email", "another email", "iPhone"},
		"email_bullets":                    {"test 2 this should list second", "and another", "Give us an example"},
		"email_custom_quote_header":        {"Thank you!", "Thank you!", "keltezéssel"},
		"email_customer_quote_header_2":    {"Thank you very much.", "Thank you very much.", "somedude"},
		"email_customer_quote_header_3":    {"bonjour,", "merci d'avance", "Someone Somewhere"},
		"email_issue_77":                   {"Bonjour Test,", "Text paragraph 2", "Test a écrit"},
		"email_ls-l":                       {"MIME-Version", "nmk098sc6", "glen"},
		"email_one_is_not_on":              {"Thank, this is really helpful.", "when I run...", "Dave Tapley"},
		"email_sent_from_my_not_signature": {"Here is another email", "my mobile phone.", ""},
		"email_multi_word_sent_from_my_mobile_device": {"Here is another email", "another email", "Verizon"},
		"email_thread":            {"This is new email reply", "from bellow.", "John Doe"},
		"email_unquoted_reply":    {"This is my reply.", "my reply.", "you wrote"},
		"email_w10_mail":          {"Great thanks Bort", "Braxton", "Bort replied"},
		"email_zimbra_free_en":    {"Bonjour Toby", "Michael Scott", "Toby Flenderson a wrote"},
		"email_zimbra_free_fr":    {"Bonjour", "Michael Scott", "a écrit"},
		"email_with_date_headers": {"Thank you very much.", "", ""}, // its test adds a pattern of its own
	} {
		b, err := os.ReadFile(filepath.Join(root, name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		visible, rest := Trim(string(b))
		v := strings.TrimFunc(visible, func(r rune) bool { return unicode.IsSpace(r) || invisible(r) })
		if !strings.HasPrefix(v, want.starts) || !strings.HasSuffix(v, want.ends) {
			t.Errorf("%s: visible is %q, want %q … %q", name, clipText(v, 60)+" … "+v[max(0, len(v)-60):], want.starts, want.ends)
		}
		if want.ends == "" && strings.TrimSpace(rest) != "" {
			t.Errorf("%s: hid %q", name, rest)
		}
		if want.hides != "" && (strings.Contains(v, want.hides) || !strings.Contains(rest, want.hides)) {
			t.Errorf("%s: shows %q", name, want.hides)
		}
	}
}

func TestTrimInTheLanguagesOfOurUsers(t *testing.T) {
	for name, c := range map[string]struct{ text, visible string }{
		"ru gmail":      {"Спасибо, помогло!\n\nпн, 2 мар. 2026 г. в 10:15, Поддержка <support@example.com>:\n\n> Перезагрузите роутер.\n", "Спасибо, помогло!"},
		"ru yandex":     {"Не работает.\n\n02.03.2026, 10:15, \"Поддержка\" <support@example.com>:\nПерезагрузите роутер.", "Не работает."},
		"ru mail.ru":    {"Всё ещё нет.\n\n--\nИван Петров\n\n\nПонедельник, 2 марта 2026, 10:15 +03:00 от Поддержка <support@example.com>:\n\nПерезагрузите", "Всё ещё нет."},
		"ru outlook":    {"Ок\n\nОт: Поддержка [mailto:support@example.com]\nОтправлено: 2 марта 2026 г. 10:15\nКому: Иван\nТема: Счёт\n\nТекст", "Ок"},
		"ru original":   {"Ок\n-------- Исходное сообщение --------\nТекст", "Ок"},
		"ru wrote":      {"Да\n\n2 марта 2026 г., 10:15, Поддержка <s@example.com> написал(а):\n> Нет?\n", "Да"},
		"ru iphone":     {"Жду ответа\n\nОтправлено с iPhone", "Жду ответа"},
		"ru iphone q":   {"Жду ответа\n\nОтправлено с iPhone\n\n> 2 марта 2026 г., в 10:15, Поддержка <s@example.com> написал(а):\n> \n> Текст", "Жду ответа"},
		"ru bottom":     {"2 марта 2026 г., 10:15, Поддержка <s@example.com> написал:\n> Какой у вас адрес?\n\nЛенина, 5", "2 марта 2026 г., 10:15, Поддержка <s@example.com> написал:\n> Какой у вас адрес?\n\nЛенина, 5"},
		"ru no quote":   {"Вчера в 10:15 мастер написал: приеду.\nНе приехал.", "Вчера в 10:15 мастер написал: приеду.\nНе приехал."},
		"fa gmail":      {"ممنون، درست شد.\n\nدر تاریخ دوشنبه ۲ مارس ۲۰۲۶، ۱۰:۱۵ پشتیبانی <support@example.com> نوشت:\n\n> لطفاً مودم را خاموش و روشن کنید.\n", "ممنون، درست شد."},
		"fa marks":      {"ممنون\n\n\u202bدر ۲ مارس ۲۰۲۶، ساعت ۱۰:۱۵، پشتیبانی \u202a<support@example.com>\u202c نوشت:\u202c\nمتن", "ممنون"},
		"fa outlook":    {"باشه\n\nاز: پشتیبانی <support@example.com>\nتاریخ: دوشنبه ۲ مارس\nبه: علی\nموضوع: صورتحساب\n\nمتن", "باشه"},
		"fa iphone":     {"منتظرم\n\nارسال شده از iPhone من", "منتظرم"},
		"en outlook":    {"Thanks\n\n________________________________\nFrom: Desk <d@example.com>\nSent: Monday\nTo: Ana\nSubject: x\n\nOld", "Thanks"},
		"en bold":       {"Thanks\n\n*From:* Desk\n*Date:* Monday\n*Subject:* x\n\nOld", "Thanks"},
		"en signature":  {"Call me.\n\n-- \nAna\n+1 555", "Call me."},
		"en interleave": {"Hi,\n\nOn Mon, 2 Mar 2026 at 10:15, Desk <d@example.com> wrote:\n> Which one?\n\nThe red one.\n\n> When?\n\nNow.", "Hi,\n\nOn Mon, 2 Mar 2026 at 10:15, Desk <d@example.com> wrote:\n> Which one?\n\nThe red one.\n\n> When?\n\nNow."},
		"only a quote":  {"> what you said\n> twice", "> what you said\n> twice"},
		"only a block":  {"От: А\nОтправлено: сегодня\nКому: Б\nТема: В\n\nТекст", "От: А\nОтправлено: сегодня\nКому: Б\nТема: В\n\nТекст"},
		"forwarded":     {"See below\n\n---------- Forwarded message ---------\nFrom: Shop <s@example.net>\nDate: Mon, Mar 2, 2026\nSubject: Order\nTo: <ana@example.org>\n\nYour order", "See below\n\n---------- Forwarded message ---------\nFrom: Shop <s@example.net>\nDate: Mon, Mar 2, 2026\nSubject: Order\nTo: <ana@example.org>\n\nYour order"},
		"a form":        {"From: Berlin\nTo: Tehran\nPlease quote a price.", "From: Berlin\nTo: Tehran\nPlease quote a price."},
		"form inside":   {"Hello\n\nFrom: Berlin\nTo: Tehran\n\nPlease quote a price.", "Hello\n\nFrom: Berlin\nTo: Tehran\n\nPlease quote a price."},
		"ja":            {"ありがとう\n\n2026年3月2日(月) 10:15 サポート <support@example.com>:\n\n> こんにちは", "ありがとう"},
		"zh":            {"谢谢\n\n在 2026年3月2日，10:15，客服 <support@example.com> 写道：\n\n> 你好", "谢谢"},
		"vi":            {"Cảm ơn\n\nVào 10:15, Th 2, 2 thg 3, 2026 Hỗ trợ <support@example.com> đã viết:\n\n> Xin chào", "Cảm ơn"},
		"sv":            {"Tack\n\nDen mån 2 mars 2026 kl 10:15 skrev Support <support@example.com>:\n\n> Hej", "Tack"},
		"fi":            {"Kiitos\n\nma 2. maalisk. 2026 klo 10.15 Tuki (support@example.com) kirjoitti:\n\n> Hei", "Kiitos"},
		"pt":            {"Obrigado\n\nEm seg., 2 de mar. de 2026 às 10:15, Suporte <support@example.com> escreveu:\n\n> Olá", "Obrigado"},
		"es":            {"Gracias\n\nEl lun, 2 mar 2026 a las 10:15, Soporte (<support@example.com>) escribió:\n\n> Hola", "Gracias"},
		"de":            {"Danke\n\nAm Mo., 2. März 2026 um 10:15 Uhr schrieb Support <support@example.com>:\n\n> Hallo", "Danke"},
		"da":            {"Tak\n\nDen man. 2. mar. 2026 kl. 10.15 skrev Support <support@example.com>:\n\n> Hej", "Tak"},
		"tr":            {"Teşekkürler\n\nDestek <support@example.com>, 2 Mar 2026 Pzt, 10:15 tarihinde şunu yazdı:\n\n> Merhaba", "Teşekkürler"},
	} {
		visible, rest := Trim(c.text)
		if visible != c.visible {
			t.Errorf("%s: visible is %q", name, visible)
		}
		if visible+rest != c.text {
			t.Errorf("%s: something was lost", name)
		}
	}
}

var trimPieces = []string{"> quoted\n", ">> deeper\n", "\n", "a line\n", "text without an end", "-- \n", "--\n", "On Mon, 2 Mar 2026, Ana <a@b.c> wrote:\n", "От: Иван\n", "Кому: Пётр\n", "Тема: x\n", "Отправлено: вчера\n", "-----Original Message-----\n", "Sent from my iPhone\n", "Отправлено с iPhone\n", "در ۲ مارس ۲۰۲۶ نوشت:\n", "________________\n", "\u200b\n", "\r\n", " \t\n", "\xff\xfe", "---------- Forwarded message ---------\n", "-Ana\n"}

func TestTrimLosesNothingAndHidesNotAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(trimPieces), rapid.String()), 0, 30).Draw(t, "text"), "")
		checkTrim(t, text)
	})
}

func checkTrim(t interface {
	Errorf(string, ...any)
}, text string) {
	visible, rest := Trim(text)
	if visible+rest != text {
		t.Errorf("lost something: %q + %q of %q", visible, rest, text)
	}
	if blank(visible) && !blank(text) {
		t.Errorf("nothing is left to see of %q", text)
	}
	if again, _ := Trim(visible); len(again) > len(visible) {
		t.Errorf("trimming again made it longer")
	}
}

func TestNormalSubject(t *testing.T) {
	for _, s := range []string{"Счёт № 5", "Re: Счёт № 5", "RE[2]: счёт  № 5", "Fwd: Re: Счёт № 5", "Ответ: Счёт № 5", "Отв: Re: Счёт № 5", "پاسخ: Счёт № 5", "AW: WG: Счёт № 5", "Sv: VS: Счёт № 5", "回复：Счёт № 5", "[External] Re: Счёт № 5", "Re(3): Счёт № 5", "\u200fRe: Счёт № 5", "Antw: Счёт № 5", "Счёт № 5 (fwd)"} {
		if got := NormalSubject(s); got != "счёт № 5" {
			t.Errorf("%q → %q", s, got)
		}
	}
	for in, want := range map[string]string{"": "", "Re:": "", "Receipt: 5": "receipt: 5", "Wedding: tomorrow": "wedding: tomorrow", "In re: the matter": "in re: the matter", "[order 5] hello": "[order 5] hello", "Вопрос: где?": "вопрос: где?"} {
		if got := NormalSubject(in); got != want {
			t.Errorf("%q → %q, want %q", in, got, want)
		}
	}
}

func FuzzTrim(f *testing.F) {
	for _, p := range trimPieces {
		f.Add(p + "\nmore\n" + p)
	}
	f.Fuzz(func(t *testing.T, text string) { checkTrim(t, text) })
}
