package importer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/app"
	"holdfast/importer"
	"holdfast/setup"
)

// served is a whole desk that listens.
type served struct {
	t     *testing.T
	app   *app.App
	token string
	stop  func()
}

func serve(t *testing.T, dir string) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var log bytes.Buffer
	s := &served{t: t, app: app.New(app.Config{Listen: "127.0.0.1:0", Data: dir, AttachmentLimit: 1 << 20}, slog.New(slog.NewTextHandler(&log, nil)))}
	if err := s.app.Open(ctx); err != nil {
		t.Fatal(err)
	}
	importer.Hurry(s.app.Importer)
	done := make(chan error, 1)
	go func() { done <- s.app.Run(ctx) }()
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.app.Close()
		if strings.Contains(log.String(), "-secret") {
			t.Errorf("the log tells a secret:\n%s", log.String())
		}
	}
	return s
}

func (s *served) newToken(workspace holdfast.ID, role holdfast.Role) string {
	s.t.Helper()
	k, err := s.app.Guard.CreateToken(context.Background(), access.System(workspace), access.NewToken{ID: holdfast.NewID(), Name: "test", Role: role})
	if err != nil {
		s.t.Fatal(err)
	}
	return k.Secret
}

func (s *served) ask(method, path, token string, body string, into any) (status int, answer string) {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+s.app.Addr()+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	if into != nil && res.StatusCode < 300 {
		if err := json.Unmarshal(b, into); err != nil {
			s.t.Fatalf("%s %s: %v: %s", method, path, err, b)
		}
	}
	if strings.Contains(string(b), "-secret") {
		s.t.Errorf("%s %s tells a secret: %s", method, path, b)
	}
	return res.StatusCode, string(b)
}

func (s *served) until(path string, state importer.State) (v importer.View) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if status, b := s.ask("GET", path, s.token, "", &v); status != 200 {
			s.t.Fatalf("%d %s", status, b)
		}
		if v.State == state {
			return v
		}
	}
	s.t.Fatalf("it never came to be %s: %+v", state, v)
	return v
}

func TestAnImportOverTheAPI(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	w, err := s.app.Setup.CreateWorkspace(context.Background(), access.System(holdfast.ID{}), setup.NewWorkspace{ID: holdfast.NewID(), Name: "Test", Language: "en", TimeZone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	s.token = s.newToken(w.ID, holdfast.Administrator)
	tape := record(t, importer.Chatwoot)
	id := holdfast.NewID().String()
	body := `{"id":"` + id + `","source":"chatwoot","url":"` + tape.URL + `","token":"cw-secret"}`
	if status, b := s.ask("POST", "/imports", s.newToken(w.ID, holdfast.Supervisor), body, nil); status != http.StatusForbidden {
		t.Errorf("a supervisor's: %d %s", status, b)
	}
	for range 2 {
		if status, b := s.ask("POST", "/imports", s.token, body, nil); status != http.StatusCreated {
			t.Fatalf("%d %s", status, b)
		}
	}
	if v := s.until("/imports/"+id, importer.Done); v.Counts.MessagesMade != 7 || v.Unit != "conversations" || v.Done != 3 || v.Total != 3 {
		t.Errorf("%+v", v)
	}

	file := holdfast.NewID().String()
	if status, b := s.ask("POST", "/imports", s.token, `{"id":"`+file+`","source":"csv","file":"t.csv","dry_run":true}`, nil); status != http.StatusCreated {
		t.Fatalf("%d %s", status, b)
	}
	if status, b := s.ask("PUT", "/imports/"+file+"/file?offset=0&last=true", s.token, "name,mail,ticket,date,text\nA,a@x.example,1,2024-01-01,hello\nB,b@x.example,2,never,hello\n", nil); status != 200 {
		t.Fatalf("%d %s", status, b)
	}
	s.until("/imports/"+file, importer.Done)
	var detail struct {
		Refused []importer.Line `json:"first_refused"`
		Made    []importer.Line `json:"first_made"`
		Dry     bool            `json:"dry_run"`
	}
	s.ask("GET", "/imports/"+file, s.token, "", &detail)
	if !detail.Dry || len(detail.Refused) != 1 || detail.Refused[0].Code != "import.date" || detail.Refused[0].Ref != "row 3" || len(detail.Made) != 2 {
		t.Errorf("%+v", detail)
	}
	if _, b := s.ask("GET", "/imports/"+file+"/report", s.token, "", nil); strings.Count(b, "\n") != 3 || !strings.Contains(b, `"outcome":"refused"`) {
		t.Errorf("%s", b)
	}
	real := holdfast.NewID().String()
	s.ask("POST", "/imports", s.token, `{"id":"`+real+`","like":"`+file+`"}`, nil)
	if v := s.until("/imports/"+real, importer.Done); v.Counts.MessagesMade != 1 {
		t.Errorf("%+v", v)
	}
	var all struct{ Items []importer.View }
	if s.ask("GET", "/imports", s.token, "", &all); len(all.Items) != 3 {
		t.Errorf("%+v", all)
	}

	// What was running when the desk stopped goes on when it starts.
	slow := make(chan struct{})
	zam := record(t, importer.Zammad)
	zam.interfere = func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n == 5 {
			close(slow)
			<-r.Context().Done()
			return true
		}
		return false
	}
	late := holdfast.NewID().String()
	s.ask("POST", "/imports", s.token, `{"id":"`+late+`","source":"zammad","url":"`+zam.URL+`","token":"zm-secret"}`, nil)
	<-slow
	s.stop()
	token := s.token
	s = serve(t, dir)
	s.token = token
	if v := s.until("/imports/"+late, importer.Done); v.Counts.MessagesMade != 5 {
		t.Errorf("%+v", v)
	}
	s.stop()
}
