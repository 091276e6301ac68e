package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"holdfast"
	"holdfast/access"
	"holdfast/importer"
)

// importDetail is an import and the first lines of its report.
type importDetail struct {
	importer.View
	Refused []importer.Line `json:"first_refused" doc:"Records that cannot be taken, and why."`
	Lost    []importer.Line `json:"first_lost" doc:"Files that could not be had, and why."`
	Made    []importer.Line `json:"first_made" doc:"In a dry run: what would be made."`
	Here    []importer.Line `json:"first_here" doc:"In a dry run: what is here already."`
}

func (a *API) listImportSources(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[importer.Kind]], error) {
	return paged(importer.Kinds(), "", nil)
}

func (a *API) listImports(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[importer.View]], error) {
	list, err := a.Importer.List(ctx, id.Workspace, 200)
	return paged(list, "", err)
}

type createImportIn struct {
	Body struct {
		ID        string            `json:"id" format:"uuid"`
		Source    string            `json:"source,omitempty" doc:"One of GET /import-sources; empty with \"like\"."`
		URL       string            `json:"url,omitempty" maxLength:"2048" doc:"The other desk's address: https://desk.example.com."`
		Token     string            `json:"token,omitempty" maxLength:"4096" doc:"Of its API. It is sealed and never shown again."`
		User      string            `json:"user,omitempty" maxLength:"320" doc:"Whose token it is, where the desk wants to know."`
		Account   string            `json:"account,omitempty" maxLength:"64"`
		Channel   string            `json:"channel,omitempty" doc:"That the conversations go on over; empty: by the customer's address."`
		File      string            `json:"file,omitempty" maxLength:"300" doc:"Name of the file that PUT /imports/{id}/file will bring."`
		Encoding  string            `json:"encoding,omitempty" maxLength:"20" doc:"Empty: guessed."`
		Delimiter string            `json:"delimiter,omitempty" maxLength:"1" doc:"Empty: guessed."`
		Columns   map[string]string `json:"columns,omitempty" doc:"Header of a column → field; empty: by the headers."`
		Origin    string            `json:"origin,omitempty" maxLength:"200" doc:"Whose numbers the file's ids are; empty: its name."`
		DryRun    bool              `json:"dry_run,omitempty" doc:"Say what would be made and write nothing."`
		Like      string            `json:"like,omitempty" doc:"An import whose source, settings and file this one has."`
	}
}

func (a *API) createImport(ctx context.Context, id access.Identity, in *createImportIn) (*created[importer.View], error) {
	b := &in.Body
	n := importer.NewImport{Source: b.Source, Dry: b.DryRun, Settings: importer.Settings{URL: b.URL, Token: b.Token, User: b.User, Account: b.Account,
		File: b.File, Encoding: b.Encoding, Delimiter: b.Delimiter, Columns: b.Columns, Origin: b.Origin}}
	for _, p := range []struct {
		to    *holdfast.ID
		value string
		field string
	}{{&n.ID, b.ID, "id"}, {&n.Settings.Channel, b.Channel, "channel"}, {&n.Like, b.Like, "like"}} {
		v, err := parseID(p.value, p.field)
		if err != nil {
			return nil, err
		}
		*p.to = v
	}
	return made(a.Importer.Create(ctx, id, n))
}

type previewImportIn struct {
	Body struct {
		Head      []byte `json:"head" maxLength:"360000" doc:"The first bytes of the file, in base64; a quarter of a megabyte is enough."`
		Encoding  string `json:"encoding,omitempty" maxLength:"20" doc:"Empty: guessed."`
		Delimiter string `json:"delimiter,omitempty" maxLength:"1" doc:"Empty: guessed."`
	}
}

func (a *API) previewImport(ctx context.Context, id access.Identity, in *previewImportIn) (*body[importer.Preview], error) {
	return ok(importer.Foresee(in.Body.Head, in.Body.Encoding, in.Body.Delimiter))
}

func (a *API) readImport(ctx context.Context, id access.Identity, in *IDIn) (*body[importDetail], error) {
	v, err := a.Importer.View(ctx, id.Workspace, in.id())
	if err != nil {
		return nil, err
	}
	d := importDetail{View: v}
	for _, p := range []struct {
		to      *[]importer.Line
		outcome string
	}{{&d.Refused, "refused"}, {&d.Lost, "lost"}, {&d.Made, "made"}, {&d.Here, "here"}} {
		list, err := a.Importer.Lines(ctx, id.Workspace, v.ID, p.outcome, 0, importer.Firsts)
		if err != nil {
			return nil, err
		}
		if *p.to = list; list == nil {
			*p.to = []importer.Line{}
		}
	}
	return ok(d, nil)
}

func (a *API) cancelImport(ctx context.Context, id access.Identity, in *IDIn) (*body[importer.View], error) {
	return ok(a.Importer.Cancel(ctx, id, in.id()))
}

func (a *API) resumeImport(ctx context.Context, id access.Identity, in *IDIn) (*body[importer.View], error) {
	return ok(a.Importer.Resume(ctx, id, in.id()))
}

// importReport is everything an import has to say, a JSON object a line.
func (a *API) importReport(ctx context.Context, id access.Identity, in *IDIn) (*stream, error) {
	v, err := a.Importer.View(ctx, id.Workspace, in.id())
	if err != nil {
		return nil, err
	}
	return &stream{Body: func(hc huma.Context) {
		download(hc, "import-"+v.ID.String()+".jsonl", "application/x-ndjson")
		enc := json.NewEncoder(hc.BodyWriter())
		enc.SetEscapeHTML(false)
		for after := int64(0); ; {
			list, err := a.Importer.Lines(ctx, id.Workspace, v.ID, "", after, 1000)
			if err != nil {
				a.Log.Warn("an import's report broke off", "import", v.ID.String(), "err", err)
				return
			}
			for _, l := range list {
				if err := enc.Encode(l); err != nil {
					return // they went away
				}
				after = l.N
			}
			if len(list) < 1000 {
				return
			}
		}
	}}, nil
}

// uploadImport takes a piece of an import's file.
func (a *API) uploadImport(w http.ResponseWriter, r *http.Request) {
	v, err := func() (v importer.View, err error) {
		id, err := a.who(r.Context(), holdfast.ManageWorkspace)
		if err != nil {
			return v, err
		}
		iid, err := holdfast.ParseID(r.PathValue("id"))
		if err != nil {
			return v, err
		}
		offset := int64(0)
		if q := r.URL.Query().Get("offset"); q != "" {
			if offset, err = strconv.ParseInt(q, 10, 64); err != nil {
				return v, holdfast.Errorf(holdfast.Invalid, "import.offset", "the offset is not a number").WithField("offset")
			}
		}
		return a.Importer.Upload(r.Context(), id.Workspace, iid, offset, r.URL.Query().Get("last") == "true", r.Body)
	}()
	if err != nil {
		a.writeProblem(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, v)
}
