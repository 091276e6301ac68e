package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"holdfast"
)

const (
	attempts    = 6
	backoffMost = time.Minute
	waitMost    = 15 * time.Minute // that we let the other desk make us wait at once
	answerMost  = 64 << 20         // bytes of one page of answers
	hopsMost    = 5
	fileTime    = 10 * time.Minute
	// fileAttempts is small: one file must not hold up the rest.
	fileAttempts = 3
)

// desk is the other desk's API.
type desk struct {
	im      *Importer
	base    *url.URL
	headers http.Header // that prove who we are; sent to its own host alone
	client  *http.Client
	outside *http.Client
}

// dial makes a desk of its address. It does no I/O.
func (im *Importer) dial(s *Settings) (*desk, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, holdfast.Errorf(holdfast.Invalid, "import.setting_invalid", "the address is none").WithField("url")
	}
	d := &desk{im: im, base: u, headers: http.Header{}}
	guard := func(c *http.Client, timeout time.Duration) *http.Client {
		own := *c
		own.Timeout = timeout
		own.CheckRedirect = func(req *http.Request, via []*http.Request) error {
			if len(via) >= hopsMost {
				return errors.New("too many redirects")
			}
			if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
				return errors.New("a redirect to something that is no web address")
			}
			if !d.home(req.URL) {
				// Where it leads nobody is told who we are, and nothing inside may be reached.
				return http.ErrUseLastResponse
			}
			return nil
		}
		return &own
	}
	d.client, d.outside = guard(im.Desks, time.Minute), guard(im.Outside, fileTime)
	return d, nil
}

// home reports whether an address is the other desk's own.
func (d *desk) home(u *url.URL) bool {
	return d != nil && u.Host == d.base.Host && u.Scheme == d.base.Scheme
}

// get reads one answer as JSON into v, waiting where the desk asks for it and
// trying again where that may help. Errors: Forbidden, NotFound, Unavailable.
func (d *desk) get(ctx context.Context, path string, query url.Values, v any) (http.Header, error) {
	u := *d.base
	u.Path = strings.TrimRight(u.Path, "/") + path
	u.RawQuery = query.Encode()
	var last error
	wait := time.Second
	for attempt := 1; attempt <= attempts; attempt++ {
		h, after, err := d.once(ctx, &u, v)
		if err == nil {
			return h, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if after < 0 {
			return nil, err
		}
		last = err
		if attempt == attempts {
			break
		}
		if after == 0 {
			after, wait = wait, min(wait*2, backoffMost)
		} else {
			attempt-- // it said when: that is no failure
			if after > waitMost {
				return nil, holdfast.Errorf(holdfast.Unavailable, "import.throttled", "%s wants us to wait for %s", d.base.Host, after.Round(time.Second)).WithNext("Resume the import later.")
			}
		}
		if err := d.im.pause(ctx, after); err != nil {
			return nil, err
		}
	}
	return nil, last
}

// once makes one request. after says when another attempt may help: 0 soon, below
// 0 never.
func (d *desk) once(ctx context.Context, u *url.URL, v any) (h http.Header, after time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, -1, err
	}
	req.Header = d.headers.Clone()
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "Holdfast/"+holdfast.Version)
	res, err := d.client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the address
		}
		return nil, 0, holdfast.Errorf(holdfast.Unavailable, "import.unreachable", "%s does not answer: %w", d.base.Host, err).WithNext("Check the address and the connection, then resume the import.")
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusOK:
	case res.StatusCode == http.StatusTooManyRequests:
		return nil, retryAfter(res.Header, time.Now()), holdfast.Errorf(holdfast.Unavailable, "import.throttled", "%s takes no more requests now", d.base.Host).WithNext("Resume the import later.")
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return nil, -1, holdfast.Errorf(holdfast.Forbidden, "import.denied", "%s does not let this token read %s (%d)", d.base.Host, u.Path, res.StatusCode).
			WithNext("Make a token of an administrator there and start the import anew.")
	case res.StatusCode == http.StatusNotFound:
		return nil, -1, holdfast.Errorf(holdfast.NotFound, "import.no_api", "%s has no %s", d.base.Host, u.Path).WithNext("Check the address and the account.")
	case res.StatusCode >= 500 || res.StatusCode == http.StatusRequestTimeout:
		return nil, 0, holdfast.Errorf(holdfast.Unavailable, "import.unreachable", "%s answers %d for %s", d.base.Host, res.StatusCode, u.Path).WithNext("Look after the other desk, then resume the import.")
	default:
		return nil, -1, holdfast.Errorf(holdfast.Conflict, "import.answer", "%s answers %d for %s", d.base.Host, res.StatusCode, u.Path).WithNext("Check the address; it must be the desk's own.")
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, answerMost+1))
	if err != nil {
		return nil, 0, holdfast.Errorf(holdfast.Unavailable, "import.unreachable", "%s broke off", d.base.Host)
	}
	if len(raw) > answerMost {
		return nil, -1, holdfast.Errorf(holdfast.TooLarge, "import.answer", "%s answers with more than %d bytes at once for %s", d.base.Host, answerMost, u.Path)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, -1, holdfast.Errorf(holdfast.Conflict, "import.answer", "what %s answers for %s is not what this desk's API says", d.base.Host, u.Path).WithNext("Check the address; it must be the desk's own.")
	}
	return res.Header, 0, nil
}

// retryAfter is when the other desk will take more, as it says; 0 when it does not.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseFloat(v, 64); err == nil && n >= 0 && n < 1e6 {
		return max(time.Duration(n*float64(time.Second)), 100*time.Millisecond)
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(now), 100*time.Millisecond)
	}
	return 0
}

// attachments fetches a message's files. One that cannot be had is reported, and
// the message is taken without it.
func (w *writer) attachments(ctx context.Context, r *record, message holdfast.ID, in *message) ([]holdfast.Attachment, error) {
	var list []holdfast.Attachment
	for i, f := range in.files {
		if w.run.Dry {
			w.counts.FilesMade++
			continue
		}
		a, err := w.fetch(ctx, &f)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			code, detail := "import.file", "it cannot be had"
			var e *holdfast.Error
			if errors.As(err, &e) {
				if e.Code == "blob.full" {
					return nil, err // every other one would be lost, too
				}
				code, detail = e.Code, e.Message
			}
			w.counts.FilesLost++
			w.line("lost", "attachment", r.ref+" "+f.name, code, detail)
			continue
		}
		name := f.id
		if name == "" {
			name = strconv.Itoa(i)
		}
		a.ID = holdfast.DeriveID(message, "attachment "+name)
		list = append(list, a)
		w.counts.FilesMade++
	}
	return list, nil
}

// fetch streams one file to where files are kept.
func (w *writer) fetch(ctx context.Context, f *file) (holdfast.Attachment, error) {
	var none holdfast.Attachment
	d := w.run.desk
	if d == nil {
		var err error
		if d, err = w.im.dial(&Settings{URL: "https://none.invalid"}); err != nil {
			return none, err
		}
	}
	u, err := d.base.Parse(f.url)
	if err != nil || f.url == "" || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return none, holdfast.Errorf(holdfast.Invalid, "import.file", "it has no web address")
	}
	ctx, cancel := context.WithTimeout(ctx, fileTime)
	defer cancel()
	for hop, attempt := 0, 1; hop < hopsMost; {
		res, err := d.file(ctx, u)
		if err == nil && res.StatusCode != http.StatusTooManyRequests && res.StatusCode < 500 {
			if next := res.Header.Get("Location"); res.StatusCode/100 == 3 && next != "" {
				res.Body.Close()
				if u, err = u.Parse(next); err != nil || u.Scheme != "http" && u.Scheme != "https" {
					return none, holdfast.Errorf(holdfast.Invalid, "import.file", "it leads to no web address")
				}
				hop++
				continue
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return none, holdfast.Errorf(holdfast.Unavailable, "import.file", "%s answers %d", u.Host, res.StatusCode)
			}
			name, kind := f.name, f.kind
			if name == "" {
				name = u.Path
			}
			if kind == "" {
				kind = res.Header.Get("Content-Type")
			}
			return w.im.Files.Attach(ctx, name, kind, res.Body)
		}
		wait, why := time.Second<<attempt, "does not hand it over"
		if err == nil {
			res.Body.Close()
			wait, why = max(wait, min(retryAfter(res.Header, time.Now()), waitMost)), "answers "+strconv.Itoa(res.StatusCode)
		}
		if attempt++; attempt > fileAttempts {
			return none, holdfast.Errorf(holdfast.Unavailable, "import.file", "%s %s", u.Host, why)
		}
		if err := w.im.pause(ctx, wait); err != nil {
			return none, err
		}
	}
	return none, holdfast.Errorf(holdfast.Unavailable, "import.file", "it is moved on and on")
}

// file asks for a file. Who we are is told to the other desk alone.
func (d *desk) file(ctx context.Context, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	client := *d.outside
	if d.home(u) {
		client = *d.client
		client.Timeout = fileTime
		req.Header = d.headers.Clone()
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // each hop is looked at by fetch
	req.Header.Set("User-Agent", "Holdfast/"+holdfast.Version)
	return client.Do(req)
}

// ref is an id, however the other desk writes it.
type ref string

// UnmarshalJSON reads a number or a string; null is "".
func (r *ref) UnmarshalJSON(b []byte) error {
	s := strings.TrimSpace(string(b))
	if s == "null" {
		*r = ""
		return nil
	}
	if strings.HasPrefix(s, `"`) {
		return json.Unmarshal(b, (*string)(r))
	}
	if _, err := strconv.ParseFloat(s, 64); err != nil {
		return fmt.Errorf("%s is no id", clip(s, 40))
	}
	*r = ref(s)
	return nil
}

// moment is a time, however the other desk writes it.
type moment struct{ time.Time }

// UnmarshalJSON reads seconds since 1970 or a written date; anything else is the zero time.
func (m *moment) UnmarshalJSON(b []byte) error {
	s := strings.Trim(strings.TrimSpace(string(b)), `"`)
	m.Time, _ = parseTime(s, time.UTC)
	return nil
}
