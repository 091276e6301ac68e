package app

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"holdfast"
	"holdfast/blob"
	"holdfast/inbox"
)

const (
	keepUploads = 48 * time.Hour
	sweepFirst  = 10 * time.Minute // after a start
	sweepEvery  = 24 * time.Hour
	sweepCheck  = 2 * time.Minute // after a sweep that took something away
	gone        = ".gone"
	halfGone    = ".part"
)

// uploads are the files that people have uploaded for a message and that may never
// have become part of one. Each is noted in a folder beside the database; what no
// message refers to after 48 hours is taken out of the store.
//
// Content is kept once, whoever brings it: while a file is being taken away, somebody
// may bring the same one again, find it there and send it. So it is set aside first,
// looked for again a little later and by the sweeps of the next 48 hours, and put
// back if a message has come to refer to it.
type uploads struct {
	dir   string
	store blob.Store
	inbox *inbox.Inbox
	log   *slog.Logger
}

// note remembers that a file was uploaded now. That it cannot be noted keeps the file
// for ever, and no message from anybody.
func (u *uploads) note(at holdfast.Attachment) {
	for _, hash := range []string{at.Hash, at.Thumb} {
		if hash == "" {
			continue
		}
		path := filepath.Join(u.dir, hash)
		err := os.MkdirAll(u.dir, 0o700)
		if err == nil {
			err = os.WriteFile(path, nil, 0o600)
		}
		if err == nil {
			err = os.Chtimes(path, time.Now(), time.Now())
		}
		if err != nil {
			u.log.Warn("an upload was not noted; its file stays even if no message has it", "err", err)
		}
	}
}

// run sweeps soon after the start and then daily, until ctx ends.
func (u *uploads) run(ctx context.Context) error {
	next := time.NewTimer(sweepFirst)
	defer next.Stop()
	for {
		select {
		case <-next.C:
		case <-ctx.Done():
			return nil
		}
		taken, err := u.sweep(ctx)
		if err != nil && ctx.Err() == nil {
			u.log.Warn("uploads that no message has were not all taken away", "err", err)
		}
		if taken > 0 {
			u.log.Info("uploads that no message has were taken away", "files", taken)
			next.Reset(sweepCheck)
		} else {
			next.Reset(sweepEvery)
		}
	}
}

var hashName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// sweep takes away what is due and deals with what earlier ones set aside. It
// reports how many files it took away.
func (u *uploads) sweep(ctx context.Context) (taken int, err error) {
	list, err := os.ReadDir(u.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	noted, aside, asked := map[string]time.Time{}, map[string]time.Time{}, map[string]bool{}
	for _, f := range list {
		info, err := f.Info()
		if err != nil {
			continue // it went meanwhile
		}
		hash, is := strings.CutSuffix(f.Name(), gone)
		switch {
		case !hashName.MatchString(hash): // a copy that a crash cut off
			os.Remove(filepath.Join(u.dir, f.Name()))
			continue
		case is:
			aside[hash] = info.ModTime()
		case time.Since(info.ModTime()) < keepUploads:
			noted[hash] = info.ModTime()
			continue
		default:
			noted[hash] = info.ModTime()
		}
		asked[hash] = true
	}
	if len(asked) == 0 {
		return 0, nil
	}
	used, err := u.inbox.UsedFiles(ctx, asked)
	if err != nil {
		return 0, err
	}
	var failed error
	for hash, at := range aside {
		switch {
		case used[hash], !noted[hash].IsZero() && time.Since(noted[hash]) < keepUploads:
			failed = errors.Join(failed, u.putBack(ctx, hash))
		case time.Since(at) >= keepUploads:
			failed = errors.Join(failed, os.Remove(filepath.Join(u.dir, hash+gone)))
		}
	}
	for hash, at := range noted {
		if time.Since(at) < keepUploads {
			continue
		}
		if !used[hash] {
			if err := u.setAside(ctx, hash); err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			taken++
		}
		failed = errors.Join(failed, os.Remove(filepath.Join(u.dir, hash)))
	}
	return taken, failed
}

// setAside moves a file out of the store into our folder.
func (u *uploads) setAside(ctx context.Context, hash string) error {
	from, _, err := u.store.Open(ctx, hash)
	if holdfast.KindOf(err) == holdfast.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close()
	path := filepath.Join(u.dir, hash)
	to, err := os.OpenFile(path+halfGone, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err == nil {
		err = to.Sync()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		os.Remove(path + halfGone)
		return err
	}
	if err := os.Chtimes(path+halfGone, time.Now(), time.Now()); err != nil {
		return err
	}
	if err := os.Rename(path+halfGone, path+gone); err != nil {
		return err
	}
	return u.store.Remove(ctx, hash)
}

// putBack returns what was set aside to the store.
func (u *uploads) putBack(ctx context.Context, hash string) error {
	path := filepath.Join(u.dir, hash+gone)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	got, _, err := u.store.Put(ctx, f, 0)
	if err != nil {
		return err
	}
	if got != hash {
		return holdfast.Errorf(holdfast.Internal, "upload.damaged", "the file set aside as %s is damaged", hash)
	}
	return os.Remove(path)
}

// notedFiles are the desk's files for a channel whose far end is a person's browser:
// what is uploaded there may never be sent either.
type notedFiles struct {
	*blob.Files
	uploads *uploads
}

// Attach is channel.Blobs'.
func (n notedFiles) Attach(ctx context.Context, name, claimedType string, r io.Reader) (holdfast.Attachment, error) {
	at, err := n.Files.Attach(ctx, name, claimedType, r)
	if err == nil {
		n.uploads.note(at)
	}
	return at, err
}
