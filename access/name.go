package access

import (
	"context"
	"errors"

	"holdfast"
	"holdfast/store"
)

// OperatorName is an operator's name, for customers to see. NotFound when there is no such operator.
func (g *Guard) OperatorName(ctx context.Context, operator holdfast.ID) (string, error) {
	var name string
	err := g.db.QueryRow(ctx, "SELECT name FROM operator WHERE id = $1", operator).Scan(&name)
	if errors.Is(err, store.ErrNoRows) {
		return "", errNoOperator()
	}
	return name, err
}
