package blob

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"holdfast"
)

// partSize is the size of one part of an upload in bytes; smaller files go in one piece.
const partSize = 16 << 20

// S3Options say where the bucket is. The bucket must exist.
type S3Options struct {
	Endpoint  string // "https://s3.example.com"
	Region    string // "us-east-1" when empty
	Bucket    string
	Prefix    string // put before each name, "desk/" for example
	AccessKey string
	SecretKey string
	// Spool is a folder for files on their way: a blob's name is known only after
	// its last byte. Empty means the system's folder for temporary files.
	Spool string
	// Transport carries the requests; nil means the usual one.
	Transport http.RoundTripper
	// Tries is how often a request is sent before its failure is believed; 0 means 4.
	Tries int
}

// S3 keeps blobs in a bucket of an S3-compatible storage, as ab/cd/abcd….
type S3 struct {
	client *minio.Client
	o      S3Options
}

// NewS3 checks the options and connects to nothing. The error is Invalid.
func NewS3(o S3Options) (*S3, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, holdfast.Errorf(holdfast.Invalid, "blob.endpoint", "%q is not the address of a storage", o.Endpoint).
			WithNext("Give it with its scheme, such as https://s3.example.com.")
	}
	if o.Bucket == "" {
		return nil, holdfast.Errorf(holdfast.Invalid, "blob.bucket", "the storage needs the name of a bucket")
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Tries == 0 {
		o.Tries = 4
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds:      credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""),
		Secure:     u.Scheme == "https",
		Region:     o.Region,
		Transport:  o.Transport,
		MaxRetries: o.Tries,
	})
	if err != nil {
		return nil, holdfast.Errorf(holdfast.Invalid, "blob.endpoint", "the storage cannot be used: %w", err)
	}
	return &S3{client: client, o: o}, nil
}

func (s *S3) name(hash string) string {
	return s.o.Prefix + hash[:2] + "/" + hash[2:4] + "/" + hash
}

// Put spools r to disk, then uploads it unless the bucket has it already.
func (s *S3) Put(ctx context.Context, r io.Reader, max int64) (string, int64, error) {
	f, hash, size, err := spool(ctx, s.o.Spool, r, max)
	if err != nil {
		return "", 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	info, err := s.client.StatObject(ctx, s.o.Bucket, s.name(hash), minio.StatObjectOptions{})
	if err == nil && info.Size == size {
		return hash, size, nil
	}
	if err != nil && !absent(err) {
		return "", 0, storageFailed(err)
	}
	_, err = s.client.PutObject(ctx, s.o.Bucket, s.name(hash), f, size, minio.PutObjectOptions{
		ContentType: "application/octet-stream",
		PartSize:    partSize,
		NumThreads:  2,
	})
	if err != nil {
		return "", 0, storageFailed(err)
	}
	return hash, size, nil
}

// Open asks for the blob's size; its content is fetched as it is read.
func (s *S3) Open(ctx context.Context, hash string) (io.ReadSeekCloser, int64, error) {
	if !wellFormed(hash) {
		return nil, 0, missing(hash)
	}
	o, err := s.client.GetObject(ctx, s.o.Bucket, s.name(hash), minio.GetObjectOptions{})
	if err != nil {
		return nil, 0, storageFailed(err)
	}
	info, err := o.Stat()
	if err != nil {
		o.Close()
		if absent(err) {
			return nil, 0, missing(hash)
		}
		return nil, 0, storageFailed(err)
	}
	return o, info.Size, nil
}

// Has asks for the blob's size.
func (s *S3) Has(ctx context.Context, hash string) (bool, error) {
	if !wellFormed(hash) {
		return false, nil
	}
	_, err := s.client.StatObject(ctx, s.o.Bucket, s.name(hash), minio.StatObjectOptions{})
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, storageFailed(err)
	}
	return true, nil
}

// Remove removes the object.
func (s *S3) Remove(ctx context.Context, hash string) error {
	if !wellFormed(hash) {
		return nil
	}
	if err := s.client.RemoveObject(ctx, s.o.Bucket, s.name(hash), minio.RemoveObjectOptions{}); err != nil && !absent(err) {
		return storageFailed(err)
	}
	return nil
}

// absent: a missing bucket is a wrong setting, not a missing blob.
func absent(err error) bool {
	var res minio.ErrorResponse
	return errors.As(err, &res) && (res.Code == "NoSuchKey" || res.Code == "NotFound" || res.StatusCode == http.StatusNotFound && res.Code != "NoSuchBucket")
}

func storageFailed(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var res minio.ErrorResponse
	if errors.As(err, &res) {
		if code := strings.ToLower(res.Code); strings.Contains(code, "quota") || strings.Contains(code, "storagefull") || res.StatusCode == http.StatusInsufficientStorage {
			return holdfast.Errorf(holdfast.Unavailable, "blob.full", "the storage has no room for files: %w", err).
				WithNext("Free space in the bucket or raise its quota, then send the file again.")
		}
	}
	return holdfast.Errorf(holdfast.Unavailable, "blob.unavailable", "the storage does not answer as it should: %w", err).
		WithNext("Try again in a moment; if it stays, check the bucket's address, name and keys.")
}
