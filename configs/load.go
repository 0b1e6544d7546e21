package configs

import (
	"os"
	"strings"

	"github.com/spf13/viper"
)

// Options say where the configuration is. The zero value reads the process's
// environment and the files of the working directory.
type Options struct {
	// Path is the file asked for, as with --config; it must exist. Empty: the
	// file named by DIAGBOT_CONFIG, which must exist too, else
	// configs/config.yaml, else config.yaml, else none.
	Path string
	// Environ is the environment as "NAME=value"; nil means os.Environ(). Empty
	// variables count as not set.
	Environ []string
	// Dir is the directory relative paths of configuration and secret files
	// start from; empty means the working directory.
	Dir string
}

// Load reads and checks the configuration. The error is an *[Error] with all
// problems; the Config is then nil.
func Load(o Options) (*Config, error) {
	l := newLoader(o)
	l.readFile()
	l.readEnv()
	l.readOpenAI()
	c := l.decode()
	l.finish(c)
	l.check(c)
	if err := l.err(); err != nil {
		return nil, err
	}
	c.File, c.Warnings = l.file, l.warnings
	return c, nil
}

// loader carries one Load from source to source. The sources meet in viper.
type loader struct {
	findings
	Options
	env    map[string]string
	viper  *viper.Viper
	broken bool // the file could not be read at all: what is missing may be in it
}

// delimiter parts the segments of a path inside viper, so that dots in values
// used as keys mean nothing.
const delimiter = "::"

func newLoader(o Options) *loader {
	l := &loader{Options: o, viper: viper.NewWithOptions(viper.KeyDelimiter(delimiter))}
	l.keys = schema()
	l.lines, l.origins = map[string]int{}, map[string]string{}
	l.env = environment(o.Environ)
	for _, k := range l.keys {
		if !k.inList() && k.initial != "" {
			l.viper.SetDefault(viperPath(k.path), yamlValue(k.initial))
		}
	}
	return l
}

func viperPath(path string) string { return strings.ReplaceAll(path, ".", delimiter) }

func environment(environ []string) map[string]string {
	if environ == nil {
		environ = os.Environ()
	}
	env := make(map[string]string, len(environ))
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok && value != "" {
			env[name] = value
		}
	}
	return env
}
