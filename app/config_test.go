package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast"
	"holdfast/app"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "holdfast.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAMisspeltSettingNamesTheOneThatWasMeant(t *testing.T) {
	_, err := app.ReadFile(file(t, "smtp_listn = \"127.0.0.1:25\"\n"))
	if holdfast.CodeOf(err) != "config.unknown_key" {
		t.Fatalf("got %v", err)
	}
	if next := err.(*holdfast.Error).Next; !strings.Contains(next, `"smtp_listen"`) {
		t.Errorf("it says %q", next)
	}
	odd := app.UnknownEnvironment([]string{"HOLDFAST_LISTEM=x", "HOLDFAST_LISTEN=x", "PATH=x", "HOLDFAST_TEST_POSTGRES=x", "HOLDFAST_CONFIG=x"})
	if len(odd) != 1 || !strings.Contains(odd[0], "HOLDFAST_LISTEN?") {
		t.Errorf("the environment's oddities are %q", odd)
	}
}

func TestAFileGivesFlagsTheirValues(t *testing.T) {
	values, err := app.ReadFile(file(t, "listen = \"0.0.0.0:80\"\nsmtp-listen = \":25\"\ntrust_proxy = [\"10.0.0.0/8\"]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if values["listen"] != "0.0.0.0:80" || values["smtp-listen"] != ":25" {
		t.Errorf("read %v", values)
	}
	if _, err := app.ReadFile(file(t, "listen = ")); holdfast.CodeOf(err) != "config.malformed" {
		t.Errorf("half a line gave %v", err)
	}
}

func TestEverySettingIsAFlagAVariableAndALineAndSecretsAreHidden(t *testing.T) {
	c := app.Config{Listen: "127.0.0.1:1", DatabaseURL: "postgres://u:hunter2@db/x", Key: "hunter2", S3SecretKey: "hunter2"}
	text := c.Redacted()
	if strings.Contains(text, "hunter2") {
		t.Errorf("a secret is shown:\n%s", text)
	}
	for _, s := range c.Settings() {
		if s.Help == "" || !strings.Contains(text, s.Env) || !strings.Contains(text, "\n"+s.Key+" = ") && !strings.HasPrefix(text, s.Key+" = ") {
			t.Errorf("%s is not whole in the configuration: %+v", s.Key, s)
		}
	}
	// What is printed can be read back.
	if _, err := app.ReadFile(file(t, text)); err != nil {
		t.Errorf("the printed configuration is not one: %v", err)
	}
}

func TestWhatCannotWorkIsSaidBeforeTheStart(t *testing.T) {
	good := app.Config{Listen: "127.0.0.1:8080", AttachmentLimit: 1 << 20}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for code, change := range map[string]func(*app.Config){
		"config.listen":           func(c *app.Config) { c.Listen = "8080" },
		"config.trust_proxy":      func(c *app.Config) { c.TrustProxy = []string{"10.0.0.1"} },
		"config.attachment_limit": func(c *app.Config) { c.AttachmentLimit = 3 },
		"config.s3":               func(c *app.Config) { c.S3Bucket = "b" },
	} {
		bad := good
		change(&bad)
		if got := holdfast.CodeOf(bad.Check()); got != code {
			t.Errorf("%s: got %s", code, got)
		}
	}
}
