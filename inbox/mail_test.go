package inbox

import "testing"

func TestOnlyARealAddressIsWrittenTo(t *testing.T) {
	for name, want := range map[string]string{
		"Ana <ana@example.com>": "ana@example.com", "ANA@Example.com": "ana@example.com", "Ana": "", "": "", "Ana <ana>": "", "Ana <>": "",
		"<a@b.c>, x@y.z": "", "Ana <a@b.c> <d@e.f>": "d@e.f", "Eve <a@b.c\r\nBcc: all@desk>": "", "\"x y\"@b.c": "",
	} {
		if got := claimedAddress(name); got.Value != want || got.Verified {
			t.Errorf("%q gives %+v", name, got)
		}
	}
}

func FuzzClaimedAddress(f *testing.F) {
	f.Add("Ana <ana@example.com>")
	f.Add("<>")
	f.Fuzz(func(t *testing.T, name string) {
		a := claimedAddress(name)
		if a.Value == "" {
			return
		}
		for _, c := range a.Value {
			if c <= ' ' || c == '<' || c == '>' || c == ',' {
				t.Fatalf("%q gives %q", name, a.Value)
			}
		}
	})
}
