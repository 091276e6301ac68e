package email

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"time"

	"holdfast/channel"
)

// cursor is how far a folder has been read. It is kept in the account's state,
// never in the mailbox's flags, which belong to the people who read it.
type cursor struct {
	Validity uint32    `json:"validity"` // the folder's UIDVALIDITY; another one voids all UIDs
	UID      uint32    `json:"uid"`      // every mail up to it was handled or is in Later
	First    uint32    `json:"first"`    // mails below it are taken only from Since on
	Since    time.Time `json:"since"`
	Synced   time.Time `json:"synced"`  // when nothing was left to fetch
	Counted  time.Time `json:"counted"` // when the folder was last counted
	// Done are the UIDs that were handled, as far back as a count looks.
	Done ranges `json:"done,omitempty"`
	// Later are mails that the server could not hand over, to be tried again.
	Later map[uint32]retry `json:"later,omitempty"`
}

type retry struct {
	Tries int       `json:"tries"`
	Next  time.Time `json:"next"`
}

func cursorKey(folder string) string { return "imap/" + folder }

func loadCursor(ctx context.Context, state channel.State, folder string) (*cursor, error) {
	raw, err := state.Get(ctx, cursorKey(folder))
	if err != nil {
		return nil, fmt.Errorf("read the cursor of %q: %w", folder, err)
	}
	c := &cursor{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, c); err != nil {
			// start over: what comes twice is recognised by its key
			c = &cursor{}
		}
	}
	return c, nil
}

func (c *cursor) save(ctx context.Context, state channel.State, folder string) error {
	raw, err := json.Marshal(c)
	if err == nil {
		err = state.Put(ctx, cursorKey(folder), raw)
	}
	if err != nil {
		return fmt.Errorf("keep the cursor of %q: %w", folder, err)
	}
	return nil
}

// handled notes that a mail is on disk, or will never be.
func (c *cursor) handled(uid uint32) {
	c.Done.add(uid)
	delete(c.Later, uid)
}

// postpone puts a mail aside so that it does not hold up the others.
func (c *cursor) postpone(uid uint32, now time.Time) retry {
	if c.Later == nil {
		c.Later = map[uint32]retry{}
	}
	r := c.Later[uid]
	r.Tries++
	r.Next = now.Add(min(time.Hour<<min(r.Tries-1, 5), 24*time.Hour))
	c.Later[uid] = r
	return r
}

// due are the postponed mails whose time has come.
func (c *cursor) due(now time.Time) []uint32 {
	var uids []uint32
	for u, r := range c.Later {
		if !r.Next.After(now) {
			uids = append(uids, u)
		}
	}
	slices.Sort(uids)
	return uids
}

// ranges is a set of UIDs as [from, to] pairs, in order, apart.
type ranges [][2]uint32

func (r ranges) at(uid uint32) int {
	return sort.Search(len(r), func(i int) bool { return r[i][1] >= uid })
}

func (r ranges) has(uid uint32) bool {
	i := r.at(uid)
	return i < len(r) && r[i][0] <= uid
}

func (r *ranges) add(uid uint32) {
	s := *r
	i := s.at(uid)
	if i < len(s) && s[i][0] <= uid {
		return
	}
	left := i > 0 && s[i-1][1]+1 == uid
	right := i < len(s) && s[i][0] == uid+1
	switch {
	case left && right:
		s[i-1][1] = s[i][1]
		s = slices.Delete(s, i, i+1)
	case left:
		s[i-1][1] = uid
	case right:
		s[i][0] = uid
	default:
		s = slices.Insert(s, i, [2]uint32{uid, uid})
	}
	*r = s
}

// prune forgets everything below uid.
func (r *ranges) prune(uid uint32) {
	s := *r
	i := s.at(uid)
	s = slices.Clone(s[i:])
	if len(s) > 0 && s[0][0] < uid {
		s[0][0] = uid
	}
	*r = s
}
