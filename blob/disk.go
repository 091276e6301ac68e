package blob

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// partial begins the name of a file that is still being written.
const partial = ".part-"

// abandoned is how old an unfinished file must be before it is taken for one
// that a crash left behind: no upload is given that long.
const abandoned = 24 * time.Hour

// Disk keeps blobs in a folder, as ab/cd/abcd….
type Disk struct {
	dir     string
	tidy    sync.Once
	durable sync.Map // folders whose own entry is known to be on disk
}

// NewDisk keeps blobs in dir, which is made when it is first written to.
func NewDisk(dir string) *Disk { return &Disk{dir: dir} }

func (d *Disk) path(hash string) string {
	return filepath.Join(d.dir, hash[:2], hash[2:4], hash)
}

// Put writes under another name, syncs, renames and syncs the folder, so that
// after a crash a blob is there whole or not at all.
func (d *Disk) Put(ctx context.Context, r io.Reader, max int64) (string, int64, error) {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return "", 0, diskFailed(err)
	}
	d.tidy.Do(d.sweep)
	f, hash, size, err := spool(ctx, d.dir, r, max)
	if err != nil {
		return "", 0, err
	}
	defer os.Remove(f.Name())
	if err := f.Close(); err != nil {
		return "", 0, diskFailed(err)
	}
	if err := d.keep(f.Name(), hash, size); err != nil {
		return "", 0, diskFailed(err)
	}
	return hash, size, nil
}

func (d *Disk) keep(name, hash string, size int64) error {
	path := d.path(hash)
	folder := filepath.Dir(path)
	if err := d.folder(filepath.Dir(folder)); err != nil {
		return err
	}
	if err := d.folder(folder); err != nil {
		return err
	}
	// One of another size is what a damaged file system left; the fresh one replaces it.
	if have, err := os.Stat(path); err != nil || have.Size() != size {
		if err := os.Rename(name, path); err != nil {
			return err
		}
	}
	// Also when it was there: whoever put it may not have come to this line yet.
	return syncFolder(folder)
}

// folder makes a folder and, once in this process, makes its name durable.
func (d *Disk) folder(path string) error {
	if _, ok := d.durable.Load(path); ok {
		return nil
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return err
	}
	d.durable.Store(path, nil)
	return nil
}

// Open opens the file; it can be read from anywhere in it.
func (d *Disk) Open(ctx context.Context, hash string) (io.ReadSeekCloser, int64, error) {
	if !wellFormed(hash) {
		return nil, 0, missing(hash)
	}
	f, err := os.Open(d.path(hash))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, missing(hash)
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// Has looks for the file.
func (d *Disk) Has(ctx context.Context, hash string) (bool, error) {
	if !wellFormed(hash) {
		return false, nil
	}
	_, err := os.Stat(d.path(hash))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Remove removes the file.
func (d *Disk) Remove(ctx context.Context, hash string) error {
	if !wellFormed(hash) {
		return nil
	}
	if err := os.Remove(d.path(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sweep removes what a crash left half-written.
func (d *Disk) sweep() {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return // a folder that cannot be read fails the Put that follows, with its reason
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), partial) && time.Since(info.ModTime()) > abandoned {
			os.Remove(filepath.Join(d.dir, e.Name()))
		}
	}
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
