//go:build !race

package links

const slower = 1
