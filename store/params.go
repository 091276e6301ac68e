package store

import (
	"strconv"
	"strings"
)

// positional writes a statement's $1, $2, … as ?, as long as each is the next one,
// and what repeats an earlier one as ?1. To SQLite $1 is a name, and its driver
// looks every name up for every run; a parameter without a name is bound at once.
// A statement whose parameters do not come in order is left as it is.
func positional(query string) string {
	if strings.IndexByte(query, '$') < 0 {
		return query
	}
	var b strings.Builder
	last := 0
	for i := 0; i < len(query); {
		switch c := query[i]; c {
		case '\'', '"':
			end := strings.IndexByte(query[i+1:], c)
			if end < 0 {
				return query
			}
			b.WriteString(query[i : i+end+2])
			i += end + 2
		case '-', '/':
			if strings.HasPrefix(query[i:], "--") || strings.HasPrefix(query[i:], "/*") {
				return query
			}
			b.WriteByte(c)
			i++
		case '?':
			return query
		case '$':
			to := i + 1
			for to < len(query) && query[to] >= '0' && query[to] <= '9' {
				to++
			}
			n, err := strconv.Atoi(query[i+1 : to])
			switch {
			case err != nil || n < 1 || n > last+1:
				return query
			case n == last+1:
				b.WriteByte('?')
				last = n
			default:
				b.WriteByte('?')
				b.WriteString(query[i+1 : to])
			}
			i = to
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}

// limits are written as sums: SQLite plans a query for the very number that a bare
// parameter of LIMIT has, and anew when the number is another, which costs more than most
// of our queries do.
var limits = strings.NewReplacer("LIMIT $", "LIMIT 0+$", "limit $", "limit 0+$")

// lasting is a query whose plan SQLite keeps from one run to the next.
func lasting(query string) string { return limits.Replace(query) }
