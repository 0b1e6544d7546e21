package store

import (
	"context"
	"errors"
)

func openPostgres(ctx context.Context, o Options) (where string, _ engine, err error) {
	return "PostgreSQL", nil, errors.New("not yet")
}
