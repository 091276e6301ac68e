package app

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/journal"
)

func sweeping(a *App, ctx context.Context) error { return a.uploads.run(ctx) }

// upload stores a file as POST /attachments does.
func upload(t *testing.T, a *App, name, content string) holdfast.Attachment {
	t.Helper()
	at, err := a.Files.Attach(t.Context(), name, "", strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	a.uploads.note(at)
	return at
}

func stored(t *testing.T, a *App, at holdfast.Attachment) bool {
	t.Helper()
	has, err := a.Files.Has(t.Context(), at.Hash)
	if err != nil {
		t.Fatal(err)
	}
	return has
}

// sends makes files part of a message.
func sends(t *testing.T, a *App, workspace holdfast.ID, files ...holdfast.Attachment) {
	t.Helper()
	_, err := a.Journal.Do(t.Context(), journal.Command{Workspace: workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
		_, err := tx.Append(holdfast.NewID(), &holdfast.MessageNoted{Message: holdfast.NewID(), Text: "see the file", Attachments: files})
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func picture(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 900, 700))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAnUploadThatNoMessageHasGoesAfterTwoDays(t *testing.T) {
	inBubble(t, nil, sweeping, func(t *testing.T, a *App, workspace holdfast.ID) {
		passes := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		before, err := a.Files.Attach(t.Context(), "mail.txt", "", strings.NewReader("came by mail long ago"))
		if err != nil {
			t.Fatal(err)
		}
		sends(t, a, workspace, before)
		left := upload(t, a, "left.txt", "never sent")
		drawn := upload(t, a, "drawn.png", picture(t))
		if drawn.Thumb == "" || drawn.Thumb == drawn.Hash {
			t.Fatalf("the picture has no small one: %+v", drawn)
		}
		sent := upload(t, a, "sent.txt", "sent at once")
		sends(t, a, workspace, sent)
		again := upload(t, a, "again.txt", "came by mail long ago")
		pictured := upload(t, a, "pictured.txt", "sent as a small picture's file")
		sends(t, a, workspace, holdfast.Attachment{ID: holdfast.NewID(), Name: "x.png", Type: "image/png", Hash: strings.Repeat("a", 64), Thumb: pictured.Hash})
		passes(47 * time.Hour)
		if !stored(t, a, left) || !stored(t, a, drawn) {
			t.Error("an upload went before its time: its sender is still writing")
		}
		late := upload(t, a, "late.txt", "uploaded after the others")
		sends(t, a, workspace, upload(t, a, "slow.txt", "sent after two days of writing"))
		passes(30 * time.Hour)
		for name, at := range map[string]holdfast.Attachment{"left": left, "a picture": drawn, "its small one": {Hash: drawn.Thumb}} {
			if stored(t, a, at) {
				t.Errorf("%s is still there", name)
			}
		}
		for name, at := range map[string]holdfast.Attachment{"before": before, "sent": sent, "again": again, "pictured": pictured, "late": late} {
			if !stored(t, a, at) {
				t.Errorf("%s went: a message has it, or it is too young", name)
			}
		}
		passes(100 * time.Hour)
		if stored(t, a, late) || !stored(t, a, sent) || !stored(t, a, before) {
			t.Error("what is kept in the end is not what messages have")
		}
		rest, err := os.ReadDir(filepath.Join(a.Config.Data, "uploads"))
		if err != nil || len(rest) != 0 {
			t.Errorf("the folder of notes still holds %v, %v", rest, err)
		}
	})
}

// Content is kept once. Somebody may find it there and send it in the very moment in
// which it is taken away.
func TestAFileThatIsSentWhileItIsTakenAwayComesBack(t *testing.T) {
	for _, when := range []time.Duration{time.Minute, 20 * time.Hour, 44 * time.Hour} {
		t.Run(fmt.Sprint("sent ", when, " later"), func(t *testing.T) {
			inBubble(t, nil, sweeping, func(t *testing.T, a *App, workspace holdfast.ID) {
				at := upload(t, a, "left.txt", "found there by somebody else")
				time.Sleep(50 * time.Hour) // between two sweeps of the desk's own
				synctest.Wait()
				if stored(t, a, at) {
					t.Fatal("it was not taken away")
				}
				time.Sleep(when)
				sends(t, a, workspace, at)
				if _, err := a.uploads.sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
				f, err := a.Files.Open(t.Context(), at.Hash)
				if err != nil {
					t.Fatalf("the message's file is gone: %v", err)
				}
				defer f.Close()
				if b, _ := io.ReadAll(f); string(b) != "found there by somebody else" {
					t.Errorf("the message's file is %q", b)
				}
			})
		})
	}
	inBubble(t, nil, sweeping, func(t *testing.T, a *App, workspace holdfast.ID) { // uploaded anew, and not yet sent
		at := upload(t, a, "left.txt", "twice")
		time.Sleep(50 * time.Hour)
		synctest.Wait()
		if stored(t, a, at) {
			t.Fatal("it was not taken away")
		}
		a.uploads.note(at)
		if _, err := a.uploads.sweep(t.Context()); err != nil || !stored(t, a, at) {
			t.Errorf("what was uploaded again is gone: %v", err)
		}
	})
}

// While the database does not answer nothing is known of what messages have.
func TestNothingIsTakenAwayWhileTheDatabaseIsAway(t *testing.T) {
	inBubble(t, nil, sweeping, func(t *testing.T, a *App, workspace holdfast.ID) {
		at := upload(t, a, "left.txt", "left")
		time.Sleep(48*time.Hour + time.Minute) // the desk's own sweep comes later
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if taken, err := a.uploads.sweep(ctx); err == nil || taken != 0 {
			t.Errorf("%d were taken away, %v", taken, err)
		}
		if !stored(t, a, at) {
			t.Error("the file went although nobody could say that no message has it")
		}
	})
}
