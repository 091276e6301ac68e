package setup

import (
	"context"
	"errors"

	"holdfast"
	"holdfast/channel"
	"holdfast/store"
)

// State is the small durable memory of one channel account.
func (s *Setup) State(account holdfast.ID) channel.State { return &state{db: s.db, account: account} }

type state struct {
	db      *store.DB
	account holdfast.ID
}

// Get returns nil when there is nothing of that name.
func (s *state) Get(ctx context.Context, key string) ([]byte, error) {
	var value []byte
	err := s.db.QueryRow(ctx, "SELECT value FROM channel_state WHERE account = $1 AND name = $2", s.account, key).Scan(&value)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err == nil && value == nil {
		value = []byte{} // there, and empty
	}
	return value, err
}

// Put returns once the value is on disk.
func (s *state) Put(ctx context.Context, key string, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec(`INSERT INTO channel_state (account, name, value) VALUES ($1, $2, $3)
			ON CONFLICT (account, name) DO UPDATE SET value = excluded.value`, s.account, key, value)
	})
}
