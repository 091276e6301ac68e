package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"holdfast"
	"holdfast/store"
)

// reader is an operator's console as the desk sees it: one request at a time.
type reader struct {
	desk *desk
	http *http.Client
	rand *rand.Rand
}

// get asks for a path of the API and returns the answer and how long it took to
// arrive whole.
func (c *reader) get(ctx context.Context, path string) ([]byte, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.desk.address+"/api/v1"+path, nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Cookie", c.desk.cookie)
	began := time.Now()
	res, err := c.http.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	took := time.Since(began)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", path, res.Status, b)
	}
	return b, took, err
}

// readSamples is how often each kind of reading is measured.
const readSamples = 600

// reads measures what an operator waits for, on a desk with a full base.
func (r *run) reads(ctx context.Context, s storage, full *base) error {
	r.say("reading among %d messages in %d conversations (%s)", full.Messages, full.Conversations, s.name())
	d, err := r.openAt(ctx, full.place)
	if err != nil {
		return err
	}
	defer d.close()
	c := &reader{desk: d, http: &http.Client{Timeout: callWait}, rand: rand.New(rand.NewPCG(1, 3))}
	defer c.http.CloseIdleConnections()
	size := fmt.Sprintf("%d messages, %d conversations; ", full.Messages, full.Conversations)

	lists, err := c.lists(ctx)
	if err != nil {
		return err
	}
	opened, err := c.open(ctx)
	if err != nil {
		return err
	}
	found, hits, err := c.search(ctx)
	if err != nil {
		return err
	}
	r.judge("reads", s.name(), "inbox list, p99", lists.P99, "ms", false, 15, size+lists.String())
	r.judge("reads", s.name(), "open a conversation with its messages, p99", opened.P99, "ms", false, 15, opened.String())
	r.judge("reads", s.name(), "search, p99", found.P99, "ms", false, 100, fmt.Sprintf("%s; %d of them found something", found.String(), hits))
	return nil
}

// lists reads views as operators do: mostly the first page, now and then deeper.
func (c *reader) lists(ctx context.Context) (spread, error) {
	views := []string{"open", "mine", "unassigned", "unread", "waiting", "resolved", "closed", "all"}
	var took []time.Duration
	for len(took) < readSamples {
		path := "/conversations?view=" + views[len(took)%len(views)]
		cursor := ""
		for range 1 + c.rand.IntN(2)*c.rand.IntN(6) {
			b, d, err := c.get(ctx, path+cursor)
			if err != nil {
				return spread{}, err
			}
			took = append(took, d)
			var page struct{ Next string }
			if err := json.Unmarshal(b, &page); err != nil {
				return spread{}, err
			}
			if page.Next == "" {
				break
			}
			cursor = "&cursor=" + url.QueryEscape(page.Next)
		}
	}
	return spreadOf(took), nil
}

// open reads conversations from anywhere in the base: what it is, and its newest messages.
func (c *reader) open(ctx context.Context) (spread, error) {
	rows, err := c.desk.DB.Query(ctx, "SELECT id FROM conversation WHERE workspace = $1", c.desk.workspace)
	ids, err := store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
	if err != nil {
		return spread{}, err
	}
	if len(ids) == 0 {
		return spread{}, fmt.Errorf("there are no conversations")
	}
	var took []time.Duration
	for range readSamples {
		path := "/conversations/" + pick(c.rand, ids).String()
		_, first, err := c.get(ctx, path)
		if err != nil {
			return spread{}, err
		}
		_, second, err := c.get(ctx, path+"/messages")
		if err != nil {
			return spread{}, err
		}
		took = append(took, first+second)
	}
	return spreadOf(took), nil
}

// search asks as operators do: common words, rare ones, several, unfinished
// ones, names, with a slip of the finger too, numbers, and what is nowhere.
func (c *reader) search(ctx context.Context) (spread, int, error) {
	talk := newSpeech(7)
	ask := []func(t *tongue) string{
		func(t *tongue) string { return pick(c.rand, t.common) },
		func(t *tongue) string { return talk.word(t) },
		func(t *tongue) string { return talk.word(t) },
		func(t *tongue) string { return pick(c.rand, t.common) + " " + talk.word(t) },
		func(t *tongue) string { return pick(c.rand, t.common) + " " + pick(c.rand, t.common) },
		func(t *tongue) string { w := []rune(talk.word(t)); return string(w[:max(2, len(w)-2)]) },
		func(t *tongue) string { return talk.name(t) },
		func(t *tongue) string { return swapped(c.rand, pick(c.rand, t.last)) },
		func(t *tongue) string { return fmt.Sprint(10_000 + c.rand.IntN(90_000)) },
		func(t *tongue) string { return "абракадабра" },
	}
	var took []time.Duration
	hits := 0
	for i := range readSamples {
		b, d, err := c.get(ctx, "/search?q="+url.QueryEscape(ask[i%len(ask)](talk.tongue())))
		if err != nil {
			return spread{}, 0, err
		}
		took = append(took, d)
		var res struct{ Messages, Customers, Conversations []json.RawMessage }
		if err := json.Unmarshal(b, &res); err != nil {
			return spread{}, 0, err
		}
		if len(res.Messages)+len(res.Customers)+len(res.Conversations) > 0 {
			hits++
		}
	}
	return spreadOf(took), hits, nil
}

// swapped is a word with two letters in the wrong order.
func swapped(r *rand.Rand, word string) string {
	w := []rune(word)
	if len(w) < 3 {
		return word
	}
	i := 1 + r.IntN(len(w)-2)
	w[i], w[i+1] = w[i+1], w[i]
	return string(w)
}
