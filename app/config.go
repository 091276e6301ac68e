package app

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"holdfast"
)

// Config is everything that can be set from outside. Each field is a flag
// (--smtp-listen), an environment variable (HOLDFAST_SMTP_LISTEN) and a line of
// the TOML file (smtp_listen = "…"); a flag wins over the environment, which
// wins over the file, which wins over the default.
type Config struct {
	Listen      string   `default:"127.0.0.1:8080" placeholder:"ADDRESS" help:"Address of the console, the API and the widget."`
	Data        string   `default:"./data" placeholder:"FOLDER" help:"Folder of the database, the files and the key."`
	DatabaseURL string   `name:"database-url" secret:"" placeholder:"URL" help:"PostgreSQL connection; empty: an embedded database in the data folder."`
	PublicURL   string   `name:"public-url" placeholder:"URL" help:"Where the world reaches this desk; empty: the listen address."`
	SMTPListen  string   `name:"smtp-listen" placeholder:"ADDRESS" help:"Address for inbound mail (\"lmtp:ADDRESS\" for LMTP); empty: none."`
	STAMPListen string   `name:"stamp-listen" placeholder:"ADDRESS" help:"Address on which other nodes may measure their links to this one (STAMP, UDP, usually \":862\"); empty: none."`
	TrustProxy  []string `name:"trust-proxy" placeholder:"CIDR" help:"Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."`
	Key         string   `secret:"" placeholder:"HEX" help:"Key that seals secrets, 64 hex digits; empty: the file \"key\" in the data folder."`

	S3Endpoint  string `name:"s3-endpoint" placeholder:"URL" help:"S3 server for files, as https://s3.example.com; empty: the data folder."`
	S3Bucket    string `name:"s3-bucket" placeholder:"NAME" help:"S3 bucket."`
	S3Region    string `name:"s3-region" placeholder:"NAME" help:"S3 region."`
	S3AccessKey string `name:"s3-access-key" placeholder:"KEY" help:"S3 access key."`
	S3SecretKey string `name:"s3-secret-key" secret:"" placeholder:"KEY" help:"S3 secret key."`

	OIDCIssuer       string   `name:"oidc-issuer" placeholder:"URL" help:"OpenID Connect provider that operators may sign in by, as https://login.example.com; empty: none."`
	OIDCClientID     string   `name:"oidc-client-id" placeholder:"NAME" help:"What the provider calls this desk."`
	OIDCClientSecret string   `name:"oidc-client-secret" secret:"" placeholder:"SECRET" help:"The desk's secret at the provider; empty for a public client."`
	OIDCName         string   `name:"oidc-name" placeholder:"NAME" help:"What the sign-in button calls the provider; empty: its host."`
	OIDCDomains      []string `name:"oidc-domains" placeholder:"DOMAIN" help:"Owners of verified addresses of these domains become operators at their first sign-in; empty: only who was added."`
	OIDCRole         string   `name:"oidc-role" default:"operator" placeholder:"ROLE" help:"Role that they get: administrator, supervisor, operator or observer."`

	AttachmentLimit int64  `name:"attachment-limit" default:"41943040" placeholder:"BYTES" help:"Largest file of a message, in bytes."`
	LogLevel        string `name:"log-level" default:"info" enum:"debug,info,warn,error" help:"Least level that is logged: debug, info, warn or error."`
	LogFormat       string `name:"log-format" default:"text" enum:"text,json" help:"text for people, json for machines."`
	AllowPrivate    bool   `name:"allow-private-addresses" help:"Let webhooks and channels reach private network addresses."`
}

// Setting is one line of the configuration.
type Setting struct {
	Key    string // "smtp_listen", in the file
	Flag   string // "smtp-listen"
	Env    string // "HOLDFAST_SMTP_LISTEN"
	Secret bool
	Value  any
	Help   string
}

// Settings lists the configuration in its order.
func (c *Config) Settings() []Setting {
	v := reflect.ValueOf(c).Elem()
	var list []Setting
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Tag.Get("kong") == "-" {
			continue
		}
		flag := f.Tag.Get("name")
		if flag == "" {
			flag = strings.ToLower(f.Name)
		}
		_, secret := f.Tag.Lookup("secret")
		key := strings.ReplaceAll(flag, "-", "_")
		list = append(list, Setting{Key: key, Flag: flag, Env: "HOLDFAST_" + strings.ToUpper(key), Secret: secret, Value: v.Field(i).Interface(), Help: f.Tag.Get("help")})
	}
	return list
}

// Redacted is the effective configuration as a TOML file, without secrets.
func (c *Config) Redacted() string {
	var b strings.Builder
	for _, s := range c.Settings() {
		fmt.Fprintf(&b, "# %s [%s]\n", s.Help, s.Env)
		v := s.Value
		if s.Secret && v != "" {
			v = "••••••"
		}
		line, err := toml.Marshal(map[string]any{s.Key: v})
		if err != nil {
			panic(err) // strings, numbers, bools and lists of strings
		}
		b.Write(line)
	}
	return b.String()
}

// ReadFile reads a configuration file into flag names and values. A key that is
// not known is Invalid and names the nearest one there is.
func ReadFile(path string) (map[string]any, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, holdfast.Errorf(holdfast.Invalid, "config.unreadable", "the configuration %s cannot be read: %w", path, err)
	}
	raw := map[string]any{}
	if err := toml.Unmarshal(b, &raw); err != nil {
		return nil, holdfast.Errorf(holdfast.Invalid, "config.malformed", "%s: %w", path, err)
	}
	known := map[string]string{}
	for _, s := range (&Config{}).Settings() {
		known[s.Key] = s.Flag
	}
	out := map[string]any{}
	for key, v := range raw {
		flag, ok := known[strings.ReplaceAll(key, "-", "_")]
		if !ok {
			return nil, holdfast.Errorf(holdfast.Invalid, "config.unknown_key", "%s: there is no setting %q", path, key).
				WithNext(fmt.Sprintf("Did you mean %q? \"holdfast config\" lists them all.", nearest(key, known)))
		}
		out[flag] = v
	}
	return out, nil
}

// UnknownEnvironment names HOLDFAST_ variables that set nothing, with the nearest
// that does. others are the variables of commands' own flags.
func UnknownEnvironment(environ []string, others ...string) []string {
	known := map[string]string{"HOLDFAST_CONFIG": ""}
	for _, name := range others {
		known[name] = ""
	}
	for _, s := range (&Config{}).Settings() {
		known[s.Env] = ""
	}
	var list []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if _, ok := known[name]; !ok && strings.HasPrefix(name, "HOLDFAST_") && !strings.HasPrefix(name, "HOLDFAST_TEST_") {
			list = append(list, fmt.Sprintf("%s sets nothing; did you mean %s?", name, nearest(name, known)))
		}
	}
	sort.Strings(list)
	return list
}

func nearest(word string, known map[string]string) string {
	best, least := "", 1<<30
	for k := range known {
		if d := distance(word, k); d < least || d == least && k < best {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal, row[j] = row[j], min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// Check reports what cannot work.
func (c *Config) Check() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return holdfast.Errorf(holdfast.Invalid, "config.listen", "listen: %w", err).WithNext("Write it as 127.0.0.1:8080.")
	}
	for _, n := range c.TrustProxy {
		if _, _, err := net.ParseCIDR(n); err != nil {
			return holdfast.Errorf(holdfast.Invalid, "config.trust_proxy", "trust_proxy: %w", err).WithNext("Write it as 10.0.0.0/8.")
		}
	}
	if c.AttachmentLimit < 1<<10 {
		return holdfast.Errorf(holdfast.Invalid, "config.attachment_limit", "attachment_limit is below a kilobyte")
	}
	if c.OIDCIssuer != "" {
		if u, err := url.Parse(c.OIDCIssuer); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return holdfast.Errorf(holdfast.Invalid, "config.oidc", "oidc_issuer is not a URL").WithNext("Write it as https://login.example.com.")
		}
		if c.OIDCClientID == "" {
			return holdfast.Errorf(holdfast.Invalid, "config.oidc", "oidc_issuer needs oidc_client_id")
		}
		if _, err := holdfast.ParseRole(c.OIDCRole); err != nil {
			return err
		}
	}
	if (c.S3Endpoint == "") != (c.S3Bucket == "") {
		return holdfast.Errorf(holdfast.Invalid, "config.s3", "s3_endpoint and s3_bucket go together")
	}
	return nil
}

// outboxTime is how long a stop waits for messages that are being sent. Before
// it, requests have had ten seconds.
const outboxTime = 15 * time.Second
