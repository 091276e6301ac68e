package importer_test

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"holdfast"
	"holdfast/importer"
)

func TestPreviewReadsATableAsTheImportWill(t *testing.T) {
	text := "Клиент;Почта;Дата;Сообщение;Прочее\nИван;ivan@x.example;01.02.2024;\"Где; заказ?\";1\nМария;m@x.example;;;\n"
	head, err := charmap.Windows1251.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := importer.Foresee(head, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if p.Encoding != "windows-1251" || p.Delimiter != ";" || len(p.Columns) != 5 {
		t.Fatalf("%+v", p)
	}
	for i, want := range []string{"name", "mail", "date", "text", ""} {
		if p.Columns[i].Field != want {
			t.Errorf("%q is %q and not %q", p.Columns[i].Header, p.Columns[i].Field, want)
		}
	}
	if got := strings.Join(p.Columns[3].Samples, "|"); got != "Где; заказ?|" {
		t.Errorf("samples %q", got)
	}
	// What is said wins over what is guessed.
	if p, err = importer.Foresee(head, "utf-8", ","); err != nil || p.Encoding != "utf-8" || len(p.Columns) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	for name, bad := range map[string][3]string{"nothing": {"", "", ""}, "no words": {" \n1\n", "", ""}, "no encoding": {"a,b\n", "koi-7", ""}, "no delimiter": {"a,b\n", "", "x"}} {
		if _, err := importer.Foresee([]byte(bad[0]), bad[1], bad[2]); holdfast.KindOf(err) != holdfast.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzPreview(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n"), "", "")
	f.Add([]byte("\xff\xfea\x00,\x00b\x00\n\x00"), "", "")
	f.Add([]byte("\"open\n\x00\xf0"), "windows-1256", "|")
	f.Add([]byte("a\tb\n\"x\" y\t\"\"\"\n"), "utf-16be", "\t")
	f.Fuzz(func(t *testing.T, head []byte, encoding, delimiter string) {
		p, err := importer.Foresee(head, encoding, delimiter)
		if err == nil && (len(p.Columns) == 0 || p.Encoding == "" || p.Delimiter == "") {
			t.Fatalf("%+v", p)
		}
	})
}
