package search

import (
	"testing"

	"holdfast"
	"holdfast/store"
)

func TestMessagesAreFoundInThreeLanguages(t *testing.T) {
	databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		c := d.conversation(1, holdfast.ID{}, "")
		texts := []string{
			2:  "Здравствуйте! Ещё вчера отключился интернет, договор А-12345.",
			3:  "Позвоните мне: +7 (916) 123-45-67, Пётр",
			4:  "Where are my orders? Write to Ana.Smith@Example.com please",
			5:  "سلام، کتاب‌های سفارش من نرسیده است ۱۲۳۴۵۶",
			6:  "من می‌خواهم سفارش را لغو كنم",
			7:  "Не хочу больше ждать возврата денег",
			8:  "The café's résumé was ﬁne",
			9:  "the and of",
			10: "Посмотрите https://shop.example.com/catalog/42 пожалуйста",
		}
		for i, text := range texts {
			if text == "" {
				continue
			}
			if lsn := d.says(c, text); int(lsn) != i {
				t.Fatalf("the journal is at %d, want %d", lsn, i)
			}
		}
		for query, want := range map[string]string{
			"интернета":               "2",
			"ИНТЕРНЕТ договоры":       "2",
			"еще":                     "2",
			"инте":                    "2", // still typing
			"инте ":                   "",  // a word that is finished
			"отключи":                 "2",
			"A-12345":                 "2", // Latin A for Cyrillic: the number alone is told
			"А-12345":                 "2",
			"а12345":                  "2",
			"12345":                   "2",
			"1234":                    "", // a number is typed whole
			"петр":                    "3",
			"89161234567":             "3",
			"+79161234567":            "3",
			"8 916 123 45 67":         "3",
			"123-45-67":               "3",
			"1234567":                 "3",
			"order":                   "4",
			"ORDERS":                  "4",
			"ana.smith@example":       "4",
			"ana.smith@example.com":   "4",
			"smith":                   "4",
			"example.com":             "10 4",
			"shop.example.com":        "10",
			"کتاب":                    "5",
			"كتاب":                    "5",
			"کتابها":                  "5",
			"کتاب ها":                 "5",
			"123456":                  "5",
			"١٢٣٤٥٦":                  "5",
			"می‌خواهم":                "6",
			"میخواهم":                 "6",
			"خواهم":                   "6",
			"سفارش":                   "6 5",
			"لغو کنم":                 "6",
			"возврат":                 "7",
			"cafe resume":             "8",
			"fine":                    "8",
			"the and":                 "9",
			`"ждать возврата"`:        "7",
			`«возврата денег»`:        "7",
			`"денег возврата"`:        "",
			`"интернет договор"`:      "2",
			"возврат интернета":       "7 2 loose",
			"unicorn":                 "",
			"":                        "",
			"   ":                     "",
			"?!":                      "",
			`"`:                       "",
			`" OR lsn > 0 --`:         "",
			"'); DROP TABLE message;": "",
			"инте* OR NOT":            "",
		} {
			if got := d.finds(query); got != want {
				t.Errorf("%q finds %q, want %q", query, got, want)
			}
		}
	})
}
