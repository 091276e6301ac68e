package api

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"holdfast"
	"holdfast/feedback"
)

// exportRatings writes the ratings that fit a filter as a table: comma-separated,
// UTF-8 with a mark, as spreadsheets read it, and no cell that one takes for a formula.
func (a *API) exportRatings(w http.ResponseWriter, r *http.Request) {
	began := false
	err := func() error {
		id, err := a.who(r.Context(), holdfast.ReadConversations)
		if err != nil {
			return err
		}
		q := r.URL.Query()
		in := RatingsIn{Kind: q.Get("kind"), Operator: q.Get("operator"), Team: q.Get("team"), Channel: q.Get("channel"), Commented: q.Get("commented") == "true"}
		for name, to := range map[string]*time.Time{"since": &in.Since, "until": &in.Until} {
			if s := q.Get(name); s != "" {
				if *to, err = time.Parse(time.RFC3339, s); err != nil {
					return holdfast.Errorf(holdfast.Invalid, "time.malformed", "this is not a time").WithField(name)
				}
			}
		}
		f, err := in.filter()
		if err != nil {
			return err
		}
		names := map[holdfast.ID]string{}
		operators, err := a.Guard.Operators(r.Context(), id.Workspace)
		if err != nil {
			return err
		}
		for _, o := range operators {
			names[o.ID] = o.Name
		}
		teams, err := a.Guard.Teams(r.Context(), id.Workspace)
		if err != nil {
			return err
		}
		for _, t := range teams {
			names[t.ID] = t.Name
		}
		channels, err := a.Setup.Channels(r.Context(), id.Workspace)
		if err != nil {
			return err
		}
		for _, c := range channels {
			names[c.ID] = c.Name
		}
		const many = 500
		list, err := a.Feedback.List(r.Context(), id.Workspace, f, nil, many)
		if err != nil {
			return err
		}
		h := w.Header()
		h.Set("Content-Type", "text/csv; charset=utf-8")
		h.Set("Content-Disposition", `attachment; filename="ratings.csv"`)
		h.Set("Cache-Control", "no-store")
		began = true
		if _, err := w.Write([]byte("\ufeff")); err != nil {
			return err
		}
		out := csv.NewWriter(w)
		if err := out.Write([]string{"rated_at", "kind", "score", "comment", "conversation", "subject", "customer", "operator", "team", "channel", "asked_at", "via"}); err != nil {
			return err
		}
		for {
			for _, v := range list {
				if err := out.Write(ratingRow(v, names)); err != nil {
					return err
				}
			}
			out.Flush()
			if err := out.Error(); err != nil || len(list) < many {
				return err
			}
			if list, err = a.Feedback.List(r.Context(), id.Workspace, f, &list[len(list)-1].Rating, many); err != nil {
				return err
			}
		}
	}()
	switch {
	case err != nil && began:
		// The table is cut off; whoever reads it must not take it for the whole.
		a.Log.Warn("a table of ratings was cut off", "err", err)
		panic(http.ErrAbortHandler)
	case err != nil:
		a.writeProblem(w, r, err)
	}
}

func ratingRow(v feedback.Answer, names map[holdfast.ID]string) []string {
	asked := ""
	if !v.AskedAt.IsZero() {
		asked = v.AskedAt.UTC().Format(time.RFC3339)
	}
	return []string{v.RatedAt.UTC().Format(time.RFC3339), string(v.Kind), strconv.Itoa(v.Score), cell(v.Comment), strconv.FormatInt(v.Number, 10), cell(v.Subject), cell(v.Name),
		cell(names[v.Operator]), cell(names[v.Team]), cell(names[v.Channel]), asked, v.Via}
}

// cell is text that no spreadsheet takes for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
