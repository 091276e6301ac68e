package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/paper"
)

// paperView is for whom sheets are made, and those there are.
type paperView struct {
	paper.Settings
	Sheets []paper.Sheet `json:"sheets"`
}

func (a *API) readPaper(ctx context.Context, id access.Identity, _ *struct{}) (*body[paperView], error) {
	s, err := a.Paper.Settings(ctx, id.Workspace)
	if err != nil {
		return nil, err
	}
	list, err := a.Paper.Sheets(ctx, id.Workspace)
	return ok(paperView{s, append([]paper.Sheet{}, list...)}, err)
}

type paperIn struct {
	Body struct {
		Nightly    bool     `json:"nightly"`
		Keys       []string `json:"keys,omitempty" maxItems:"20" doc:"Public keys of age: age1…"`
		Passphrase *string  `json:"passphrase,omitempty" maxLength:"200" doc:"Left out: it stays. Empty: it goes. Keys count before it."`
	}
}

func (a *API) setPaper(ctx context.Context, id access.Identity, in *paperIn) (*body[paperView], error) {
	if err := a.Paper.SetSettings(ctx, id, in.Body.Nightly, in.Body.Keys, in.Body.Passphrase); err != nil {
		return nil, err
	}
	return a.readPaper(ctx, id, nil)
}

func (a *API) makeSheet(ctx context.Context, id access.Identity, in *IDIn) (*body[paper.Sheet], error) {
	return ok(a.Paper.Make(ctx, id, in.id()))
}

func (a *API) downloadSheet(w http.ResponseWriter, r *http.Request) {
	id, err := a.who(r.Context(), holdfast.ManageWorkspace)
	if err != nil {
		a.writeProblem(w, r, err)
		return
	}
	form := r.PathValue("form")
	sheet, err := holdfast.ParseID(r.PathValue("id"))
	if err != nil {
		sheet = holdfast.ID{}
	}
	f, s, err := a.Paper.Open(r.Context(), id.Workspace, sheet, form)
	if err != nil {
		a.writeProblem(w, r, err)
		return
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="sheet-`+s.MadeAt.UTC().Format("2006-01-02-1504")+"."+form+`.age"`)
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(10 * time.Minute))
	io.Copy(w, f)
}

// RowIn names a row of a sheet.
type RowIn struct {
	Code string `path:"code" maxLength:"40" doc:"As it stands on the paper; small letters, spaces and Persian digits are read, too."`
}

func (a *API) readRow(ctx context.Context, id access.Identity, in *RowIn) (*body[paper.Row], error) {
	return ok(a.Paper.Row(ctx, id.Workspace, in.Code))
}

type recordIn struct {
	RowIn
	Body struct {
		Text string `json:"text" maxLength:"10000"`
	}
}

// recorded is a row and whether it had been recorded before.
type recorded struct {
	paper.Row
	Again bool `json:"again" doc:"It was there already, and nothing was added."`
}

func (a *API) recordRow(ctx context.Context, id access.Identity, in *recordIn) (*body[recorded], error) {
	r, again, err := a.Paper.Record(ctx, id, in.Code, in.Body.Text)
	return ok(recorded{r, again}, err)
}
