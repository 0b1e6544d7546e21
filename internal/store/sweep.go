package store

func (db *DB) startSweeping() {}
