package importer

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/store"
)

// State is how far an import has come.
type State string

// The states of an import.
const (
	Uploading State = "uploading" // its file is not here yet
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed" // Resume goes on where it stopped
	Cancelled State = "cancelled"
)

// Counts say what came of the records so far. In a dry run "made" is what would be.
type Counts struct {
	CustomersMade     int64 `json:"customers_made"`
	CustomersHere     int64 `json:"customers_here"` // already, from an earlier import or by an address
	ConversationsMade int64 `json:"conversations_made"`
	ConversationsHere int64 `json:"conversations_here"`
	MessagesMade      int64 `json:"messages_made"`
	MessagesHere      int64 `json:"messages_here"`
	FilesMade         int64 `json:"files_made"`
	FilesLost         int64 `json:"files_lost"` // too large, or not to be had
	OperatorsMade     int64 `json:"operators_made"`
	Refused           int64 `json:"refused"` // records that cannot be taken
}

// Line is what an import has to say about one record.
type Line struct {
	N       int64  `json:"n"`
	Outcome string `json:"outcome" enum:"made,here,refused,lost"`
	What    string `json:"what"` // "customer", "conversation", "message", "attachment", "row"
	Ref     string `json:"ref"`  // names the record: "ticket 4711", "row 17"
	Code    string `json:"code,omitempty" doc:"Why it was refused or lost; stable."`
	Detail  string `json:"detail,omitempty"`
}

// View is an import as people see it. It holds no secret.
type View struct {
	ID         holdfast.ID    `json:"id"`
	Source     string         `json:"source"`
	Label      string         `json:"label" doc:"Where it reads from: a host, or a file's name."`
	Dry        bool           `json:"dry_run"`
	State      State          `json:"state" enum:"uploading,queued,running,done,failed,cancelled"`
	Counts     Counts         `json:"counts"`
	Done       int64          `json:"done" doc:"How much has been read, in units."`
	Total      int64          `json:"total" doc:"Of how much; 0: the source does not say."`
	Unit       string         `json:"unit" doc:"bytes, conversations or customers"`
	Code       string         `json:"code,omitempty" doc:"Why it failed; stable."`
	Reason     string         `json:"reason,omitempty"`
	Uploaded   int64          `json:"uploaded" doc:"Bytes of its file that are here, while uploading."`
	Actor      holdfast.Actor `json:"actor"`
	CreatedAt  time.Time      `json:"created_at"`
	StartedAt  time.Time      `json:"started_at,omitzero"`
	FinishedAt time.Time      `json:"finished_at,omitzero"`
}

// run is an import as it is walked.
type run struct {
	View
	Workspace holdfast.ID
	kind      Kind
	settings  Settings
	place     string
	since     holdfast.LSN
	upto      holdfast.LSN // what is up to here is counted
	lines     int64        // written so far
	desk      *desk        // nil for files
}

const sealPurpose = "import"

const runColumns = `SELECT id, workspace, source, label, settings, dry, state, place, counts, done, total, unit, code, reason, since_lsn, upto_lsn,
	actor_kind, actor, created_at, started_at, finished_at FROM import_run `

// scan reads a row; sealed settings stay sealed.
func (r *run) scan(row interface{ Scan(...any) error }) (sealed []byte, err error) {
	var counts []byte
	err = row.Scan(&r.ID, &r.Workspace, &r.Source, &r.Label, &sealed, &r.Dry, &r.State, &r.place, &counts, &r.Done, &r.Total, &r.Unit, &r.Code, &r.Reason,
		&r.since, &r.upto, &r.Actor.Kind, &r.Actor.ID, &r.CreatedAt, &r.StartedAt, &r.FinishedAt)
	if errors.Is(err, store.ErrNoRows) {
		return nil, errNoImport()
	}
	if err == nil && len(counts) > 0 {
		err = json.Unmarshal(counts, &r.Counts)
	}
	return sealed, err
}

func errNoImport() error {
	return holdfast.Errorf(holdfast.NotFound, "import.not_found", "there is no such import")
}

// unseal opens the settings of a run.
func (im *Importer) unseal(r *run, sealed []byte) error {
	raw, err := im.Seal.Open(sealPurpose, r.ID, sealed)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &r.settings); err != nil {
		return err
	}
	r.kind, err = kindOf(r.Source)
	return err
}

// View is one import of a workspace. The error is NotFound.
func (im *Importer) View(ctx context.Context, workspace, id holdfast.ID) (View, error) {
	var r run
	_, err := r.scan(im.DB.QueryRow(ctx, runColumns+"WHERE id = $1 AND workspace = $2", id, workspace))
	if err == nil && r.State == Uploading {
		r.Uploaded = im.uploaded(id)
	}
	return r.View, err
}

// List reads a workspace's imports, the newest first.
func (im *Importer) List(ctx context.Context, workspace holdfast.ID, limit int) ([]View, error) {
	if limit <= 0 || limit > 200 {
		limit = 50
	}
	rows, err := im.DB.Query(ctx, runColumns+"WHERE workspace = $1 ORDER BY created_at DESC, id DESC LIMIT $2", workspace, limit)
	return store.Collect(rows, err, func(row *store.Rows, v *View) error {
		var r run
		_, err := r.scan(row)
		*v = r.View
		return err
	})
}

// Firsts are the first lines of each outcome, for a screen.
const Firsts = 20

// Lines reads what an import says about its records after line n, in order;
// outcome "" means all of them. The error is NotFound.
func (im *Importer) Lines(ctx context.Context, workspace, id holdfast.ID, outcome string, after int64, limit int) ([]Line, error) {
	if _, err := im.View(ctx, workspace, id); err != nil {
		return nil, err
	}
	query, args := "SELECT n, outcome, what, ref, code, detail FROM import_line WHERE import = $1 AND n > $2 AND ($3 = '' OR outcome = $3) ORDER BY n LIMIT $4", []any{id, after, outcome, limit}
	rows, err := im.DB.Query(ctx, query, args...)
	return store.Collect(rows, err, func(r *store.Rows, l *Line) error {
		return r.Scan(&l.N, &l.Outcome, &l.What, &l.Ref, &l.Code, &l.Detail)
	})
}

// NewImport is an import that somebody wants.
type NewImport struct {
	ID       holdfast.ID // made by the client; the same id twice is one import
	Source   string
	Settings Settings
	Dry      bool
	// Like takes source, settings and file from an import of the same workspace: a
	// dry run that is now to be done.
	Like holdfast.ID
}

// Create notes an import: it begins at once, or when its file is here. Errors:
// Invalid, Forbidden, NotFound (the one it is like), Conflict "setup.id_taken".
func (im *Importer) Create(ctx context.Context, by access.Identity, n NewImport) (View, error) {
	if err := by.Require(holdfast.ManageWorkspace); err != nil {
		return View{}, err
	}
	if n.ID.IsZero() {
		return View{}, holdfast.Errorf(holdfast.Invalid, "id.missing", "an import needs an id").WithField("id").WithNext("Make a UUID and send the same one when you try again.")
	}
	var like run
	if !n.Like.IsZero() {
		sealed, err := like.scan(im.DB.QueryRow(ctx, runColumns+"WHERE id = $1 AND workspace = $2", n.Like, by.Workspace))
		if err == nil {
			err = im.unseal(&like, sealed)
		}
		if err != nil {
			return View{}, err
		}
		n.Source, n.Settings = like.Source, like.settings
	}
	k, err := kindOf(n.Source)
	if err != nil {
		return View{}, err
	}
	if err := n.Settings.check(k); err != nil {
		return View{}, err
	}
	if !n.Settings.Channel.IsZero() {
		if _, err := im.Setup.Channel(ctx, by.Workspace, n.Settings.Channel); err != nil {
			return View{}, err
		}
	}
	state := Queued
	if k.File {
		state = Uploading
		if !n.Like.IsZero() && im.link(n.Like, n.ID) == nil {
			state = Queued
		}
	}
	raw, err := json.Marshal(n.Settings)
	if err != nil {
		return View{}, err
	}
	err = im.DB.Write(ctx, func(tx *store.Tx) error {
		var workspace holdfast.ID
		err := tx.QueryRow("SELECT workspace FROM import_run WHERE id = $1", n.ID).Scan(&workspace)
		if err == nil && workspace == by.Workspace {
			return nil
		}
		if err == nil {
			return holdfast.Errorf(holdfast.Conflict, "setup.id_taken", "this id belongs to something else").WithNext("Make a new id.").WithField("id")
		}
		if !errors.Is(err, store.ErrNoRows) {
			return err
		}
		label := clip(n.Settings.label(k), 300)
		if err := tx.Exec(`INSERT INTO import_run (id, workspace, source, label, settings, dry, state, actor_kind, actor, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			n.ID, by.Workspace, n.Source, label, im.Seal.Seal(sealPurpose, n.ID, raw), n.Dry, state, by.Actor.Kind, by.Actor.ID, tx.Now); err != nil {
			return err
		}
		return access.Record(tx, by, "import.created", n.ID, map[string]any{"source": n.Source, "from": label, "dry_run": n.Dry})
	})
	if err != nil {
		return View{}, err
	}
	im.poke()
	return im.View(ctx, by.Workspace, n.ID)
}

// Cancel stops an import; what it has brought stays. Of one that has ended it
// changes nothing.
func (im *Importer) Cancel(ctx context.Context, by access.Identity, id holdfast.ID) (View, error) {
	return im.turn(ctx, by, id, "import.cancelled", Cancelled, Uploading, Queued, Running)
}

// Resume lets an import that failed or was cancelled go on where it stopped. Of
// any other it changes nothing.
func (im *Importer) Resume(ctx context.Context, by access.Identity, id holdfast.ID) (View, error) {
	v, err := im.View(ctx, by.Workspace, id)
	if err != nil {
		return v, err
	}
	to := Queued
	if k, err := kindOf(v.Source); err != nil || k.File && !im.whole(id) {
		to = Uploading
	}
	return im.turn(ctx, by, id, "import.resumed", to, Failed, Cancelled)
}

func (im *Importer) turn(ctx context.Context, by access.Identity, id holdfast.ID, action string, to State, from ...State) (View, error) {
	if err := by.Require(holdfast.ManageWorkspace); err != nil {
		return View{}, err
	}
	err := im.DB.Write(ctx, func(tx *store.Tx) error {
		var ended time.Time
		if to == Cancelled {
			ended = tx.Now
		}
		args := []any{id, by.Workspace, to, ended}
		for _, s := range from {
			args = append(args, s)
		}
		n, err := tx.ExecN("UPDATE import_run SET state = $3, runner = NULL, beat_at = 0, code = '', reason = '', finished_at = $4 WHERE id = $1 AND workspace = $2 AND state IN "+store.In(5, len(from)), args...)
		if err != nil || n == 0 {
			return err
		}
		return access.Record(tx, by, action, id, nil)
	})
	if err != nil {
		return View{}, err
	}
	im.poke()
	return im.View(ctx, by.Workspace, id)
}

func (im *Importer) poke() {
	select {
	case im.kick <- struct{}{}:
	default:
	}
}
