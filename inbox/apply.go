package inbox

import (
	"bytes"

	"holdfast"
	"holdfast/store"
)

// Apply turns one entry into rows. Every write below is a join of a semilattice
// (grow-only rows, greatest stamp wins, smallest and greatest of times), so the
// order of entries does not matter and a second application changes nothing.
func (*Inbox) Apply(tx *store.Tx, e *holdfast.Entry) error {
	switch b := e.Body.(type) {
	case *holdfast.MessageReceived:
		return received(tx, e, b, arrive(b))
	case *holdfast.MessageQueued:
		return queued(tx, e, b)
	case *holdfast.MessageNoted:
		return noted(tx, e, b)
	case *holdfast.ConversationOpened:
		return opened(tx, e, b)
	case *holdfast.ConversationStatus:
		return setStatus(tx, e, e.Subject, b.Status, b)
	case *holdfast.ConversationSubject:
		return renamed(tx, e, b)
	case *holdfast.ConversationMerged:
		return joined(tx, e, b.With, false)
	case *holdfast.ConversationUnmerged:
		return joined(tx, e, b.With, true)
	case *holdfast.MessageMoved:
		return moved(tx, e, b)
	case *holdfast.MessageCancelled:
		return withdrawn(tx, e, b)
	case *holdfast.ConversationPrioritised:
		return setField(tx, e, "priority", int(b.Priority))
	case *holdfast.ConversationAssigned:
		return assigned(tx, e, b)
	case *holdfast.ConversationTagged:
		return tx.Exec(`INSERT INTO {tag} (mark, workspace, conversation, tag) VALUES ($1, $2, $3, $4)
			ON CONFLICT (mark) DO UPDATE SET tag = excluded.tag`, b.Mark, e.Workspace, e.Subject, b.Tag)
	case *holdfast.ConversationUntagged:
		for _, mark := range b.Marks {
			// The removal may come before the addition it removes.
			if err := tx.Exec(`INSERT INTO {tag} (mark, workspace, conversation, tag, removed) VALUES ($1, $2, $3, $4, TRUE)
				ON CONFLICT (mark) DO UPDATE SET removed = TRUE`, mark, e.Workspace, e.Subject, b.Tag); err != nil {
				return err
			}
		}
	case *holdfast.ConversationRead:
		upto := b.Upto
		if b.Unread {
			upto = 0
		}
		return tx.Exec(`INSERT INTO {read_mark} (operator, conversation, upto, stamp) VALUES ($1, $2, $3, $4)
			ON CONFLICT (operator, conversation) DO UPDATE SET upto = excluded.upto, stamp = excluded.stamp
			WHERE excluded.stamp > {read_mark}.stamp`, b.Operator, e.Subject, upto, store.Stamp(e))
	case *holdfast.DraftSaved:
		return tx.Exec(`INSERT INTO {draft} (operator, conversation, workspace, text, note, at, stamp) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (operator, conversation) DO UPDATE SET text = excluded.text, note = excluded.note, at = excluded.at, stamp = excluded.stamp
			WHERE excluded.stamp > {draft}.stamp`, b.Operator, e.Subject, e.Workspace, store.Text(b.Text), b.Note, e.At, store.Stamp(e))
	case *holdfast.CustomerCreated:
		return customerCreated(tx, e, b)
	case *holdfast.CustomerChanged:
		return customerChanged(tx, e, b)
	case *holdfast.AddressAdded:
		return addAddress(tx, e, e.Subject, b.Address, b.Claimed)
	case *holdfast.AddressFailing:
		// The mark may come before the address; then any addition is the earlier one.
		return tx.Exec(`INSERT INTO {address} (workspace, scheme, value, customer, stamp, failing, failing_stamp, claimed) VALUES ($1, $2, $3, $4, $5, $6, $7, TRUE)
			ON CONFLICT (workspace, scheme, value, customer) DO UPDATE SET failing = excluded.failing, failing_stamp = excluded.failing_stamp
			WHERE {address}.failing_stamp IS NULL OR {address}.failing_stamp < excluded.failing_stamp`,
			e.Workspace, b.Address.Scheme, clip(b.Address.Value, 500), e.Subject, lastStamp, clip(b.Reason, 500), store.Stamp(e))
	case *holdfast.ArrivalRefused:
		at := b.At
		if at.IsZero() {
			at = e.At
		}
		return tx.Exec(`INSERT INTO {arrival} (id, lsn, workspace, channel, at, reason, detail, sender, subject, message, raw, raw_type, external_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
			ON CONFLICT (id) DO UPDATE SET channel = excluded.channel, at = excluded.at, reason = excluded.reason, detail = excluded.detail,
				sender = excluded.sender, subject = excluded.subject, message = excluded.message, raw = excluded.raw,
				raw_type = excluded.raw_type, external_id = excluded.external_id`,
			e.Subject, e.LSN, e.Workspace, b.Channel, at, b.Reason, clip(b.Detail, 2000), clip(b.From, 500), clip(b.Subject, 998), b.Message, b.Raw, b.RawType, clip(b.ExternalID, 998))
	case *holdfast.ArrivalReplayed:
		return tx.Exec(`INSERT INTO {arrival} (id, lsn, workspace, at, reason, replayed) VALUES ($1, $2, $3, $4, '', TRUE)
			ON CONFLICT (id) DO UPDATE SET replayed = TRUE`, e.Subject, e.LSN, e.Workspace, e.At)
	}
	return nil
}

func opened(tx *store.Tx, e *holdfast.Entry, b *holdfast.ConversationOpened) error {
	return tx.Exec(`INSERT INTO {conversation} (id, workspace, number, customer, channel, opened_at, page, subject, subject_stamp, team, assigned_stamp, last_clock, opened_clock, subject_fold)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $11, $11, $12)
		ON CONFLICT (id) DO UPDATE SET number = excluded.number, customer = excluded.customer, channel = excluded.channel,
			opened_at = excluded.opened_at, page = excluded.page, opened_clock = excluded.opened_clock,
			subject_fold = CASE WHEN {conversation}.subject_stamp IS NULL OR excluded.subject_stamp > {conversation}.subject_stamp THEN excluded.subject_fold ELSE {conversation}.subject_fold END,
			subject = CASE WHEN {conversation}.subject_stamp IS NULL OR excluded.subject_stamp > {conversation}.subject_stamp THEN excluded.subject ELSE {conversation}.subject END,
			subject_stamp = CASE WHEN {conversation}.subject_stamp IS NULL OR excluded.subject_stamp > {conversation}.subject_stamp THEN excluded.subject_stamp ELSE {conversation}.subject_stamp END,
			team = CASE WHEN {conversation}.assigned_stamp IS NULL OR excluded.assigned_stamp > {conversation}.assigned_stamp THEN excluded.team ELSE {conversation}.team END,
			operator = CASE WHEN {conversation}.assigned_stamp IS NULL OR excluded.assigned_stamp > {conversation}.assigned_stamp THEN NULL ELSE {conversation}.operator END,
			assigned_stamp = CASE WHEN {conversation}.assigned_stamp IS NULL OR excluded.assigned_stamp > {conversation}.assigned_stamp THEN excluded.assigned_stamp ELSE {conversation}.assigned_stamp END,
			last_clock = CASE WHEN excluded.last_clock > {conversation}.last_clock THEN excluded.last_clock ELSE {conversation}.last_clock END`,
		e.Subject, e.Workspace, b.Number, b.Customer, b.Channel, e.At, clip(b.Page, 2000), clip(b.Subject, 998), store.Stamp(e), b.Team, e.Clock, fold(clip(b.Subject, 998)))
}

func renamed(tx *store.Tx, e *holdfast.Entry, b *holdfast.ConversationSubject) error {
	return tx.Exec(`INSERT INTO {conversation} (id, workspace, subject, subject_fold, subject_stamp) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET subject = excluded.subject, subject_fold = excluded.subject_fold, subject_stamp = excluded.subject_stamp
		WHERE {conversation}.subject_stamp IS NULL OR excluded.subject_stamp > {conversation}.subject_stamp`,
		e.Subject, e.Workspace, clip(b.Subject, 998), fold(clip(b.Subject, 998)), store.Stamp(e))
}

func noted(tx *store.Tx, e *holdfast.Entry, b *holdfast.MessageNoted) error {
	x := extra{Attachments: b.Attachments, Mentions: b.Mentions}
	rare, err := oddities(tx)
	if err != nil {
		return err
	}
	err = rare.put(tx, e, b.Message, holdfast.Note, holdfast.ID{}, holdfast.ID{}, b.Author,
		"", "", "", store.Text(b.Text), "", "", nil, x.encode(), "", holdfast.ID{})
	for _, who := range b.Mentions {
		if err == nil {
			err = tx.Exec(`INSERT INTO {mention} (workspace, operator, message, clock) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, e.Workspace, who, b.Message, e.Clock)
		}
	}
	return err
}

// setStatus writes the status when this is the latest word on it, and derives
// what people see: a message of the customer that came after it reopens.
func setStatus(tx *store.Tx, e *holdfast.Entry, id holdfast.ID, status holdfast.Status, b *holdfast.ConversationStatus) error {
	var until int64
	if b != nil && status == holdfast.Snoozed && !b.Until.IsZero() {
		until = b.Until.UnixMilli()
	}
	return tx.Exec(`INSERT INTO {conversation} (id, workspace, status, status_clock, status_stamp, snooze_until, state)
		VALUES ($1, $2, $3, $4, $5, $6, $3)
		ON CONFLICT (id) DO UPDATE SET status = excluded.status, status_clock = excluded.status_clock, status_stamp = excluded.status_stamp,
			snooze_until = excluded.snooze_until,
			state = CASE WHEN excluded.status NOT IN ('open', 'closed') AND {conversation}.last_in_clock > excluded.status_clock THEN 'open' ELSE excluded.status END
		WHERE {conversation}.status_stamp IS NULL OR excluded.status_stamp > {conversation}.status_stamp`,
		id, e.Workspace, status, e.Clock, store.Stamp(e), until)
}

// setField writes one last-writer-wins column of a conversation.
func setField(tx *store.Tx, e *holdfast.Entry, column string, value any) error {
	return tx.Exec(`INSERT INTO {conversation} (id, workspace, `+column+`, `+column+`_stamp) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET `+column+` = excluded.`+column+`, `+column+`_stamp = excluded.`+column+`_stamp
		WHERE {conversation}.`+column+`_stamp IS NULL OR excluded.`+column+`_stamp > {conversation}.`+column+`_stamp`,
		e.Subject, e.Workspace, value, store.Stamp(e))
}

func assigned(tx *store.Tx, e *holdfast.Entry, b *holdfast.ConversationAssigned) error {
	return tx.Exec(`INSERT INTO {conversation} (id, workspace, operator, team, assigned_stamp) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET operator = excluded.operator, team = excluded.team, assigned_stamp = excluded.assigned_stamp
		WHERE {conversation}.assigned_stamp IS NULL OR excluded.assigned_stamp > {conversation}.assigned_stamp`,
		e.Subject, e.Workspace, b.Operator, b.Team, store.Stamp(e))
}

func customerCreated(tx *store.Tx, e *holdfast.Entry, b *holdfast.CustomerCreated) error {
	stamp := store.Stamp(e)
	err := tx.Exec(`INSERT INTO {customer} (id, workspace, name, name_stamp, language, language_stamp, created_at) VALUES ($1, $2, $3, $4, $5, $4, $6)
		ON CONFLICT (id) DO UPDATE SET
			name = CASE WHEN {customer}.name_stamp IS NULL OR excluded.name_stamp > {customer}.name_stamp THEN excluded.name ELSE {customer}.name END,
			name_stamp = CASE WHEN {customer}.name_stamp IS NULL OR excluded.name_stamp > {customer}.name_stamp THEN excluded.name_stamp ELSE {customer}.name_stamp END,
			language = CASE WHEN {customer}.language_stamp IS NULL OR excluded.language_stamp > {customer}.language_stamp THEN excluded.language ELSE {customer}.language END,
			language_stamp = CASE WHEN {customer}.language_stamp IS NULL OR excluded.language_stamp > {customer}.language_stamp THEN excluded.language_stamp ELSE {customer}.language_stamp END,
			created_at = CASE WHEN {customer}.created_at = 0 OR excluded.created_at < {customer}.created_at THEN excluded.created_at ELSE {customer}.created_at END`,
		e.Subject, e.Workspace, clip(b.Name, 200), stamp, b.Language, e.At)
	if err != nil {
		return err
	}
	for _, a := range b.Addresses {
		if err := addAddress(tx, e, e.Subject, a, false); err != nil {
			return err
		}
	}
	return nil
}

func customerChanged(tx *store.Tx, e *holdfast.Entry, b *holdfast.CustomerChanged) error {
	for _, f := range []struct {
		column string
		value  *string
		max    int
	}{{"name", b.Name, 200}, {"language", b.Language, 8}, {"company", b.Company, 200}, {"about", b.About, 4000}} {
		if f.value == nil {
			continue
		}
		err := tx.Exec(`INSERT INTO {customer} (id, workspace, `+f.column+`, `+f.column+`_stamp) VALUES ($1, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET `+f.column+` = excluded.`+f.column+`, `+f.column+`_stamp = excluded.`+f.column+`_stamp
			WHERE {customer}.`+f.column+`_stamp IS NULL OR excluded.`+f.column+`_stamp > {customer}.`+f.column+`_stamp`,
			e.Subject, e.Workspace, clip(*f.value, f.max), store.Stamp(e))
		if err != nil {
			return err
		}
	}
	return nil
}

// lastStamp comes after every stamp there is.
var lastStamp = bytes.Repeat([]byte{0xff}, 24)

// addAddress gives an address to a customer. One that was given once without being
// only claimed is claimed no more.
func addAddress(tx *store.Tx, e *holdfast.Entry, customer holdfast.ID, a holdfast.Address, claimed bool) error {
	return tx.Exec(`INSERT INTO {address} (workspace, scheme, value, customer, name, verified, stamp, claimed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (workspace, scheme, value, customer) DO UPDATE SET
			claimed = ({address}.claimed AND excluded.claimed),
			name = CASE WHEN excluded.stamp < {address}.stamp THEN excluded.name ELSE {address}.name END,
			verified = ({address}.verified OR excluded.verified),
			stamp = CASE WHEN excluded.stamp < {address}.stamp THEN excluded.stamp ELSE {address}.stamp END`,
		e.Workspace, a.Scheme, clip(a.Value, 500), customer, clip(a.Name, 200), a.Verified, store.Stamp(e), claimed)
}
