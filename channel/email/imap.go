package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// session is a connection to an IMAP server, signed in. It is all that the rest
// of this package knows of IMAP, and it cannot change anything on the server.
type session struct {
	c    *imapclient.Client
	conn *patientConn
	idle bool          // the server tells about new mail by itself
	news chan struct{} // it has
}

// patientConn gives up on a server that says nothing for too long. The library
// sets deadlines only inside an answer, not while it waits for one.
type patientConn struct {
	net.Conn
	limit atomic.Int64 // nanoseconds; 0 waits for ever
}

func (c *patientConn) within(d time.Duration) {
	c.limit.Store(int64(d))
	if d == 0 {
		c.Conn.SetReadDeadline(time.Time{})
	} else {
		c.Conn.SetReadDeadline(time.Now().Add(d))
	}
}

func (c *patientConn) Read(p []byte) (int, error) {
	if d := c.limit.Load(); d > 0 {
		c.Conn.SetReadDeadline(time.Now().Add(time.Duration(d)))
	}
	return c.Conn.Read(p)
}

func (c *patientConn) SetReadDeadline(time.Time) error    { return nil } // ours counts
func (c *patientConn) SetDeadline(t time.Time) error      { return c.Conn.SetWriteDeadline(t) }
func (c *patientConn) SetWriteDeadline(t time.Time) error { return c.Conn.SetWriteDeadline(t) }

// dialIMAP connects, encrypts as the settings say, and signs in. Cancelling ctx
// closes the connection.
func (a *adapter) dialIMAP(ctx context.Context) (*session, error) {
	dialer := &net.Dialer{Timeout: a.dial}
	raw, err := dialer.DialContext(ctx, "tcp", a.set.imapAddr())
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s := &session{conn: &patientConn{Conn: raw}, news: make(chan struct{}, 1)}
	s.conn.within(a.command)
	config := &tls.Config{}
	if a.tls != nil {
		config = a.tls.Clone()
	}
	config.ServerName, config.MinVersion = a.set.IMAPHost, tls.VersionTLS12
	options := &imapclient.Options{
		TLSConfig: config,
		UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: func(d *imapclient.UnilateralDataMailbox) {
			if d.NumMessages != nil {
				s.wake()
			}
		}},
	}
	context.AfterFunc(ctx, func() { raw.Close() })
	switch a.set.IMAPSecurity {
	case "tls":
		config.NextProtos = []string{"imap"}
		conn := tls.Client(s.conn, config)
		if err := conn.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, fmt.Errorf("TLS: %w", err)
		}
		s.c = imapclient.New(conn, options)
	case "starttls":
		if s.c, err = imapclient.NewStartTLS(s.conn, options); err != nil {
			raw.Close()
			return nil, fmt.Errorf("STARTTLS: %w", err)
		}
	default:
		s.c = imapclient.New(s.conn, options)
	}
	if err := s.signIn(ctx, a); err != nil {
		s.close()
		return nil, fmt.Errorf("sign in: %w", a.hushError(err))
	}
	s.idle = s.c.Caps().Has(imap.CapIdle) || s.c.Caps().Has(imap.CapIMAP4rev2)
	s.conn.within(0)
	return s, nil
}

func (s *session) signIn(ctx context.Context, a *adapter) error {
	if err := s.c.WaitGreeting(); err != nil {
		return err
	}
	if s.c.State() == imap.ConnStateAuthenticated {
		return nil // PREAUTH
	}
	caps := s.c.Caps()
	user := a.set.imapUser()
	if a.tokens == nil {
		if caps.Has(imap.AuthCap("PLAIN")) {
			client, err := a.mechanism(ctx, user, string(a.set.IMAPPassword), a.set.IMAPHost, a.set.IMAPPort, func(m string) bool { return m == "PLAIN" })
			if err != nil {
				return err
			}
			return s.c.Authenticate(client)
		}
		return s.c.Login(user, string(a.set.IMAPPassword)).Wait()
	}
	client, err := a.mechanism(ctx, user, "", a.set.IMAPHost, a.set.IMAPPort, func(m string) bool { return caps.Has(imap.AuthCap(m)) })
	if err != nil {
		return err
	}
	if err := s.c.Authenticate(client); err != nil {
		a.tokens.forget()
		return err
	}
	return nil
}

func (s *session) wake() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

func (s *session) close() { s.c.Close() }

// refused reports whether the server has said no to a command, as opposed to
// the connection being gone.
func refused(err error) bool {
	var no *imap.Error
	return errors.As(err, &no) && no.Type != imap.StatusResponseTypeBye
}

// folder is what the server says about a folder when it is opened.
type folder struct {
	validity uint32
	next     uint32 // the UID that the next mail will have; 0 when the server does not say
	count    uint32
}

// open opens a folder so that it cannot be changed.
func (s *session) open(name string, limit time.Duration) (folder, error) {
	s.conn.within(limit)
	defer s.conn.within(0)
	d, err := s.c.Select(name, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return folder{}, fmt.Errorf("open folder %q: %w", name, err)
	}
	// a server that leaves the number out has no other to change it to
	return folder{max(d.UIDValidity, 1), uint32(d.UIDNext), d.NumMessages}, nil
}

// since lists the UIDs above after, in order; with a time only those of mails
// that the server got on that day or later.
func (s *session) since(after uint32, t time.Time, limit time.Duration) ([]uint32, error) {
	s.conn.within(limit)
	defer s.conn.within(0)
	set := imap.UIDSet{}
	set.AddRange(imap.UID(after+1), 0) // 0 is "*"
	d, err := s.c.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{set}, Since: t}, nil).Wait()
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	var uids []uint32
	for _, u := range d.AllUIDs() {
		if uint32(u) > after { // "n:*" always includes the last mail
			uids = append(uids, uint32(u))
		}
	}
	slices.Sort(uids)
	return uids, nil
}

// sizes are the sizes in bytes of mails, for those that are still there.
func (s *session) sizes(uids []uint32, limit time.Duration) (map[uint32]int64, error) {
	s.conn.within(limit)
	defer s.conn.within(0)
	cmd := s.c.Fetch(uidSet(uids), &imap.FetchOptions{UID: true, RFC822Size: true})
	out := map[uint32]int64{}
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		var uid uint32
		var size int64
		for item := m.Next(); item != nil; item = m.Next() {
			switch v := item.(type) {
			case imapclient.FetchItemDataUID:
				uid = uint32(v.UID)
			case imapclient.FetchItemDataRFC822Size:
				size = v.Size
			}
		}
		out[uid] = size
	}
	return out, cmd.Close()
}

// fetch streams mails, each to read and then, with its UID, to done. It leaves
// the flags alone. Past most bytes a mail is cut off. After an error of read or
// done the connection is of no use any more.
func (s *session) fetch(set imap.NumSet, most int64, limit time.Duration, read func(io.Reader) error, done func(uid uint32) error) error {
	s.conn.within(limit)
	defer s.conn.within(0)
	section := &imap.FetchItemBodySection{Peek: true}
	if most > 0 {
		section.Partial = &imap.SectionPartial{Size: most}
	}
	cmd := s.c.Fetch(set, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
	abort := func(err error) error {
		s.conn.Close() // else the library would read the rest to its end
		cmd.Close()
		return err
	}
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		var uid uint32
		got := false
		for item := m.Next(); item != nil; item = m.Next() {
			switch v := item.(type) {
			case imapclient.FetchItemDataUID:
				uid = uint32(v.UID)
			case imapclient.FetchItemDataBodySection:
				if v.Literal == nil {
					continue
				}
				if err := read(v.Literal); err != nil {
					return abort(err)
				}
				got = true
			}
		}
		if !got || uid == 0 {
			continue
		}
		if err := done(uid); err != nil {
			return abort(err)
		}
	}
	return cmd.Close()
}

// number is a mail's place in the folder, 0 when it is not there any more.
func (s *session) number(uid uint32, limit time.Duration) (uint32, error) {
	s.conn.within(limit)
	defer s.conn.within(0)
	d, err := s.c.Search(&imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(imap.UID(uid))}}, nil).Wait()
	if err != nil {
		return 0, err
	}
	if nums := d.AllSeqNums(); len(nums) == 1 {
		return nums[0], nil
	}
	return 0, nil
}

// rest waits until the server has news, d is over, or the connection is gone.
func (s *session) rest(ctx context.Context, d time.Duration, limit time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	if !s.idle {
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-s.news:
		case <-s.c.Closed():
			return io.ErrUnexpectedEOF
		}
		return ctx.Err()
	}
	s.conn.within(limit)
	cmd, err := s.c.Idle()
	if err != nil {
		return fmt.Errorf("IDLE: %w", err)
	}
	s.conn.within(d + limit)
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-s.news:
	case <-s.c.Closed():
	}
	s.conn.within(limit)
	defer s.conn.within(0)
	if err := cmd.Close(); err != nil {
		return fmt.Errorf("IDLE: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("IDLE: %w", err)
	}
	return ctx.Err()
}

func uidSet(uids []uint32) imap.UIDSet {
	set := imap.UIDSet{}
	for _, u := range uids {
		set.AddNum(imap.UID(u))
	}
	return set
}
