// Package web carries the built browser parts, the console and the widget, in
// the binary. It is their only home at run time: nothing is read from disk.
//
// It refuses to route, to set headers and to know what the files mean; the api
// package serves them.
package web

import (
	"embed"
	"io/fs"
)

// dist is what `npm run build` leaves. A placeholder is committed, so that the
// Go code builds on a machine without Node.
//
//go:embed all:dist
var dist embed.FS

// Files is the built tree: console/index.html, console/assets/… (names carry a
// hash of their content and may be cached for ever), widget/….
func Files() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: " + err.Error()) // "dist" is a valid path, so this cannot be
	}
	return sub
}

// Built reports whether the console was built into this binary.
func Built() bool {
	_, err := fs.Stat(dist, "dist/console/index.html")
	return err == nil
}
