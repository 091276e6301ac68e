package search

import (
	"strings"
	"testing"

	"holdfast"
	"holdfast/store"
)

func mail(value string) holdfast.Address  { return holdfast.Address{Scheme: "mailto", Value: value} }
func phone(value string) holdfast.Address { return holdfast.Address{Scheme: "tel", Value: value} }

func TestCustomersAreFoundByNamesAndAddresses(t *testing.T) {
	databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.customer("Иванов Пётр Сергеевич", mail("petya@example.com"), phone("+79161234567"))
		d.customer("Ivan Petrov", mail("i.petrov@shop.example"), phone("+989123456789"))
		d.customer("Екатерина Щербакова", mail("kate@example.org"))
		d.customer("محمد رضایی", phone("+98 21 8888 7777"))
		d.customer("Mohammad Hosseini")
		d.customer("مريم كريمي")
		d.customer("John Smith-Jones", holdfast.Address{Scheme: "im", Value: "johnny", Name: "Johnny S."})
		d.customer("Юлия")
		d.customer("", mail("noname@example.net"), holdfast.Address{Scheme: "visitor", Value: holdfast.NewID().String()})
		for query, want := range map[string]string{
			"иванов":             "Иванов Пётр Сергеевич",
			"Ivanov":             "Иванов Пётр Сергеевич",
			"ivanof":             "Иванов Пётр Сергеевич",              // a wrong letter
			"ивнаов":             "Иванов Пётр Сергеевич",              // two in the wrong order
			"ивано":              "Иванов Пётр Сергеевич, Ivan Petrov", // what it begins, then what it is a letter from
			"Пётр Иванов":        "Иванов Пётр Сергеевич",
			"petr ivanov":        "Иванов Пётр Сергеевич",
			"Иван Петров":        "Ivan Petrov",
			"петров":             "Ivan Petrov",
			"Pyotr":              "Иванов Пётр Сергеевич, Ivan Petrov", // Пётр, and what may become Petrov
			"Shcherbakova":       "Екатерина Щербакова",
			"щербокова":          "Екатерина Щербакова",
			"Yekaterina":         "Екатерина Щербакова",
			"محمد":               "محمد رضایی, Mohammad Hosseini",
			"mohammad":           "Mohammad Hosseini, محمد رضایی",
			"مریم کریمی":         "مريم كريمي",
			"Maryam":             "مريم كريمي",
			"رضایی":              "محمد رضایی",
			"smith":              "John Smith-Jones",
			"johnny":             "John Smith-Jones",
			"Yulia":              "Юлия",
			"petya@example.com":  "Иванов Пётр Сергеевич",
			"PETYA@EXAMPLE.COM":  "Иванов Пётр Сергеевич",
			"petya":              "Иванов Пётр Сергеевич",
			"shop.example":       "Ivan Petrov",
			"noname@example.net": "",
			"89161234567":        "Иванов Пётр Сергеевич",
			"+7 (916) 123-45-67": "Иванов Пётр Сергеевич",
			"1234567":            "Иванов Пётр Сергеевич",
			"9123456789":         "Ivan Petrov",
			"۹۱۲۳۴۵۶۷۸۹":         "Ivan Petrov",
			"982188887777":       "محمد رضایی",
			"интернет Щербакова": "Екатерина Щербакова",
			"Иванов Щербакова":   "Екатерина Щербакова, Иванов Пётр Сергеевич", // each is somebody
			"совершенно другое":  "",
			"xyzzy":              "",
			"":                   "",
			"%":                  "",
		} {
			var names []string
			for _, c := range d.search(Query{Text: query}).Customers {
				names = append(names, c.Name)
			}
			if got := strings.Join(names, ", "); got != want {
				t.Errorf("%q finds %q, want %q", query, got, want)
			}
		}
	})
}
