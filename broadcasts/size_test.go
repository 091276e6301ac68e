//go:build !race

package broadcasts

// thousands is how many customers the three crashes are tried on.
const thousands = 5000
