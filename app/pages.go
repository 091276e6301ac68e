package app

import (
	"io/fs"
	"net/http"
	"strings"

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
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		switch r.URL.Path {
		case "/widget.js", "/widget-chat.js":
			// Runs on other people's pages.
			h.Set("Access-Control-Allow-Origin", "*")
			h.Set("Cross-Origin-Resource-Policy", "cross-origin")
			h.Set("Cache-Control", "public, max-age=300")
			serveFile(w, r, files, "widget"+r.URL.Path)
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
		server.ServeHTTP(w, r)
	})
}

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
