package troubleshoot

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Symptom is one rule by which an entry is recognised. A fault shows it if, for
// every list that is not empty, one member fits, and none of Unless does. Which of
// several symptoms decides is their rank.
type Symptom struct {
	Code   wordList  `yaml:"code"`   // machine-readable words, compared without case and separators; "errcode=17" only under that key, "base_resp.status_code=17" only there in the object of that name
	With   wordList  `yaml:"with"`   // further such words, of which one must be present too
	Text   wordList  `yaml:"text"`   // phrases, see vocabulary
	Near   wordList  `yaml:"near"`   // further phrases, of which one must be present too
	Unless wordList  `yaml:"unless"` // phrases that forbid
	From   wordList  `yaml:"from"`   // part of the provider's name, or a phrase such as a vendor's host
	Net    []NetKind `yaml:"net"`
	Phase  []Phase   `yaml:"phase"`
	Finish []string  `yaml:"finish"`
	Ret    []int     `yaml:"ret"`
	Status []int     `yaml:"status"` // HTTP statuses; 0 is "no answer came"
	Source []Source  `yaml:"source"`
	Retry  bool      `yaml:"retry"` // the other side named a pause
	Rank   string    `yaml:"rank"`  // a stage, with a distance: "text+40"; empty: by what the rule looks at
}

// wordList is a YAML list of words, or one text in which " / " stands between
// them, which is read many times faster.
type wordList []string

// UnmarshalYAML reads either form.
func (l *wordList) UnmarshalYAML(n *yaml.Node) error {
	switch n.Kind {
	case yaml.ScalarNode:
		*l = strings.Split(strings.TrimSpace(n.Value), " / ")
	case yaml.SequenceNode:
		for _, e := range n.Content {
			if e.Kind != yaml.ScalarNode {
				return fmt.Errorf("line %d: a word is expected", e.Line)
			}
			*l = append(*l, e.Value)
		}
	default:
		return fmt.Errorf("line %d: a list of words is expected", n.Line)
	}
	return nil
}

// The stages of diagnosis, most telling first. A rule's stage is that of the most
// telling thing it looks at.
var stages = map[string]int{
	"ret":    950,        // WeChat's own number
	"vendor": 900,        // one vendor's code, which others use in another sense
	"size":   800,        // one request is too large: beats the rate limit it is reported as
	"hint":   700,        // a pause was named: beats billing words
	"code":   600,        // a specific code
	"net":    560,        // how the connection failed
	"finish": 500,        // why generation stopped
	"text":   textStage,  // a phrase
	"class":  classStage, // a generic type, such as authentication_error
	"status": 100,        // the bare status
	"last":   50,
}

const (
	textStage  = 300
	classStage = 150
)

// rank returns the rule's weight.
func (s *Symptom) rank() (int, error) {
	if s.Rank == "" {
		return stages[s.stage()], nil
	}
	name, by := s.Rank, 0
	if i := strings.IndexAny(s.Rank, "+-"); i > 0 {
		n, err := strconv.Atoi(s.Rank[i:])
		if err != nil {
			return 0, fmt.Errorf("rank: %q: %w", s.Rank, err)
		}
		name, by = s.Rank[:i], n
	}
	base, ok := stages[name]
	if !ok {
		return 0, fmt.Errorf("rank: %q is no stage", s.Rank)
	}
	return base + by, nil
}

func (s *Symptom) stage() string {
	switch {
	case len(s.Ret) > 0:
		return "ret"
	case len(s.From) > 0 && len(s.Code) > 0:
		return "vendor"
	case len(s.Code) > 0:
		return "code"
	case len(s.Finish) > 0:
		return "finish"
	case len(s.Text) > 0:
		return "text"
	case len(s.Net) > 0, len(s.Phase) > 0:
		return "net"
	}
	return "status"
}

// check returns what is wrong with the rule.
func (s *Symptom) check(words vocabulary) error {
	if _, err := s.rank(); err != nil {
		return err
	}
	if len(s.Code)+len(s.Text)+len(s.Net)+len(s.Phase)+len(s.Finish)+len(s.Ret)+len(s.Status) == 0 {
		return errors.New("looks at nothing: add code, text, net, phase, finish, ret or status")
	}
	if words != nil {
		if err := s.checkPhrases(words); err != nil {
			return err
		}
	}
	for _, c := range append(append([]string{}, s.Code...), s.With...) {
		if squash(c) == "" {
			return errors.New("code: is empty")
		}
	}
	for _, src := range s.Source {
		if src == "" || !contains(sources, string(src)) {
			return fmt.Errorf("source: %q is unknown", src)
		}
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// checkPhrases returns what is wrong with the rule's phrases.
func (s *Symptom) checkPhrases(words vocabulary) error {
	for _, lists := range [][]string{s.Text, s.Near, s.Unless, s.From} {
		for _, p := range lists {
			if err := words.check(p); err != nil {
				return fmt.Errorf("text: %w", err)
			}
		}
	}
	return nil
}
