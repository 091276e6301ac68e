package app

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"

	"holdfast/web"
)

// pages serves the console and the widget from the binary.
func (a *App) pages() http.Handler {
	files := web.Files()
	console, err := fs.Sub(files, "console")
	if err != nil {
		panic(err) // the name is a constant
	}
	server := http.FileServerFS(console)
	var packed packedFiles
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		if _, is := a.Routes[r.URL.Path]; is { // "/demo" means "/demo/"
			u := url.URL{Path: r.URL.Path + "/", RawQuery: r.URL.RawQuery}
			http.Redirect(w, r, u.String(), http.StatusPermanentRedirect)
			return
		}
		if r.URL.Path == "/status" {
			a.Status.ServeHTTP(w, r)
			return
		}
		switch r.URL.Path {
		case "/widget.js", "/widget-chat.js":
			// Runs on other people's pages.
			h.Set("Access-Control-Allow-Origin", "*")
			h.Set("Cross-Origin-Resource-Policy", "cross-origin")
			// An old one is better than none while the desk is away.
			h.Set("Cache-Control", "public, max-age=300, stale-while-revalidate=604800")
			if !packed.serve(w, r, files, "widget"+r.URL.Path) {
				serveFile(w, r, files, "widget"+r.URL.Path)
			}
			return
		}
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; frame-src 'self'; media-src 'self' blob:; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(self)")
		path := strings.TrimPrefix(r.URL.Path, "/")
		if path == "" || path == "index.html" || !exists(console, path) {
			if path != "" && path != "index.html" && strings.Contains(path, ".") {
				http.NotFound(w, r)
				return
			}
			if !web.Built() {
				http.Error(w, "The console is not built into this binary. Run \"make\" with Node installed; the API works without it.", http.StatusNotImplemented)
				return
			}
			h.Set("Cache-Control", "no-cache")
			serveFile(w, r, console, "index.html")
			return
		}
		if strings.HasPrefix(path, "assets/") {
			h.Set("Cache-Control", "public, max-age=31536000, immutable") // names carry their content's hash
		} else {
			h.Set("Cache-Control", "no-cache")
		}
		if !packed.serve(w, r, console, path) {
			server.ServeHTTP(w, r)
		}
	})
}

// packedFiles keeps what compresses well, compressed once when it is first asked
// for: over a slow line that is two thirds of the console's first load.
type packedFiles struct{ files sync.Map }

// serve answers with a file compressed, and reports false when it is not one to
// compress or the browser cannot read it so.
func (p *packedFiles) serve(w http.ResponseWriter, r *http.Request, files fs.FS, path string) bool {
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return false
	}
	b, kind := p.get(files, path)
	if b == nil {
		return false
	}
	h := w.Header()
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Encoding", "gzip")
	h.Set("Content-Type", kind)
	w.Write(b)
	return true
}

func (p *packedFiles) get(files fs.FS, path string) ([]byte, string) {
	kind := packedTypes[filepath.Ext(path)]
	if kind == "" {
		return nil, ""
	}
	if b, ok := p.files.Load(path); ok {
		return b.([]byte), kind
	}
	raw, err := fs.ReadFile(files, path)
	if err != nil {
		return nil, ""
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, ""
	}
	z.Write(raw)
	if err := z.Close(); err != nil {
		return nil, ""
	}
	p.files.Store(path, out.Bytes())
	return out.Bytes(), kind
}

var packedTypes = map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".json": "application/json"}

func exists(files fs.FS, path string) bool {
	info, err := fs.Stat(files, path)
	return err == nil && !info.IsDir()
}

func serveFile(w http.ResponseWriter, r *http.Request, files fs.FS, name string) {
	b, err := fs.ReadFile(files, name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	switch {
	case strings.HasSuffix(name, ".js"):
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	case strings.HasSuffix(name, ".html"):
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	}
	w.Write(b)
}
