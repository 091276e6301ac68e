//go:build race

package broadcasts

// thousands are fewer where each step is watched and takes ten times as long.
const thousands = 1000
