package holdfast_test

import (
	"encoding/json"
	"testing"
	"time"

	"holdfast"
)

func TestMomentsAreReadRelativeToNow(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Time{"-30m": now.Add(-30 * time.Minute), "-7d": now.AddDate(0, 0, -7), "-2w": now.AddDate(0, 0, -14), "2026-01-02T03:04:05Z": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} {
		if got, ok := holdfast.Moment(v, now); !ok || !got.Equal(want) {
			t.Errorf("%s is %v %v, want %v", v, got, ok, want)
		}
	}
	for _, v := range []string{"", "-", "7d", "-d", "--7d", "-7y", "-1e9d", "-99999999999d", "yesterday"} {
		if got, ok := holdfast.Moment(v, now); ok {
			t.Errorf("%q is taken for %v", v, got)
		}
	}
}

func FuzzViewFilter(f *testing.F) {
	f.Add([]byte(`{"match":"all","conditions":[{"field":"assignee","test":"is","values":["me"]}]}`))
	f.Add([]byte(`{"conditions":[{"field":"opened","test":"before","values":["-7d"]}],"order":"priority"}`))
	f.Add([]byte(`{"conditions":[{"field":"subject","test":"has","values":["' OR 1=1"]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v holdfast.ViewFilter
		if json.Unmarshal(raw, &v) != nil || v.Check() != nil {
			return
		}
		if v.Match == "" || v.Order == "" || len(v.Conditions) > holdfast.MaxConditions {
			t.Errorf("%s passed as %+v", raw, v)
		}
		for _, c := range v.Conditions {
			if len(c.Values) == 0 {
				t.Errorf("%s passed without a value", raw)
			}
		}
		if v.Check() != nil {
			t.Errorf("%s passed once and not twice", raw)
		}
	})
}

func TestActionsThatCannotBeDoneAreRefused(t *testing.T) {
	id := holdfast.NewID()
	for _, list := range [][]holdfast.Action{
		nil, {{Do: "delete"}}, {{Do: holdfast.DoReply}}, {{Do: holdfast.DoReply, Text: "a", Canned: id}}, {{Do: holdfast.DoReply, Text: "a"}, {Do: holdfast.DoReply, Text: "b"}},
		{{Do: holdfast.DoReply, Text: "a", Then: "gone"}}, {{Do: holdfast.DoStatus, Status: holdfast.Snoozed}}, {{Do: holdfast.DoSnooze, Minutes: -1}},
		{{Do: holdfast.DoAssign, Me: true, Operator: id}}, {{Do: holdfast.DoPriority, Priority: 4}}, {{Do: holdfast.DoTag, Tag: " "}}, make([]holdfast.Action, holdfast.MaxActions+1),
	} {
		if err := holdfast.CheckActions(list); holdfast.CodeOf(err) != "action.malformed" {
			t.Errorf("%+v: %v", list, err)
		}
	}
	if err := holdfast.CheckActions([]holdfast.Action{{Do: holdfast.DoReply, Canned: id, Then: holdfast.Resolved}, {Do: holdfast.DoAssign}, {Do: holdfast.DoSnooze}}); err != nil {
		t.Error(err)
	}
}
