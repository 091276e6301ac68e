// Package journeys walks the whole program as people and other programs do: mail
// comes in by SMTP and IMAP, visitors and operators sit at a real browser, a
// stranger tries every door, and a client holds on to the live stream while
// everything around it moves. It has tests and nothing else.
//
// It refuses to look into a room for what a person could see from outside: it asks
// over HTTP, SMTP and IMAP, and reads the database only to prove that nothing changed.
package journeys
