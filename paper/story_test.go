package paper_test

import (
	"context"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"holdfast"
	"holdfast/access"
	"holdfast/desktest"
	"holdfast/store"
	"holdfast/web"
)

const secret = "correct horse battery"

// table opens a sheet as whoever knows the passphrase does, and reads it.
func table(t *testing.T, d *desktest.Desk, sheet holdfast.ID, passphrase string) ([][]string, error) {
	t.Helper()
	f, _, err := d.Paper.Open(context.Background(), d.Workspace, sheet, "csv")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	who, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(f, who)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(b), "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows, nil
}

// A sheet is made, whoever has the passphrase reads whom to call, and what was written
// by hand is recorded once, however often and by whomever it is keyed in.
func TestWhatWasWrittenByHandIsRecordedOnce(t *testing.T) {
	if !web.Built() {
		t.Skip("the web parts are not built, and with them the typeface of Persian")
	}
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ctx, by := context.Background(), access.System(d.Workspace)
		ana, ben := d.Contact("ana@example.com"), d.Contact("ben@example.com")
		ana.Writes("m-1", "My line is dead, سلام 12")
		d.Wait(time.Minute)
		ben.Writes("m-2", "Just asking")
		sheet := holdfast.NewID()
		if _, err := d.Paper.Make(ctx, by, sheet); holdfast.CodeOf(err) != "paper.nobody" {
			t.Fatalf("a sheet for nobody: %v", err)
		}
		pass := secret
		if err := d.Paper.SetSettings(ctx, by, false, nil, &pass); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			s, err := d.Paper.Make(ctx, by, sheet)
			if err != nil || s.Customers != 2 || s.Rows != 4 {
				t.Fatalf("%+v %v", s, err)
			}
		}
		if list, err := d.Paper.Sheets(ctx, d.Workspace); err != nil || len(list) != 1 {
			t.Fatalf("asked for twice, there are %v, %v", list, err)
		}
		rows, err := table(t, d, sheet, secret)
		if err != nil || len(rows) != 5 || !strings.Contains(rows[1][6], "My line is dead") || !strings.Contains(rows[3][6], "Just asking") {
			t.Fatalf("who waits longest is not first: %q %v", rows, err)
		}
		if _, err := table(t, d, sheet, "another passphrase"); err == nil {
			t.Fatal("another passphrase opens it")
		}
		err = filepath.WalkDir(filepath.Join(d.App.Config.Data, "paper"), func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if strings.Contains(string(b), "ana@") || !strings.HasPrefix(string(b), "age-encryption.org/") {
				t.Errorf("%s lies there for everybody", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		code := rows[1][7]
		before := len(ana.Messages())
		r, again, err := d.Paper.Record(ctx, by, strings.ToLower(strings.ReplaceAll(code, "-", " ")), "Called her at six: works again")
		if err != nil || again || !strings.Contains(r.Recorded, "works again") {
			t.Fatalf("%+v %v %v", r, again, err)
		}
		r, again, err = d.Paper.Record(ctx, by, code, "Something else")
		if err != nil || !again || !strings.Contains(r.Recorded, "works again") || strings.Contains(r.Recorded, "Something else") {
			t.Fatalf("the second time: %+v %v %v", r, again, err)
		}
		list, _, err := d.Inbox.Messages(ctx, d.Workspace, ana.Conversation().ID, 0, 10)
		if err != nil || len(list) != before+1 && len(list) != 2 {
			t.Fatalf("%d messages, %v", len(list), err)
		}
		if last := list[len(list)-1]; last.Direction != holdfast.Note || !strings.Contains(last.Text, code) {
			t.Errorf("what was written stands there as %+v", last)
		}
		if other, err := d.Setup.Workspaces(ctx, access.System(holdfast.ID{})); err != nil || len(other) != 1 {
			t.Fatal(err)
		}
		if _, err := d.Paper.Row(ctx, holdfast.NewID(), code); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("another workspace reads the row: %v", err)
		}
	})
}

// Each night has its sheet, and a week of them is kept.
func TestEveryNightHasASheetAndAWeekIsKept(t *testing.T) {
	if !web.Built() {
		t.Skip("the web parts are not built, and with them the typeface of Persian")
	}
	desktest.Run(t, desktest.Options{}, func(t *testing.T, d *desktest.Desk) {
		ctx, by := context.Background(), access.System(d.Workspace)
		d.Contact("ana@example.com").Writes("m-1", "Hello?")
		key, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Paper.SetSettings(ctx, by, true, []string{"AGE-SECRET-KEY-1"}, nil); holdfast.CodeOf(err) != "paper.key_invalid" {
			t.Fatalf("a key that is none: %v", err)
		}
		if err := d.Paper.SetSettings(ctx, by, true, []string{key.Recipient().String()}, nil); err != nil {
			t.Fatal(err)
		}
		d.Wait(28 * time.Hour)
		list, err := d.Paper.Sheets(ctx, d.Workspace)
		if err != nil || len(list) < 1 || len(list) > 2 {
			t.Fatalf("%d sheets of a night and a day, %v", len(list), err)
		}
		old := holdfast.NewID()
		if _, err := d.Paper.Make(ctx, by, old); err != nil {
			t.Fatal(err)
		}
		d.Write(func(tx *store.Tx) error {
			return tx.Exec("UPDATE paper_sheet SET made_at = $1 WHERE id = $2", tx.Now.AddDate(0, 0, -8), old)
		})
		if _, err := d.Paper.Make(ctx, by, holdfast.NewID()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Paper.Open(ctx, d.Workspace, old, "pdf"); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("a sheet of last week is there: %v", err)
		}
		if list, err = d.Paper.Sheets(ctx, d.Workspace); err != nil || len(list) < 2 || len(list) > 3 {
			t.Fatalf("%d sheets, %v", len(list), err)
		}
		nights := map[string]bool{}
		for _, s := range list {
			nights[s.Night] = true // one is of no night
		}
		if len(nights) != len(list) {
			t.Errorf("a night has two: %+v", list)
		}
		files, err := os.ReadDir(filepath.Join(d.App.Config.Data, "paper", d.Workspace.String()))
		if err != nil || len(files) != 2*len(list) {
			t.Errorf("%d files of %d sheets, %v", len(files), len(list), err)
		}
		f, _, err := d.Paper.Open(ctx, d.Workspace, list[0].ID, "pdf")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r, err := age.Decrypt(f, key)
		if err != nil {
			t.Fatal(err)
		}
		if head, err := io.ReadAll(r); err != nil || !strings.HasPrefix(string(head), "%PDF-") {
			t.Errorf("what is inside begins with %.20q, %v", head, err)
		}
	})
}
