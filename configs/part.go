package configs

import (
	"slices"
	"strings"
)

// DataDir reads one setting only, for commands that need no AI service: where
// state is kept. Problems elsewhere in the configuration don't matter to it; an
// unreadable file and a wrong data_dir do.
func DataDir(o Options) (string, error) {
	c, err := part(o, "data_dir")
	return c.DataDir, err
}

// CatalogueDir reads one setting only, as [DataDir] does: the directory of the
// operator's own catalogue entries, empty if there is none.
func CatalogueDir(o Options) (string, error) {
	c, err := part(o, "catalogue.dir")
	return c.Catalogue.Dir, err
}

// State reads, as [DataDir] does, what says where state is kept and for which
// accounts: DataDir, Store and Accounts are set, the rest is not to be used.
func State(o Options) (*Config, error) { return part(o, "data_dir", "store", "accounts") }

// part reads the configuration for the sake of some keys outside the providers,
// with all below them.
func part(o Options, keys ...string) (*Config, error) {
	l := newLoader(o)
	l.readFile()
	l.readEnv()
	c := l.decode()
	l.finish(c)
	l.texts(c)
	l.catalogue(c.Catalogue.Dir)
	l.state(c)
	l.problems = slices.DeleteFunc(l.problems, func(p Problem) bool {
		return p.Path != "" && !slices.ContainsFunc(keys, func(key string) bool {
			return p.Path == key || p.Path == parent(key) || strings.HasPrefix(p.Path, key+".") || strings.HasPrefix(p.Path, key+"[")
		})
	})
	return c, l.err()
}
