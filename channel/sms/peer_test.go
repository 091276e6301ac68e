package sms

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/channeltest"
)

// peerSays is a line of peer.mjs.
type peerSays struct {
	Port      int
	Bound     *bool
	To, From  string
	Text      string
	Coding    int
	Joined    string
	Ref       int
	Receipt   *int
	Delivered *int
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("HOLDFAST_TEST_REQUIRE") == "all" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// Somebody else's centre understands us, and we it.
func TestACentreByAnotherAuthor(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		missing(t, "there is no node")
	}
	if _, err := os.Stat("../../web/node_modules/smpp/package.json"); err != nil {
		missing(t, "there is no web/node_modules/smpp: run npm ci in web")
	}
	cmd := exec.CommandContext(t.Context(), "node", "peer.mjs", password)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan peerSays, 100)
	go func() {
		defer close(said)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var p peerSays
			if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
				t.Errorf("%q: %v", lines.Text(), err)
			}
			said <- p
		}
	}()
	hear := func() peerSays {
		t.Helper()
		select {
		case p, ok := <-said:
			if !ok {
				t.Fatal("the peer has gone")
			}
			return p
		case <-time.After(20 * time.Second):
			t.Fatal("the peer says nothing")
		}
		panic("unreachable")
	}
	port := hear().Port
	l := &line{Bench: channeltest.TestEnv(t), t: t}
	k := Kind()
	a, err := k.New(l.Account(t, k, settings(fmt.Sprintf("127.0.0.1:%d", port), "")), l.Env)
	if err != nil {
		t.Fatal(err)
	}
	l.a = a.(*adapter)
	done := make(chan struct{})
	ctx, cancel := withCancel(t)
	go func() { defer close(done); l.a.Listen(ctx, l.Sink) }()
	defer func() { cancel(); <-done; in.Close(); cmd.Wait() }()
	if p := hear(); p.Bound == nil || !*p.Bound {
		t.Fatalf("it does not let us in: %+v", p)
	}

	one, many := holdfast.NewID(), holdfast.NewID()
	if _, err := l.send(one, "5 € @home [ok]"); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("سفارش شما آماده است 😀. ", 5)
	if _, err := l.send(many, long); err != nil {
		t.Fatal(err)
	}
	var parts []peerSays
	for receipts := 0; receipts < 3; {
		if p := hear(); p.Receipt != nil {
			if receipts++; *p.Receipt != 0 {
				t.Errorf("a receipt is answered with 0x%x", *p.Receipt)
			}
		} else {
			parts = append(parts, p)
		}
	}
	if len(parts) != 3 || parts[0].Text != "5 € @home [ok]" || parts[0].To != "79123456789" || parts[0].From != "79990001122" || parts[0].Ref != int(reference(one)) {
		t.Fatalf("it took %+v", parts)
	}
	if parts[1].Text+parts[2].Text != strings.TrimSpace(long) || parts[1].Coding != 8 || parts[1].Joined == "" || parts[1].Joined == parts[2].Joined {
		t.Errorf("it took %+v", parts[1:])
	}
	l.until("both are reported", func() bool { return len(l.Sink.Reports()) == 2 })
	for _, r := range l.Sink.Reports() {
		if r.State != holdfast.Delivered || r.Message != one && r.Message != many {
			t.Errorf("%+v", r)
		}
	}
	for _, text := range []string{"Where is it? {5€}", "سلام، کجاست؟"} {
		b, _ := json.Marshal(map[string]string{"from": "989121234567", "text": text})
		fmt.Fprintf(in, "%s\n", b)
		if p := hear(); p.Delivered == nil || *p.Delivered != 0 {
			t.Errorf("%+v", p)
		}
	}
	taken := l.Sink.Taken()
	if len(taken) != 2 || taken[0].Text != "Where is it? {5€}" || taken[1].Text != "سلام، کجاست؟" || taken[1].From.Value != "+989121234567" {
		t.Errorf("the desk has %+v", taken)
	}
	if reason := channel.AsFailure(l.wrongPassword(port)).Reason; reason != channel.Broken {
		t.Errorf("a wrong password is %s", reason)
	}
}
