package losses

import (
	"context"
	"time"

	"holdfast"
	"holdfast/store"
)

// cell is the width that contacts are counted by: time zones differ by quarters of an hour.
const cell = 15 * time.Minute

// contacts are how many conversations had something new from a customer, by channel and
// cell. A customer who writes five times in a quarter of an hour is one contact.
type contacts struct {
	from  int64 // the first cell, counted from 1970
	all   []float64
	by    map[holdfast.ID][]float64
	total int
	first int64 // the first cell that has any; -1 for none
}

func cellOf(at time.Time) int64 { return at.UnixMilli() / cell.Milliseconds() }

func (c *contacts) at(list []float64, i int64) float64 {
	if i -= c.from; i < 0 || i >= int64(len(list)) {
		return 0
	}
	return list[i]
}

// sum adds up what came from from to to, cells that it only touches by their part.
func (c *contacts) sum(list []float64, from, to time.Time) (n float64) {
	for i := cellOf(from); i <= cellOf(to); i++ {
		n += c.at(list, i) * overlap(from, to, i)
	}
	return n
}

// overlap is the part of a cell that lies between two moments.
func overlap(from, to time.Time, i int64) float64 {
	begin, end := max(from.UnixMilli(), i*cell.Milliseconds()), min(to.UnixMilli(), (i+1)*cell.Milliseconds())
	return float64(max(0, end-begin)) / float64(cell.Milliseconds())
}

// seen is what was counted last, which a calculator asks for with every key.
type seen struct {
	from, to int64
	at       time.Time
	contacts *contacts
}

const seenLife = time.Minute

// contacts counts them from from to to. Conversations with news since then are few of
// all, and are found by their index.
func (l *Losses) contacts(ctx context.Context, workspace holdfast.ID, from, to time.Time) (*contacts, error) {
	first, last := cellOf(from), cellOf(to)
	l.mu.Lock()
	s := l.known[workspace]
	l.mu.Unlock()
	if s != nil && s.from <= first && s.to >= last && l.DB.Now().Sub(s.at) < seenLife {
		return s.contacts, nil
	}
	type row struct {
		channel holdfast.ID
		cell    int64
		n       float64
	}
	rows, err := l.DB.Query(ctx, `SELECT m.channel, m.clock / 65536 / 900000 AS cell, COUNT(DISTINCT m.conversation)
		FROM conversation c JOIN message m ON m.conversation = c.id
		WHERE c.workspace = $1 AND c.last_clock >= $2 AND m.clock >= $2 AND m.clock < $3 AND m.direction = 'in' AND m.channel IS NOT NULL GROUP BY m.channel, cell`,
		workspace, holdfast.ClockAt(time.UnixMilli(first*cell.Milliseconds())), holdfast.ClockAt(time.UnixMilli((last+1)*cell.Milliseconds())))
	list, err := store.Collect(rows, err, func(r *store.Rows, v *row) error { return r.Scan(&v.channel, &v.cell, &v.n) })
	if err != nil {
		return nil, err
	}
	c := &contacts{from: first, all: make([]float64, last-first+1), by: map[holdfast.ID][]float64{}, first: -1}
	for _, v := range list {
		if c.by[v.channel] == nil {
			c.by[v.channel] = make([]float64, len(c.all))
		}
		c.by[v.channel][v.cell-first] += v.n
		c.all[v.cell-first] += v.n
		c.total += int(v.n)
		if c.first < 0 || v.cell < c.first {
			c.first = v.cell
		}
	}
	l.mu.Lock()
	l.known[workspace] = &seen{first, last, l.DB.Now(), c}
	l.mu.Unlock()
	return c, nil
}

const (
	baseWeeks   = 8
	fewContacts = 30 // fewer say nothing of a week
	week        = 7 * 24 * time.Hour
)

// weeks are the counts of the eight weeks before a moment by hour of the week, as far
// back as there are any, and what each channel had of them.
func (c *contacts) weeks(before time.Time, zone *time.Location) (list []Counted, share map[holdfast.ID]float64, n float64) {
	share = map[holdfast.ID]float64{}
	end := cellOf(before)
	perWeek := int64(week / cell)
	for w := int64(0); w < baseWeeks; w++ {
		begin := end - (w+1)*perWeek
		if c.first < 0 || begin < c.from || begin < c.first-1 {
			break
		}
		var one Counted
		for i := begin; i < begin+perWeek; i++ {
			if v := c.at(c.all, i); v > 0 {
				one[hourOf(time.UnixMilli(i*cell.Milliseconds()).In(zone))] += v
				n += v
				for ch, own := range c.by {
					share[ch] += c.at(own, i)
				}
			}
		}
		list = append(list, one)
	}
	if n < fewContacts {
		return nil, map[holdfast.ID]float64{}, n
	}
	for ch := range share {
		share[ch] /= n
	}
	return list, share, n
}
