package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"holdfast"
)

// Cost is what one hash of a password costs (argon2id, RFC 9106).
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
	Threads   uint8
}

const (
	passwordMinimum = 10   // characters
	passwordMaximum = 1024 // bytes
	waitingMaximum  = 64   // sign-ins that may wait for one of the two places
	saltSize        = 16
	keySize         = 32
)

//go:embed common.txt
var commonPasswords string

// CheckPassword is nil when a password may be used, else Invalid with the code
// "password.short", "password.long" or "password.common".
func CheckPassword(password string) error {
	password = norm.NFKC.String(password)
	if utf8.RuneCountInString(password) < passwordMinimum {
		return holdfast.Errorf(holdfast.Invalid, "password.short", "a password has at least %d characters", passwordMinimum).
			WithNext("A few words that only you would put together are easy to remember.").WithField("password")
	}
	if len(password) > passwordMaximum {
		return holdfast.Errorf(holdfast.Invalid, "password.long", "a password has at most %d bytes", passwordMaximum).WithField("password")
	}
	plain := strings.ToLower(password)
	distinct := map[rune]bool{}
	for _, r := range plain {
		distinct[r] = true
	}
	common := len(distinct) < 4
	for line := range strings.Lines(commonPasswords) {
		common = common || strings.TrimSpace(line) == plain
	}
	if common {
		return holdfast.Errorf(holdfast.Invalid, "password.common", "this password is one of the first that are guessed").
			WithNext("A few words that only you would put together are hard to guess.").WithField("password")
	}
	return nil
}

// place waits for one of the two places in which passwords are hashed: each
// takes 64 MiB, and a burst of sign-ins must not take the machine.
func (g *Guard) place(ctx context.Context) (leave func(), err error) {
	if g.waiting.Add(1) > waitingMaximum {
		g.waiting.Add(-1)
		return nil, holdfast.Errorf(holdfast.TooMany, "signin.busy", "too many people are signing in right now").
			WithNext("Try again in 5 seconds.")
	}
	defer g.waiting.Add(-1)
	select {
	case g.hashing <- struct{}{}:
		return func() { <-g.hashing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash checks a new password and turns it into what is stored (a PHC string).
func (g *Guard) hash(ctx context.Context, password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	leave, err := g.place(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return g.o.Cost.hash(password), nil
}

func (c Cost) hash(password string) string {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		panic(err)
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.MemoryKiB, c.Passes, c.Threads,
		b64.EncodeToString(salt), b64.EncodeToString(c.key(password, salt, keySize)))
}

func (c Cost) key(password string, salt []byte, size uint32) []byte {
	return argon2.IDKey([]byte(norm.NFKC.String(password)), salt, c.Passes, c.MemoryKiB, c.Threads, size)
}

// verify compares a password with what is stored. Without anything stored it
// takes as long and is false, so that time does not tell who is known. A right
// password that is stored at another cost gives a fresh hash to store instead.
func (g *Guard) verify(ctx context.Context, stored, password string) (ok bool, fresh string, err error) {
	leave, err := g.place(ctx)
	if err != nil {
		return false, "", err
	}
	defer leave()
	if len(password) > passwordMaximum {
		password, stored = password[:passwordMaximum], "" // none is that long, and the work stays bounded
	}
	cost, salt, want, err := parsePHC(stored)
	if err != nil {
		g.o.Cost.key(password, make([]byte, saltSize), keySize)
		return false, "", nil
	}
	ok = subtle.ConstantTimeCompare(cost.key(password, salt, uint32(len(want))), want) == 1
	if ok && cost != g.o.Cost {
		fresh = g.o.Cost.hash(password)
	}
	return ok, fresh, nil
}

// parsePHC reads a stored hash. Costs beyond what this program would ever write are refused.
func parsePHC(s string) (c Cost, salt, key []byte, err error) {
	bad := fmt.Errorf("not a stored password")
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.MemoryKiB, &c.Passes, &c.Threads); err != nil {
		return c, nil, nil, bad
	}
	if fmt.Sprintf("m=%d,t=%d,p=%d", c.MemoryKiB, c.Passes, c.Threads) != parts[3] {
		return c, nil, nil, bad
	}
	if c.MemoryKiB < 8 || c.MemoryKiB > 1<<20 || c.Passes < 1 || c.Passes > 16 || c.Threads < 1 {
		return c, nil, nil, bad
	}
	b64 := base64.RawStdEncoding.Strict()
	if salt, err = b64.DecodeString(parts[4]); err != nil || len(salt) < 8 || len(salt) > 64 {
		return c, nil, nil, bad
	}
	if key, err = b64.DecodeString(parts[5]); err != nil || len(key) < 16 || len(key) > 64 {
		return c, nil, nil, bad
	}
	return c, salt, key, nil
}
