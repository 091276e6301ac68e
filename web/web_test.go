package web

import (
	"io/fs"
	"strings"
	"testing"
)

// A page under a strict Content-Security-Policy shows nothing at all when its
// scripts or styles are inline, so the built page must have none.
func TestBuiltPageHasNothingInline(t *testing.T) {
	if !Built() {
		t.Skip("the console is not built here; run `npm run build` in web/")
	}
	b, err := fs.ReadFile(Files(), "console/index.html")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	for _, bad := range []string{"<style", " style=", "onload=", "javascript:"} {
		if strings.Contains(page, bad) {
			t.Errorf("index.html contains %q", bad)
		}
	}
	for rest := page; ; {
		i := strings.Index(rest, "<script")
		if i < 0 {
			break
		}
		tag, after, _ := strings.Cut(rest[i:], ">")
		if !strings.Contains(tag, "src=") {
			t.Errorf("inline script: %s>", tag)
		}
		rest = after
	}
}

// The placeholder keeps the embed directive valid without a build.
func TestFilesOpens(t *testing.T) {
	if _, err := fs.Stat(Files(), "."); err != nil {
		t.Fatal(err)
	}
}
