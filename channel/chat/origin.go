package chat

import (
	"net/http"
	"net/url"
	"strings"

	"holdfast"
)

// origins is which sites may use this chat from a browser.
type origins struct {
	any   bool // nothing was named
	rules []originRule
	own   string // the desk's own origin, which may always
}

type originRule struct {
	scheme string // "" allows both
	host   string // with a port if one was named
	sub    bool   // any host below it
}

// parseOrigins reads lines such as https://shop.example, shop.example and
// *.shop.example. The error is Invalid and names the field.
func parseOrigins(lines []string, publicURL string) (origins, error) {
	var o origins
	if u, err := url.Parse(publicURL); err == nil && u.Host != "" {
		o.own = strings.ToLower(u.Scheme + "://" + u.Host)
	}
	for _, line := range lines {
		line = strings.ToLower(strings.TrimSpace(line))
		if line == "" {
			continue
		}
		var r originRule
		host := line
		if s, h, ok := strings.Cut(line, "://"); ok {
			r.scheme, host = s, h
		}
		host = strings.TrimSuffix(host, "/")
		if h, ok := strings.CutPrefix(host, "*."); ok {
			r.sub, host = true, h
		}
		if host == "" || strings.ContainsAny(host, "/*? @#") || (r.scheme != "" && r.scheme != "http" && r.scheme != "https") {
			return origins{}, holdfast.Errorf(holdfast.Invalid, "channel.setting_invalid", "%q is not a site's address", line).
				WithField("settings.allowed_origins").WithNext("Write lines such as https://shop.example or *.shop.example.")
		}
		r.host = host
		o.rules = append(o.rules, r)
	}
	o.any = len(o.rules) == 0
	return o, nil
}

// verdict is what a request's Origin header is worth.
type verdict uint8

const (
	stranger verdict = iota // refused
	absent                  // no Origin: not a cross-site browser request
	open                    // allowed because nobody is shut out; no cookies
	named                   // ours, or named in the settings
)

func (o *origins) judge(r *http.Request) verdict {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return absent
	}
	lower := strings.ToLower(origin)
	proto, host, ok := strings.Cut(lower, "://")
	if ok {
		if lower == o.own || (host == strings.ToLower(r.Host) && (proto == "http" || proto == "https")) {
			return named
		}
		for _, rule := range o.rules {
			if rule.scheme != "" && rule.scheme != proto {
				continue
			}
			if host == rule.host && !rule.sub || rule.sub && strings.HasSuffix(host, "."+rule.host) {
				return named
			}
		}
	}
	if o.any {
		return open
	}
	return stranger
}

// trustsCookie guards against another site's page writing in a visitor's name.
func (o *origins) trustsCookie(r *http.Request) bool {
	switch o.judge(r) {
	case named:
		return true
	case absent:
		// Browsers that send no Origin with a GET say where it came from here.
		site := r.Header.Get("Sec-Fetch-Site")
		return site == "" || site == "same-origin" || site == "none"
	}
	return false
}

// allow writes the CORS headers and reports whether to go on. Preflights are
// answered here.
func (a *Adapter) allow(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	h.Add("Vary", "Origin")
	switch a.origins.judge(r) {
	case stranger:
		a.fail(w, r, holdfast.Errorf(holdfast.Forbidden, "chat.origin_refused", "this site may not use this chat").
			WithNext("Add the site's address to the channel's allowed origins."))
		return false
	case named:
		h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		h.Set("Access-Control-Allow-Credentials", "true")
	case open:
		h.Set("Access-Control-Allow-Origin", "*") // never together with credentials
	case absent:
		if r.Method != http.MethodOptions {
			return true
		}
	}
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID")
		h.Set("Access-Control-Max-Age", "3600")
		w.WriteHeader(http.StatusNoContent)
		return false
	}
	h.Set("Access-Control-Expose-Headers", "Retry-After")
	return true
}
