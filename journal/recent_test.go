package journal

import (
	"testing"

	"holdfast"
)

// What has come since an entry is known only while every entry since is in memory.
func TestSinceKnowsOnlyWhatIsWhole(t *testing.T) {
	var r recent
	list := func(from, to holdfast.LSN) (fresh []written) {
		for lsn := from; lsn <= to; lsn++ {
			fresh = append(fresh, written{holdfast.Entry{LSN: lsn}, 1})
		}
		return fresh
	}
	ask := func(lsn, upto, is holdfast.LSN) string {
		came, known := r.since(lsn, upto, func(e *holdfast.Entry) bool { return e.LSN == is })
		switch {
		case !known:
			return "unknown"
		case came:
			return "came"
		}
		return "no"
	}
	same := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	same("with nothing in memory", ask(3, 5, 9), "unknown")
	same("nothing has come at all", ask(5, 5, 5), "no")
	r.add(list(10, 20))
	same("before the first that is here", ask(8, 20, 15), "unknown")
	same("right before the first", ask(9, 20, 10), "came")
	same("the entry itself is not after itself", ask(12, 20, 12), "no")
	same("the next one is", ask(12, 20, 13), "came")
	same("the last one is", ask(12, 20, 20), "came")
	same("another process wrote behind ours", ask(12, 21, 13), "unknown")
	same("from the future", ask(22, 20, 13), "unknown")
	r.add(list(23, 24)) // another process wrote 21 and 22
	same("across a gap", ask(20, 24, 23), "unknown")
	same("behind the gap", ask(23, 24, 24), "came")
	r.add(list(25, 25+2*recentEntries))
	same("more than is worth looking through", ask(24, 25+2*recentEntries, 26), "unknown")
	same("a few of the many", ask(20+2*recentEntries, 25+2*recentEntries, 23+2*recentEntries), "came")
}
