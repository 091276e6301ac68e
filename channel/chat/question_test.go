package chat

import (
	"strings"
	"testing"

	"holdfast"
)

func TestTheFormIsAskedInTheVisitorsLanguageAndGoesWithTheMessage(t *testing.T) {
	s := newSite(t, func(set *Settings) {
		set.Form = []string{"name*", "mail", "", "text order: en=Order number; ru=Номер заказа", "choice* plan: ru=Тариф | Calm; Family"}
	})
	var c struct {
		Form []struct {
			Key, Type, Label string
			Required         bool
			Options          []string
		}
	}
	s.do("GET", "/config?lang=ru", "").json(t, &c)
	if len(c.Form) != 4 || c.Form[0].Label != "Ваше имя" || !c.Form[0].Required || c.Form[2].Label != "Номер заказа" || c.Form[3].Label != "Тариф" || len(c.Form[3].Options) != 2 {
		t.Fatalf("the form is %+v", c.Form)
	}
	ana := s.guest(`{}`)
	r := ana.do("POST", "/messages", `{"id":"`+someID+`","text":"Hello","answers":{"name":"Ana","mail":"ana@example.com","order":"17\nEmail: root@desk","plan":"Calm","other":"x"}}`)
	if r.status != 201 {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	in := s.inbound[0]
	if in.Text != "Hello" || in.From.Name != "Ana <ana@example.com>" || len(in.Also) != 0 {
		t.Errorf("what he says of himself is a name and no proof: %+v", in)
	}
	for _, line := range []string{": Ana", ": ana@example.com", ": 17 Email: root@desk", ": Calm"} {
		if !strings.Contains(in.Rest, line) {
			t.Errorf("%q lacks %q", in.Rest, line)
		}
	}
	if strings.Count(in.Rest, "\n") != 3 || strings.Contains(in.Rest, "x") && strings.Contains(in.Rest, "other") {
		t.Errorf("an answer made a line of its own, or one that was not asked: %q", in.Rest)
	}
}

func TestAFormThatIsNoneIsRefused(t *testing.T) {
	for _, line := range []string{"nme", "name order", "text", "text Order", "choice plan", "choice plan | one", "name | a; b", "text a: xx=Label", "text a: label", "name*\nname"} {
		if _, err := parseQuestions(strings.Split(line, "\n")); holdfast.CodeOf(err) != "channel.setting_invalid" {
			t.Errorf("%q is taken: %v", line, err)
		}
	}
}

func FuzzParseQuestions(f *testing.F) {
	f.Add("name*\nchoice* plan: en=Plan; ru=Тариф | Calm; Family")
	f.Add("text a:;;=|")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseQuestions(strings.Split(text, "\n"))
		if err != nil {
			if holdfast.KindOf(err) != holdfast.Invalid {
				t.Fatal(err)
			}
			return
		}
		seen := map[string]bool{}
		for _, q := range list {
			if q.Key == "" || seen[q.Key] || (q.Type == "choice") != (len(q.Options) > 1) {
				t.Fatalf("%q gives %+v", text, list)
			}
			seen[q.Key] = true
		}
	})
}

func TestABatchIsAnsweredOneByOne(t *testing.T) {
	s := newSite(t)
	ana := s.guest(`{}`)
	ids := []string{"0197a3f0-0000-7000-8000-000000000001", "0197a3f0-0000-7000-8000-000000000002", "0197a3f0-0000-7000-8000-000000000003"}
	body := `{"messages":[{"id":"` + ids[0] + `","text":"one"},{"id":"` + ids[1] + `","text":"  "},{"id":"` + ids[2] + `","text":"three"}]}`
	for _, want := range []int{2, 2} { // the second time nothing is new
		r := ana.do("POST", "/messages/batch", body)
		var got struct {
			Results []struct{ Type, ID, Code string }
		}
		r.json(t, &got)
		if r.status != 200 || len(got.Results) != 3 || got.Results[0].Type != "ok" || got.Results[0].ID != ids[0] || got.Results[1].Code != "chat.message_empty" || got.Results[2].Type != "ok" {
			t.Fatalf("got %d %s", r.status, r.body)
		}
		if len(s.inbound) != want || s.inbound[1].Text != "three" {
			t.Fatalf("stored %+v", s.inbound)
		}
	}
	s.mu.Lock()
	s.broken = holdfast.Errorf(holdfast.Unavailable, "store.down", "the disk is full")
	s.mu.Unlock()
	if r := ana.do("POST", "/messages/batch", strings.ReplaceAll(body, "0000-7000", "0001-7000")); r.status != 503 {
		t.Fatalf("nothing was stored, and the answer is %d %s", r.status, r.body)
	}
	if r := ana.do("POST", "/messages/batch", `{"messages":[]}`); r.status != 400 || r.code(t) != "chat.batch_size" {
		t.Fatalf("got %d %s", r.status, r.body)
	}
}
