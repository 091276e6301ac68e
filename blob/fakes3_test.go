package blob_test

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fakeS3 speaks as much of S3 as the store uses: PUT, GET with ranges, HEAD,
// DELETE and uploads in parts, with signed chunks taken apart.
type fakeS3 struct {
	mu      sync.Mutex
	objects map[string][]byte
	parts   map[string]map[string][]byte // upload → part number → content
	status  int
	code    string
}

func (f *fakeS3) fail(status int, code string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status, f.code = status, code
}

func (f *fakeS3) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := slices.Collect(maps.Keys(f.objects))
	for upload := range f.parts {
		names = append(names, "unfinished "+upload)
	}
	return names
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body []byte
	if r.Body != nil {
		var err error
		if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
			body, err = unchunk(r.Body)
		} else {
			body, err = io.ReadAll(r.Body)
		}
		if err != nil {
			return // the sender broke off
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=key/") {
		refuse(w, http.StatusForbidden, "AccessDenied")
		return
	}
	if full := strings.Contains(f.code, "Full") || strings.Contains(f.code, "Quota"); f.status != 0 && (!full || r.Method == "PUT") {
		refuse(w, f.status, f.code)
		return
	}
	name, q := r.URL.Path, r.URL.Query()
	upload := q.Get("uploadId")
	sum := md5.Sum(body)
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	switch {
	case r.Method == "POST" && q.Has("uploads"):
		id := fmt.Sprint("upload", len(f.parts))
		f.parts[id] = map[string][]byte{}
		fmt.Fprintf(w, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>", id)
	case r.Method == "PUT" && upload != "":
		f.parts[upload][q.Get("partNumber")] = body
		w.Header().Set("ETag", etag)
	case r.Method == "POST" && upload != "":
		var done struct {
			Part []struct {
				PartNumber string
			}
		}
		if err := xml.Unmarshal(body, &done); err != nil {
			refuse(w, 400, "MalformedXML")
			return
		}
		var whole []byte
		for _, p := range done.Part {
			whole = append(whole, f.parts[upload][p.PartNumber]...)
		}
		f.objects[name] = whole
		delete(f.parts, upload)
		fmt.Fprintf(w, "<CompleteMultipartUploadResult><Bucket>files</Bucket><ETag>%s</ETag></CompleteMultipartUploadResult>", etag)
	case r.Method == "DELETE" && upload != "":
		delete(f.parts, upload)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == "PUT":
		f.objects[name] = body
		w.Header().Set("ETag", etag)
	case r.Method == "DELETE":
		delete(f.objects, name)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == "GET" || r.Method == "HEAD":
		content, ok := f.objects[name]
		if !ok {
			refuse(w, http.StatusNotFound, "NoSuchKey")
			return
		}
		sum := md5.Sum(content)
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", time.Unix(1, 0), bytes.NewReader(content))
	default:
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
}

// unchunk reads a body of signed chunks: "size;chunk-signature=…", the bytes, an empty chunk, trailers.
func unchunk(r io.Reader) ([]byte, error) {
	var out bytes.Buffer
	b := bufio.NewReader(r)
	for {
		line, err := b.ReadString('\n')
		if err != nil {
			return nil, err
		}
		size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, err := strconv.ParseInt(size, 16, 64)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			_, err := io.Copy(io.Discard, b)
			return out.Bytes(), err
		}
		if _, err := io.CopyN(&out, b, n); err != nil {
			return nil, err
		}
		if _, err := b.Discard(2); err != nil {
			return nil, err
		}
	}
}
