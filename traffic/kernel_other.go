//go:build !linux

package traffic

import "errors"

// Kernel is this machine's. Here the commands are printed and nothing is changed: they
// are Linux's.
type Kernel struct{}

var errSystem = errors.New("only Linux lets itself be told")

// Capable reports whether this process may change the network.
func (Kernel) Capable() bool { return false }

// Lock makes sure that no other desk of this machine's network does the same.
func (Kernel) Lock() (unlock func(), err error) { return nil, errSystem }

// Read is what of ours the kernel has, and what of others matters.
func (Kernel) Read() (have []Thing, f Facts, err error) { return nil, Facts{}, nil }

// Do takes one step.
func (Kernel) Do(Step, Sorting) error { return errSystem }
