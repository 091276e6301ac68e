// Package notices tells operators on their devices what asks for them: a follower
// finds out whom an entry concerns, and a sender pushes it, encrypted for the
// device, by keys of this installation's own.
//
// It refuses to say on a lock screen what a customer wrote, to disturb anybody in
// their quiet hours but when a plan that is carried out needs them, to tell of what is
// long past, and to go on pushing to a device that has gone.
package notices

import (
	"context"
	_ "embed"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/store"
)

// stale is how old an entry may be that somebody is still told of.
const stale = 10 * time.Minute

//go:embed texts.json
var textsFile []byte

// Notices is the follower, the sender and what people have set. Make one with New and Run it.
type Notices struct {
	db      *store.DB
	seal    *store.Sealer
	journal *journal.Journal
	inbox   *inbox.Inbox
	guard   *access.Guard
	http    *http.Client
	url     string
	log     *slog.Logger
	texts   map[string]map[string]string
	kick    chan struct{}
	mail    Mail

	mu   sync.Mutex
	key  *pushKey
	none time.Time // until when nobody is known to take pushes
}

// New makes the follower and the sender. client must refuse private addresses where
// that matters; url is this desk's public address, told to push services.
func New(db *store.DB, seal *store.Sealer, j *journal.Journal, b *inbox.Inbox, g *access.Guard, client *http.Client, url string, mail Mail, log *slog.Logger) *Notices {
	n := &Notices{db: db, seal: seal, journal: j, inbox: b, guard: g, http: client, url: url, mail: mail, log: log, kick: make(chan struct{}, 1)}
	if err := json.Unmarshal(textsFile, &n.texts); err != nil {
		panic(err) // a file of this build
	}
	return n
}

// Run follows the journal and pushes what is due until ctx ends.
func (n *Notices) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { n.send(ctx) })
	wg.Go(func() { n.mails(ctx) })
	return n.journal.Follow(ctx, n.Follower())
}

// Follower is the part that notes what is to be pushed; Run runs it, and
// journal.Retry takes it for dead letters.
func (n *Notices) Follower() journal.Follower {
	return journal.Follower{Name: "notices", Handle: n.handle}
}

// concern is an entry that somebody should be told of, and whom.
type concern struct {
	kind         Kind
	conversation holdfast.ID
	number       int64
	whom         func(m *access.Member) bool
	run          holdfast.ID // of a plan
	name         string      // the plan's
	urgent       bool        // in their quiet hours, too
}

// handle notes a push to each device of whom the entry concerns.
func (n *Notices) handle(ctx context.Context, e *holdfast.Entry) error {
	if e.Workspace.IsZero() || e.History() || n.db.Now().Sub(e.At) > stale {
		return nil
	}
	switch e.Body.(type) {
	case *holdfast.ConversationOpened, *holdfast.ConversationAssigned, *holdfast.MessageReceived, *holdfast.MessageNoted, *holdfast.SetupChanged, *holdfast.PlanCalled:
	default:
		return nil
	}
	if some, err := n.anybody(ctx); err != nil || !some {
		return err
	}
	c, err := n.concern(ctx, e)
	if err != nil || c == nil {
		return err
	}
	return n.note(ctx, e, c)
}

// forgetNone makes the next entry ask again whether anybody is to be told.
func (n *Notices) forgetNone() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.none = time.Time{}
}

// anybody reports whether anybody takes pushes or mail: on most desks, for most
// entries, nothing more has to be asked.
func (n *Notices) anybody(ctx context.Context) (bool, error) {
	n.mu.Lock()
	none := n.none
	n.mu.Unlock()
	now := n.db.Now()
	if now.Before(none) && none.Sub(now) <= remembered {
		return false, nil
	}
	var some bool
	err := n.db.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM push_subscription) OR EXISTS (SELECT 1 FROM notice_mail WHERE unseen)").Scan(&some)
	if err == nil && !some {
		n.mu.Lock()
		n.none = now.Add(remembered)
		n.mu.Unlock()
	}
	return some, err
}

// remembered is how long another node's first subscription may go unnoticed.
const remembered = 10 * time.Second

// concern says whom an entry concerns; nil for nobody.
func (n *Notices) concern(ctx context.Context, e *holdfast.Entry) (*concern, error) {
	author := e.Actor.ID
	inTeam := func(team holdfast.ID) func(m *access.Member) bool {
		return func(m *access.Member) bool {
			return m.ID != author && m.Role != holdfast.Observer && (team.IsZero() || slices.Contains(m.Teams, team))
		}
	}
	switch b := e.Body.(type) {
	case *holdfast.ConversationOpened:
		if e.Actor.Kind == holdfast.ActorOperator {
			return nil, nil
		}
		return &concern{kind: Opened, conversation: e.Subject, number: b.Number, whom: inTeam(b.Team)}, nil
	case *holdfast.ConversationAssigned:
		if b.Operator.IsZero() && b.Team.IsZero() || b.Operator == author {
			return nil, nil
		}
		c := &concern{kind: Assigned, conversation: e.Subject, whom: func(m *access.Member) bool { return m.ID == b.Operator }}
		if b.Operator.IsZero() {
			c.kind, c.whom = Opened, inTeam(b.Team)
		}
		return n.numbered(ctx, e, c)
	case *holdfast.MessageNoted:
		if len(b.Mentions) == 0 {
			return nil, nil
		}
		return n.numbered(ctx, e, &concern{kind: Mention, conversation: e.Subject, whom: func(m *access.Member) bool {
			return m.ID != b.Author && slices.Contains(b.Mentions, m.ID)
		}})
	case *holdfast.MessageReceived:
		c, err := n.inbox.Conversation(ctx, e.Workspace, e.Subject, holdfast.ID{})
		if holdfast.KindOf(err) == holdfast.NotFound || err == nil && c.Operator.IsZero() {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if given, err := n.givenSince(ctx, e, c.ID, c.Operator); err != nil || given {
			return nil, err
		}
		return &concern{kind: Reply, conversation: c.ID, number: c.Number, whom: func(m *access.Member) bool { return m.ID == c.Operator }}, nil
	case *holdfast.PlanCalled:
		c := &concern{kind: Plan, run: e.Subject, name: b.Name, urgent: !b.Drill, whom: func(m *access.Member) bool { return slices.Contains(b.Operators, m.ID) }}
		if b.Drill {
			c.kind = Drill
		}
		return c, nil
	case *holdfast.SetupChanged:
		if b.What != "channel" || b.Action != "down" {
			return nil, nil
		}
		return &concern{kind: Channel, whom: func(m *access.Member) bool { return m.Role == holdfast.Administrator }}, nil
	}
	return nil, nil
}

// givenSince reports whether a conversation became an operator's after an entry. The
// follower may be behind the journal: who has it now may not have had it then, and is
// told that it was assigned.
func (n *Notices) givenSince(ctx context.Context, e *holdfast.Entry, conversation, operator holdfast.ID) (bool, error) {
	const together = 8 // mostly there is nothing, or little, to look through
	for before := holdfast.LSN(0); ; {
		latest, err := n.journal.About(ctx, e.Workspace, conversation, before, together)
		if err != nil {
			return false, err
		}
		for i := range latest {
			if before = latest[i].LSN; before <= e.LSN {
				return false, nil
			}
			if b, is := latest[i].Body.(*holdfast.ConversationAssigned); is {
				return b.Operator == operator, nil
			}
		}
		if len(latest) < together {
			return false, nil
		}
	}
}

// numbered adds the number that people know the conversation by.
func (n *Notices) numbered(ctx context.Context, e *holdfast.Entry, c *concern) (*concern, error) {
	found, err := n.inbox.Conversation(ctx, e.Workspace, e.Subject, holdfast.ID{})
	if holdfast.KindOf(err) == holdfast.NotFound {
		return nil, nil
	}
	if err == nil {
		c.conversation, c.number = found.ID, found.Number
	}
	return c, err
}

// payload is what a device is told: in the reader's words, and nothing of the customer's.
type payload struct {
	Kind         Kind        `json:"kind"`
	Title        string      `json:"title"`
	Body         string      `json:"body"`
	Language     string      `json:"language"`
	Workspace    holdfast.ID `json:"workspace,omitzero"`
	Conversation holdfast.ID `json:"conversation,omitzero"`
	Run          holdfast.ID `json:"run,omitzero"` // of a plan
}

// digits are a reader's own.
func digits(n int64, language string) string {
	return holdfast.Digits(strconv.FormatInt(n, 10), language)
}

func (n *Notices) text(language, key string) string {
	if s := n.texts[language][key]; s != "" {
		return s
	}
	return n.texts["en"][key]
}

// note puts a push to each device of whom it concerns into the queue. Seen twice, an
// entry is pushed once.
func (n *Notices) note(ctx context.Context, e *holdfast.Entry, c *concern) error {
	members, err := n.guard.Operators(ctx, e.Workspace)
	if err != nil {
		return err
	}
	var name, zone string
	if err := n.db.QueryRow(ctx, "SELECT name, time_zone FROM workspace WHERE id = $1", e.Workspace).Scan(&name, &zone); err != nil {
		return err
	}
	queued := false
	for i := range members {
		m := &members[i]
		if m.Disabled || m.Former || !c.whom(m) {
			continue
		}
		s, err := n.Settings(ctx, e.Workspace, m.ID)
		if err != nil {
			return err
		}
		if !c.urgent && s.quiet(n.db.Now(), zone) {
			continue
		}
		if s.Mail && c.run.IsZero() && s.ways(c.kind) != (Ways{}) { // plans mail by themselves
			if err := n.keepUnseen(ctx, e, c, m); err != nil {
				return err
			}
		}
		if !s.ways(c.kind).Push {
			continue
		}
		devices, err := n.devices(ctx, m.ID)
		if err != nil {
			return err
		}
		if len(devices) == 0 {
			continue
		}
		raw, err := json.Marshal(payload{Kind: c.kind, Title: name, Language: m.Language, Workspace: e.Workspace, Conversation: c.conversation, Run: c.run,
			Body: strings.NewReplacer("{n}", digits(c.number, m.Language), "{name}", c.name).Replace(n.text(m.Language, string(c.kind)))})
		if err != nil {
			return err
		}
		err = n.db.Write(ctx, func(tx *store.Tx) error {
			for _, d := range devices {
				err := tx.Exec(`INSERT INTO push_delivery (id, subscription, lsn, payload, state, due_at, created_at) VALUES ($1, $2, $3, $4, 'due', 0, $5)
					ON CONFLICT (subscription, lsn) DO NOTHING`, holdfast.NewID(), d.ID, e.LSN, raw, tx.Now)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		queued = true
	}
	if queued {
		n.poke()
	}
	return nil
}

func (n *Notices) poke() {
	select {
	case n.kick <- struct{}{}:
	default:
	}
}
