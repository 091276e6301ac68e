package importer

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"holdfast"
	"holdfast/store"
)

// MaxFile is the largest file that is read, in bytes.
const MaxFile = 20 << 30

func (im *Importer) path(id holdfast.ID) string { return filepath.Join(im.Folder, id.String()) }

func (im *Importer) part(id holdfast.ID) string { return im.path(id) + ".part" }

// uploaded is how many bytes of a file are here.
func (im *Importer) uploaded(id holdfast.ID) int64 {
	for _, p := range []string{im.part(id), im.path(id)} {
		if info, err := os.Stat(p); err == nil {
			return info.Size()
		}
	}
	return 0
}

// whole reports whether an import's file is here.
func (im *Importer) whole(id holdfast.ID) bool {
	_, err := os.Stat(im.path(id))
	return err == nil
}

// link lets one import read another's file.
func (im *Importer) link(from, to holdfast.ID) error {
	err := os.Link(im.path(from), im.path(to))
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err == nil || errors.Is(err, os.ErrNotExist) {
		return err
	}
	// A file system without links.
	in, err := os.Open(im.path(from))
	if err != nil {
		return err
	}
	defer in.Close()
	if err := im.append(to, 0, in); err != nil {
		return err
	}
	return os.Rename(im.part(to), im.path(to))
}

// Upload adds a piece of an import's file at an offset, which is how much is here
// already; with last the import begins. Sent again, a piece is passed over. Errors:
// NotFound, Conflict "import.offset" or "import.not_uploading", TooLarge, Unavailable.
func (im *Importer) Upload(ctx context.Context, workspace, id holdfast.ID, offset int64, last bool, r io.Reader) (View, error) {
	v, err := im.View(ctx, workspace, id)
	if err != nil {
		return v, err
	}
	if v.State != Uploading {
		if v.State == Queued || v.State == Running || v.State == Done {
			return v, nil // the last piece once more
		}
		return v, holdfast.Errorf(holdfast.Conflict, "import.not_uploading", "this import takes no file now").WithNext("Start a new import.")
	}
	if offset > v.Uploaded || offset < 0 {
		return v, holdfast.Errorf(holdfast.Conflict, "import.offset", "only %d bytes of the file are here", v.Uploaded).WithField("offset").WithNext("Go on from there.")
	}
	if err := im.append(id, offset, r); err != nil {
		return v, err
	}
	if !last {
		return im.View(ctx, workspace, id)
	}
	if err := os.Rename(im.part(id), im.path(id)); err != nil && !im.whole(id) {
		return v, err
	}
	err = im.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("UPDATE import_run SET state = $3 WHERE id = $1 AND workspace = $2 AND state = $4", id, workspace, Queued, Uploading)
	})
	if err != nil {
		return v, err
	}
	im.poke()
	return im.View(ctx, workspace, id)
}

// append writes a piece and has it on disk before it returns.
func (im *Importer) append(id holdfast.ID, offset int64, r io.Reader) error {
	if err := os.MkdirAll(im.Folder, 0o700); err != nil {
		return diskFailed(err)
	}
	f, err := os.OpenFile(im.part(id), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return diskFailed(err)
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return diskFailed(err)
	}
	n, err := io.Copy(struct{ io.Writer }{f}, io.LimitReader(r, MaxFile-offset+1))
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			return diskFailed(err)
		}
		return err
	}
	if offset+n > MaxFile {
		return holdfast.Errorf(holdfast.TooLarge, "import.file_too_large", "a file may have at most %d bytes", int64(MaxFile)).WithNext("Split it.")
	}
	if err := f.Sync(); err != nil {
		return diskFailed(err)
	}
	return nil
}

func diskFailed(err error) error {
	return holdfast.Errorf(holdfast.Unavailable, "import.disk", "the file cannot be kept: %w", err).WithNext("Free space in the data folder, then send it again.")
}
