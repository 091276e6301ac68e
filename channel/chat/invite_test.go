package chat

import (
	"strings"
	"testing"

	"holdfast"
)

func TestInvitationsAreMadeInTheVisitorsLanguage(t *testing.T) {
	s := newSite(t, func(set *Settings) {
		set.Invites = []string{"page=/prices*, time=30, scroll=50 | en=Can we help?; ru=Помочь?", "event=cart, return | en=Still thinking?"}
	})
	var c struct {
		Invites []struct {
			ID, Page, Event, Text string
			Time, Scroll          int
			Again                 bool
		}
		Days int `json:"invite_days"`
	}
	s.do("GET", "/config?lang=en", "").json(t, &c)
	if len(c.Invites) != 2 || c.Invites[0].Page != "/prices*" || c.Invites[0].Time != 30 || c.Invites[0].Scroll != 50 || c.Invites[0].Text != "Can we help?" ||
		c.Invites[1].Event != "cart" || !c.Invites[1].Again || c.Invites[0].ID == c.Invites[1].ID || c.Days != 7 {
		t.Errorf("got %+v", c)
	}
	c.Invites = nil
	s.do("GET", "/config?lang=ru", "").json(t, &c)
	if len(c.Invites) != 1 || c.Invites[0].Text != "Помочь?" {
		t.Errorf("got %+v", c)
	}
}

func TestAnInvitationThatIsNoneIsRefused(t *testing.T) {
	for _, line := range []string{"time=30", "time=0 | en=x", "time=x | en=x", "page=prices | en=x", "often | en=x", "time=3 |", "time=3 | de=x", "event=Big Cart | en=x", "| en=x"} {
		if _, err := parseInvites([]string{line}); holdfast.CodeOf(err) != "channel.setting_invalid" {
			t.Errorf("%q is taken: %v", line, err)
		}
	}
}

func FuzzParseInvites(f *testing.F) {
	f.Add("page=/a*, time=30 | en=Can we help?; fa=کمک؟")
	f.Add("|=;,")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseInvites(strings.Split(text, "\n"))
		if err != nil && holdfast.KindOf(err) != holdfast.Invalid {
			t.Fatal(err)
		}
		for _, v := range list {
			if len(v.Texts) == 0 || v.Time < 0 || v.Scroll < 0 || v.Scroll > 100 {
				t.Fatalf("%q gives %+v", text, v)
			}
		}
	})
}
