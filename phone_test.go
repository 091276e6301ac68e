package holdfast

import "testing"

func TestPhoneNumbersAreThoseThatCanBeDialled(t *testing.T) {
	for _, c := range []struct{ in, country, want string }{
		{"+7 (912) 345-67-89", "", "+79123456789"}, {"8 912 345-67-89", "7", "+79123456789"}, {"912 345 67 89", "7", "+79123456789"}, {"8 912 345-67-89", "", "89123456789"},
		{"0912 345 6789", "98", "+989123456789"}, {"۰۹۱۲۳۴۵۶۷۸۹", "98", "+989123456789"}, {"٠٩١٢٣٤٥٦٧٨٩", "98", "+989123456789"}, {"۰۲۱-۸۸۸۸۷۷۷۷", "98", "+982188887777"},
		{"0098 912 345 6789", "7", "+989123456789"}, {"989123456789", "98", "+989123456789"}, {"+44 20 7946 0018", "98", "+442079460018"}, {"79123456789", "7", "+79123456789"},
		{"\u200e+98\u00a0912\u00a0345\u00a06789", "", "+989123456789"},
		{"", "7", ""}, {"12345", "7", ""}, {"+1234567890123456", "", ""}, {"call me", "", ""}, {"+7912+3456789", "", ""}, {"12;ext=5 6789", "", ""},
	} {
		if got := Phone(c.in, c.country); got != c.want {
			t.Errorf("%q in %q is %q, not %q", c.in, c.country, got, c.want)
		}
	}
}

func FuzzPhone(f *testing.F) {
	f.Add("+7 912 345", "7")
	f.Fuzz(func(t *testing.T, s, country string) {
		if country != "7" && country != "98" {
			country = ""
		}
		n := Phone(s, country)
		if n != "" && Phone(n, country) != n && Phone(n, "") != n {
			t.Errorf("%q is %q, and that is %q", s, n, Phone(n, country))
		}
		for i, r := range n {
			if !(r >= '0' && r <= '9' || r == '+' && i == 0) {
				t.Errorf("%q is %q", s, n)
			}
		}
	})
}
