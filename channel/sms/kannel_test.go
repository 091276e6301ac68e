package sms

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/channeltest"
)

const fakesmsc = "/usr/lib/kannel/test/fakesmsc"

// kannel is a Kannel of one's own, whose only centre is its fakesmsc.
type kannel struct {
	t      *testing.T
	send   string // the address of its sendsms
	admin  string
	centre int // the port that a fakesmsc may connect to
	folder string
	desk   string // the address that it brings texts to
}

func startKannel(t *testing.T, desk string) *kannel {
	t.Helper()
	for _, program := range []string{"bearerbox", "smsbox", fakesmsc} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, "there is no Kannel with its fakesmsc (Debian: kannel, kannel-extras): "+err.Error())
		}
	}
	var ports [4]int
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = l.Addr().(*net.TCPAddr).Port
		defer l.Close()
	}
	k := &kannel{t: t, folder: t.TempDir(), desk: desk, centre: ports[2],
		admin: fmt.Sprintf("http://127.0.0.1:%d/status.txt?password=look", ports[0]),
		send:  fmt.Sprintf("http://127.0.0.1:%d/cgi-bin/sendsms", ports[3])}
	conf := fmt.Sprintf(`group = core
admin-port = %d
admin-interface = 127.0.0.1
admin-password = look
smsbox-port = %d
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1

group = smsc
smsc = fake
smsc-id = telephones
port = %d
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = %d
sendsms-interface = 127.0.0.1

group = sendsms-user
username = desk
password = %s
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "%s?from=%%p&to=%%P&text=%%a&id=%%I"
`, ports[0], ports[1], ports[2], ports[3], password, desk)
	if err := os.WriteFile(filepath.Join(k.folder, "kannel.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	return k
}

// run starts one of its programs, which ends with the test; it gets what the program says.
func (k *kannel) run(hear func(line string), program string, args ...string) {
	k.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = k.folder
	out, err := cmd.StderrPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	cmd.Stdout = cmd.Stderr
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			hear(lines.Text())
		}
		cmd.Wait()
	}()
	k.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGINT)
		late := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		defer late.Stop()
		<-done
	})
}

func (k *kannel) until(what string, is func() bool) {
	k.t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(30 * time.Millisecond) {
		if time.Now().After(end) {
			k.t.Fatal(what + ": it does not come true")
		}
	}
}

func (k *kannel) says(address, word string) bool {
	res, err := http.Get(address)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return strings.Contains(string(b), word)
}

// A gateway that a desk may run itself is described in the settings: texts go out by it
// in both alphabets, are reported, and come in.
func TestKannelCarriesTextsBothWays(t *testing.T) {
	b := channeltest.TestEnv(t)
	var a *adapter
	desk := httptest.NewServer(http.StripPrefix("/hooks/sms/ID", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.ServeWebhook(w, r, b.Sink) })))
	t.Cleanup(desk.Close)
	const word = "word-secret-12"
	hook := desk.URL + "/hooks/sms/ID/" + word
	k := startKannel(t, hook)
	raw, _ := json.Marshal(map[string]any{"via": "http", "region": "RU", "gateway": "generic", "from": "79990001122", "http_user": "desk", "http_secret": password, "http_hook_secret": word,
		"http_method": "GET", "http_ok": "re:^[03]:", "http_report_id": "id", "http_report_state": "status", "http_delivered": []string{"1"}, "http_failed": []string{"2", "16"},
		"http_in_from": "from", "http_in_text": "text", "http_in_id": "id",
		"http_url": k.send + "?username={user}&password={secret}&from={from}&to={to_digits}&charset=UTF-8&coding={coding}&text={text}&dlr-mask=31&dlr-url=" + strings.NewReplacer(":", "%3A", "/", "%2F").Replace(hook) + "%3Fid%3D{id}%26status%3D%25d"})
	kind := Kind()
	made, err := kind.New(b.Account(t, kind, string(raw)), b.Env)
	if err != nil {
		t.Fatal(err)
	}
	a = made.(*adapter)
	to := holdfast.Address{Scheme: "tel", Value: "+79123456789"}

	// Nobody is there yet.
	if _, err := a.Send(t.Context(), channel.Outbound{ID: holdfast.NewID(), To: to, Text: "early", Attempt: 1, Trace: &channel.Trace{}}); channel.AsFailure(err).Reason != channel.Temporary {
		t.Errorf("without Kannel: %v", err)
	}
	log := func(line string) {
		if strings.Contains(line, "PANIC") || strings.Contains(line, "ERROR") && !strings.Contains(line, "SIGINT") {
			t.Log(line)
		}
	}
	k.run(log, "bearerbox", "kannel.conf")
	k.until("Kannel runs", func() bool { return k.says(k.admin, "Status: running") })
	k.run(log, "smsbox", "kannel.conf")
	k.until("its smsbox listens", func() bool { return k.says(k.send, "Authorization failed") })
	var mu sync.Mutex
	var got []string
	shown := regexp.MustCompile(`Got message \d+: <(.*)>`)
	k.run(func(line string) {
		if m := shown.FindStringSubmatch(line); m != nil {
			mu.Lock()
			got = append(got, m[1])
			mu.Unlock()
		}
	}, fakesmsc, "-H", "127.0.0.1", "-r", fmt.Sprint(k.centre), "-i", "0.05", "-m", "1", "79123456789 79990001122 text Where is it, please?")
	k.until("the centre is connected", func() bool { return k.says(k.admin, "online") })

	latin, persian := holdfast.NewID(), holdfast.NewID()
	for id, text := range map[holdfast.ID]string{latin: "It is {here} & 5€ cheaper", persian: "سلام"} {
		if _, err := a.Send(t.Context(), channel.Outbound{ID: id, To: to, Text: text, Attempt: 1, Trace: &channel.Trace{}}); err != nil {
			t.Fatal(err)
		}
	}
	k.until("both are reported, and one has come in", func() bool { return len(b.Sink.Reports()) == 2 && len(b.Sink.Taken()) == 1 })
	for _, r := range b.Sink.Reports() {
		if r.State != holdfast.Delivered || r.Message != latin && r.Message != persian {
			t.Errorf("%+v", r)
		}
	}
	if m := b.Sink.Taken()[0]; m.Text != "Where is it, please?" || m.From.Value != "+79123456789" {
		t.Errorf("the desk has %+v", m)
	}
	mu.Lock()
	heard := strings.Join(got, "\n")
	mu.Unlock()
	if !strings.Contains(heard, "79990001122 79123456789 text It is {here} & 5€ cheaper") || !strings.Contains(heard, "79990001122 79123456789 ucs-2 %063%06D%06'%06E") {
		t.Errorf("the telephone has %q", heard)
	}
}
