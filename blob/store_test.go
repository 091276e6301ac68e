package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast"
	"holdfast/blob"
)

// stores runs a test on both stores. left lists what lies in the store and in
// its folder for files on their way.
func stores(t *testing.T, test func(t *testing.T, s blob.Store, left func() []string)) {
	t.Run("disk", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "blobs")
		test(t, blob.NewDisk(dir), func() []string { return filesIn(t, dir) })
	})
	t.Run("s3", func(t *testing.T) {
		s, fake, spool := newS3(t)
		test(t, s, func() []string { return append(fake.names(), filesIn(t, spool)...) })
	})
}

func newS3(t *testing.T) (*blob.S3, *fakeS3, string) {
	fake := &fakeS3{objects: map[string][]byte{}, parts: map[string]map[string][]byte{}}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	spool := t.TempDir()
	s, err := blob.NewS3(blob.S3Options{Endpoint: server.URL, Bucket: "files", Prefix: "desk/", AccessKey: "key", SecretKey: "secret", Spool: spool, Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	return s, fake, spool
}

func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			names = append(names, d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func sum(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

func TestWhatIsPutCanBeOpened(t *testing.T) {
	stores(t, func(t *testing.T, s blob.Store, left func() []string) {
		ctx := t.Context()
		big := make([]byte, 20<<20) // two parts of an S3 upload
		rand.NewChaCha8([32]byte{1}).Read(big)
		for _, content := range [][]byte{{}, []byte("a"), big} {
			for range 2 {
				hash, size, err := s.Put(ctx, bytes.NewReader(content), 0)
				if err != nil || hash != sum(content) || size != int64(len(content)) {
					t.Fatalf("Put of %d bytes = %s, %d, %v", len(content), hash, size, err)
				}
			}
			c, size, err := s.Open(ctx, sum(content))
			if err != nil || size != int64(len(content)) {
				t.Fatalf("Open: size %d, %v", size, err)
			}
			got, err := io.ReadAll(c)
			if err != nil || !bytes.Equal(got, content) {
				t.Fatalf("read %d bytes, %v; want the %d put", len(got), err, len(content))
			}
			if len(content) > 10 {
				if _, err := c.Seek(-10, io.SeekEnd); err != nil {
					t.Fatal(err)
				}
				if tail, err := io.ReadAll(c); err != nil || !bytes.Equal(tail, content[len(content)-10:]) {
					t.Fatalf("after a seek: %x, %v", tail, err)
				}
			}
			c.Close()
			if ok, err := s.Has(ctx, sum(content)); !ok || err != nil {
				t.Fatalf("Has = %v, %v", ok, err)
			}
		}
		if n := len(left()); n != 3 {
			t.Fatalf("three contents, each put twice, left %d files: %v", n, left())
		}
		if err := s.Remove(ctx, sum(big)); err != nil {
			t.Fatal(err)
		}
		if err := s.Remove(ctx, sum(big)); err != nil {
			t.Fatalf("removing what is gone: %v", err)
		}
		if ok, err := s.Has(ctx, sum(big)); ok || err != nil {
			t.Fatalf("Has after Remove = %v, %v", ok, err)
		}
	})
}

func TestOverTheLimitNothingIsKept(t *testing.T) {
	stores(t, func(t *testing.T, s blob.Store, left func() []string) {
		for _, max := range []int64{1, 99} {
			_, _, err := s.Put(t.Context(), strings.NewReader(strings.Repeat("x", 100)), max)
			if holdfast.KindOf(err) != holdfast.TooLarge {
				t.Fatalf("max %d: %v, want TooLarge", max, err)
			}
		}
		if len(left()) != 0 {
			t.Fatalf("left behind: %v", left())
		}
		if _, _, err := s.Put(t.Context(), strings.NewReader(strings.Repeat("x", 100)), 100); err != nil {
			t.Fatalf("exactly at the limit: %v", err)
		}
	})
}

// endless is a sender that never ends.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) { e.read += len(p); return len(p), nil }

func TestAnEndlessFileIsCutOff(t *testing.T) {
	stores(t, func(t *testing.T, s blob.Store, left func() []string) {
		e := &endless{}
		if _, _, err := s.Put(t.Context(), e, 1<<20); holdfast.KindOf(err) != holdfast.TooLarge {
			t.Fatalf("err = %v", err)
		}
		if e.read > 2<<20 {
			t.Fatalf("%d bytes were read of a file that may have 1 MiB", e.read)
		}
	})
}

func TestAPutCutOffInTheMiddleLeavesNothing(t *testing.T) {
	stores(t, func(t *testing.T, s blob.Store, left func() []string) {
		gone := errors.New("connection reset by the visitor")
		_, _, err := s.Put(t.Context(), io.MultiReader(strings.NewReader("half of it"), failing{gone}), 0)
		if !errors.Is(err, gone) {
			t.Fatalf("err = %v, want the sender's own", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		r, w := io.Pipe()
		go func() { w.Write([]byte("half")); cancel(); w.Write([]byte("more")); w.Close() }()
		if _, _, err := s.Put(ctx, r, 0); !errors.Is(err, context.Canceled) {
			t.Fatalf("err = %v, want cancelled", err)
		}
		r.Close()
		if len(left()) != 0 {
			t.Fatalf("left behind: %v", left())
		}
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestAHashThatIsNoneOpensNothing(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	stores(t, func(t *testing.T, s blob.Store, left func() []string) {
		hash, _, err := s.Put(t.Context(), strings.NewReader("x"), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"", "ab", secret, "../" + hash, strings.ToUpper(hash), hash + "0", hash[:63] + "/", strings.Repeat("../", 21) + "a", hash[:62] + "..", strings.Repeat("0", 64)} {
			if _, _, err := s.Open(t.Context(), bad); holdfast.KindOf(err) != holdfast.NotFound {
				t.Errorf("Open(%q) = %v, want NotFound", bad, err)
			}
			if ok, err := s.Has(t.Context(), bad); ok || err != nil {
				t.Errorf("Has(%q) = %v, %v", bad, ok, err)
			}
			if err := s.Remove(t.Context(), bad); err != nil {
				t.Errorf("Remove(%q) = %v", bad, err)
			}
		}
		if ok, _ := s.Has(t.Context(), hash); !ok {
			t.Fatal("the blob itself is gone")
		}
	})
}

func TestTheSameFileSentByManyAtOnceIsOneFile(t *testing.T) {
	stores(t, func(t *testing.T, s blob.Store, left func() []string) {
		content := bytes.Repeat([]byte("bill "), 50_000)
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if hash, _, err := s.Put(t.Context(), bytes.NewReader(content), 0); err != nil || hash != sum(content) {
					t.Errorf("Put = %s, %v", hash, err)
				}
			})
		}
		wg.Wait()
		if n := left(); len(n) != 1 {
			t.Fatalf("left: %v", n)
		}
	})
}

func TestAnyContentComesBackAsItWas(t *testing.T) {
	s := blob.NewDisk(filepath.Join(t.TempDir(), "blobs"))
	rapid.Check(t, func(r *rapid.T) {
		content := rapid.SliceOf(rapid.Byte()).Draw(r, "content")
		hash, _, err := s.Put(t.Context(), bytes.NewReader(content), 0)
		if err != nil {
			r.Fatal(err)
		}
		c, _, err := s.Open(t.Context(), hash)
		if err != nil {
			r.Fatal(err)
		}
		defer c.Close()
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, content) {
			r.Fatalf("got %x, %v", got, err)
		}
	})
}

func TestWhatACrashLeftHalfWrittenIsSwept(t *testing.T) {
	dir := t.TempDir()
	old, fresh := filepath.Join(dir, ".part-1"), filepath.Join(dir, ".part-2")
	for _, p := range []string{old, fresh} {
		if err := os.WriteFile(p, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-25*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := blob.NewDisk(dir).Put(t.Context(), strings.NewReader("x"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("yesterday's half-written file is still there: %v", err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Errorf("a file that may still be on its way was removed: %v", err)
	}
}

func TestADamagedFileIsMendedByTheNextPut(t *testing.T) {
	dir := t.TempDir()
	s := blob.NewDisk(dir)
	hash, _, err := s.Put(t.Context(), strings.NewReader("whole"), 0)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, hash[:2], hash[2:4], hash)
	if err := os.WriteFile(path, []byte("wh"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Put(t.Context(), strings.NewReader("whole"), 0); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "whole" {
		t.Fatalf("still %q", b)
	}
}

func TestAFullDiskSaysSo(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	// /dev/full cannot stand in for a folder, so the words are tested where they are made.
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, err = f.Write([]byte("x"))
	if err = blob.DiskFailed(err); holdfast.KindOf(err) != holdfast.Unavailable || holdfast.CodeOf(err) != "blob.full" {
		t.Fatalf("err = %v", err)
	}
}

func TestAStorageThatFailsIsUnavailable(t *testing.T) {
	s, fake, spool := newS3(t)
	for _, c := range []struct {
		status int
		code   string
		want   string
	}{{503, "SlowDown", "blob.unavailable"}, {403, "AccessDenied", "blob.unavailable"}, {404, "NoSuchBucket", "blob.unavailable"}, {507, "XMinioStorageFull", "blob.full"}, {403, "QuotaExceeded", "blob.full"}} {
		fake.fail(c.status, c.code)
		_, _, err := s.Put(t.Context(), strings.NewReader("x"), 0)
		if holdfast.KindOf(err) != holdfast.Unavailable || holdfast.CodeOf(err) != c.want {
			t.Errorf("%s: Put = %v, want %s", c.code, err, c.want)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the key: %v", err)
		}
		if _, _, err := s.Open(t.Context(), sum([]byte("x"))); holdfast.KindOf(err) != holdfast.Unavailable && c.want != "blob.full" && c.status != 404 {
			t.Errorf("%s: Open = %v, want Unavailable", c.code, err)
		}
	}
	if left := filesIn(t, spool); len(left) != 0 {
		t.Errorf("left in the spool: %v", left)
	}
	fake.fail(0, "")
	if _, _, err := s.Put(t.Context(), strings.NewReader("x"), 0); err != nil {
		t.Errorf("after it came back: %v", err)
	}
}

func TestAStorageMustHaveAnAddress(t *testing.T) {
	for _, o := range []blob.S3Options{{Bucket: "b"}, {Endpoint: "s3.example.com", Bucket: "b"}, {Endpoint: "ftp://x", Bucket: "b"}, {Endpoint: "https://s3.example.com"}} {
		if _, err := blob.NewS3(o); holdfast.KindOf(err) != holdfast.Invalid {
			t.Errorf("%+v: %v, want Invalid", o, err)
		}
	}
}
