package configs

import "slices"

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

// part reads the configuration for the sake of one key outside the providers.
func part(o Options, path string) (*Config, error) {
	l := newLoader(o)
	l.readFile()
	l.readEnv()
	c := l.decode()
	l.texts(c)
	l.catalogue(c.Catalogue.Dir)
	l.problems = slices.DeleteFunc(l.problems, func(p Problem) bool {
		return p.Path != "" && p.Path != path && p.Path != parent(path)
	})
	return c, l.err()
}
