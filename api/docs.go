package api

import _ "embed"

//go:embed docs.html
var docsPage string

//go:embed docs.js
var docsScript string
