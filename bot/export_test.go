package bot

// NewMemory returns the store of a relay without Options.Store.
func NewMemory() Store { return newMemory(0) }
