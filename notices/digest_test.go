package notices

import (
	"testing"
	"time"
)

func TestADigestComesAtItsHourInItsZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		plan      DigestPlan
		now, want string
	}{
		{DigestPlan{Every: "daily", At: "08:00"}, "2026-11-22 07:59", "2026-11-22 08:00"},
		{DigestPlan{Every: "daily", At: "08:00"}, "2026-11-22 08:00", "2026-11-23 08:00"},
		{DigestPlan{Every: "weekly", At: "08:00", Day: 1}, "2026-11-22 12:00", "2026-11-23 08:00"}, // a Sunday
		{DigestPlan{Every: "weekly", At: "08:00", Day: 0}, "2026-11-22 12:00", "2026-11-29 08:00"},
		{DigestPlan{Every: "daily", At: "08:00"}, "2026-10-24 09:00", "2026-10-25 08:00"}, // the night is an hour longer
	} {
		if got := c.plan.next(at(c.now)); !got.Equal(at(c.want)) {
			t.Errorf("%+v at %s: %s, not %s", c.plan, c.now, got, c.want)
		}
	}
	for _, never := range []DigestPlan{{}, {Every: "off", At: "08:00"}, {Every: "daily"}} {
		if got := never.next(at("2026-11-22 07:00")); !got.IsZero() {
			t.Errorf("%+v comes at %s", never, got)
		}
	}
	for _, bad := range []DigestPlan{{Every: "hourly", At: "08:00"}, {Every: "daily", At: "8"}, {Every: "weekly", At: "08:00", Day: 7}} {
		if bad.check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
