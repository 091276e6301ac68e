// Package faults breaks things under the real program and looks at what is left:
// it kills the process under load, takes the disk, the database and the mail
// server away, and sends it clients that never finish.
//
// It refuses to be imported by anything, to reach beyond this machine, and to
// take the program's own word for what was stored: its tests compare what was
// acknowledged with the tables and with what reached the provider.
package faults
