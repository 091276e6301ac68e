// Package blob keeps attachments and raw forms by the SHA-256 of their content,
// on disk or in S3-compatible storage, and serves them to browsers.
//
// It refuses to hold a file whole in memory, to keep half of one, to overwrite
// content with other content, and to let a stranger's file run in our pages.
package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"strings"
	"syscall"

	"holdfast"
)

// Store keeps content by its hash. Both stores sit the same exam.
type Store interface {
	// Put streams r to storage and returns its SHA-256 in lower-case hex and its
	// size in bytes; the blob is durable when Put returns. Past max bytes (0: no
	// limit) the error is TooLarge ("blob.too_large") and nothing is kept, as after
	// any other error. A full disk is Unavailable ("blob.full").
	Put(ctx context.Context, r io.Reader, max int64) (hash string, size int64, err error)
	// Open returns a blob and its size in bytes. The error is NotFound
	// ("blob.missing") when there is none, or when hash is not a hash.
	Open(ctx context.Context, hash string) (io.ReadSeekCloser, int64, error)
	// Has reports whether a blob is there.
	Has(ctx context.Context, hash string) (bool, error)
	// Remove takes a blob away; one that is not there is no error.
	Remove(ctx context.Context, hash string) error
}

// wellFormed reports whether s is a SHA-256 in lower-case hex. Names of files
// and objects are made of nothing else, so no hash leads out of the store.
func wellFormed(s string) bool {
	if len(s) != sha256.Size*2 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func missing(hash string) error {
	if len(hash) > 80 {
		hash = strings.ToValidUTF8(hash[:80], "") + "…"
	}
	return holdfast.Errorf(holdfast.NotFound, "blob.missing", "there is no stored file %q", hash)
}

// diskFailed names the failures of a disk that an administrator can do something about.
func diskFailed(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return holdfast.Errorf(holdfast.Unavailable, "blob.full", "there is no room for files: %w", err).
			WithNext("Free space in the data folder, then send the file again.")
	}
	return err
}

// spool writes r to a new file in dir and returns it hashed, synced and rewound.
// On an error the file is gone. The caller closes and removes it otherwise.
func spool(ctx context.Context, dir string, r io.Reader, max int64) (*os.File, string, int64, error) {
	f, err := os.CreateTemp(dir, partial+"*")
	if err != nil {
		return nil, "", 0, diskFailed(err)
	}
	in := &source{ctx: ctx, r: r, max: max, hash: sha256.New()}
	// The plain Writer keeps io.Copy from handing the file a reader of its own choice.
	_, err = io.CopyBuffer(struct{ io.Writer }{f}, in, make([]byte, 64<<10))
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		if in.err != nil {
			return nil, "", 0, in.err
		}
		return nil, "", 0, diskFailed(err)
	}
	return f, hex.EncodeToString(in.hash.Sum(nil)), in.n, nil
}

// source is a stream being hashed and counted. It remembers its own error, so
// that a broken upload is not taken for a broken disk.
type source struct {
	ctx  context.Context
	r    io.Reader
	max  int64
	n    int64
	hash hash.Hash
	err  error
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	if s.max > 0 && s.n > s.max {
		s.err = holdfast.Errorf(holdfast.TooLarge, "blob.too_large", "the file is larger than %d bytes", s.max).
			WithNext("Send a smaller file, or a link to it.")
		return 0, s.err
	}
	s.hash.Write(p[:n])
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
