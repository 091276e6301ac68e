package journal

import (
	"sync"

	"holdfast"
)

// What is kept of the newest entries, so that followers who keep up read nothing
// back from the database that was in memory a moment ago.
const (
	recentEntries = 2048
	recentBytes   = 4 << 20 // of bodies, as written
	// sinceMost is how many entries are looked through for what has changed: asking the
	// database costs as much.
	sinceMost = 512
)

// recent is the newest entries that this process has committed, in order and
// without a gap.
type recent struct {
	mu    sync.Mutex
	list  []written
	bytes int
}

// written is an entry and the size of its body.
type written struct {
	entry holdfast.Entry
	size  int
}

// add takes what one transaction has committed.
func (r *recent) add(fresh []written) {
	if len(fresh) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.list); n > 0 && r.list[n-1].entry.LSN+1 != fresh[0].entry.LSN {
		clear(r.list) // another process has written in between
		r.list, r.bytes = r.list[:0], 0
	}
	for _, w := range fresh {
		r.bytes += w.size
	}
	r.list = append(r.list, fresh...)
	drop := max(0, len(r.list)-recentEntries)
	for i, bytes := 0, r.bytes; i < len(r.list) && (i < drop || bytes > recentBytes); i++ {
		bytes -= r.list[i].size
		drop, r.bytes = max(drop, i+1), bytes
	}
	if drop > 0 {
		n := copy(r.list, r.list[drop:])
		clear(r.list[n:])
		r.list = r.list[:n]
	}
}

// after returns up to limit of the entries that follow lsn; none when they are
// not here, or not all of them.
func (r *recent) after(lsn holdfast.LSN, limit int) []holdfast.Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) == 0 || lsn+1 < r.list[0].entry.LSN || lsn >= r.list[len(r.list)-1].entry.LSN {
		return nil
	}
	from := r.list[lsn+1-r.list[0].entry.LSN:]
	list := make([]holdfast.Entry, min(limit, len(from)))
	for i := range list {
		list[i] = from[i].entry
	}
	return list
}

// since reports whether is holds for an entry after lsn and up to another. known is
// false when they are too many or not all here.
func (r *recent) since(lsn, upto holdfast.LSN, is func(*holdfast.Entry) bool) (came, known bool) {
	if lsn == upto {
		return false, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.list)
	if lsn > upto || upto-lsn > sinceMost || n == 0 || lsn+1 < r.list[0].entry.LSN || upto != r.list[n-1].entry.LSN {
		return false, false
	}
	for i := lsn + 1 - r.list[0].entry.LSN; i < holdfast.LSN(n); i++ {
		if is(&r.list[i].entry) {
			return true, true
		}
	}
	return false, true
}
