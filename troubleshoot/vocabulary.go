package troubleshoot

import (
	"fmt"
	"strings"
)

// vocabulary holds sets of words that phrases name as <set>.
//
// A phrase is compared folded, from the start of a word to its end or to an
// English ending of it ("token" fits "tokens"). A final "~" lets the word go on, a
// final "|" allows no ending, a first "=" asks for the phrase to be all there is.
// "*" stands for up to 120 bytes of one sentence, "&" for up to 30, "**" for up to
// 120 across sentences.
// "{a,b}" stands for either, "<set>" for any word of that set.
type vocabulary map[string][]string

// maxEach bounds what one part of a phrase may expand to.
const maxEach = 700

// expand writes out the alternatives of a phrase.
func (v vocabulary) expand(p string) ([]string, error) {
	if strings.IndexByte(p, '{') < 0 && strings.IndexByte(p, '<') < 0 {
		return []string{p}, nil
	}
	done, todo := []string(nil), []string{p}
	for len(todo) > 0 {
		p, todo = todo[len(todo)-1], todo[:len(todo)-1]
		before, forms, after, err := v.split(p)
		if err != nil {
			return nil, err
		}
		if forms == nil {
			done = append(done, p)
		}
		for _, f := range forms {
			todo = append(todo, before+f+after)
		}
		if len(done)+len(todo) > maxEach {
			return nil, fmt.Errorf("%q stands for more than %d forms", p, maxEach)
		}
	}
	return done, nil
}

// split finds the first alternatives in p; forms is nil if there are none.
func (v vocabulary) split(p string) (before string, forms []string, after string, err error) {
	if i := strings.IndexByte(p, '<'); i >= 0 {
		if j := strings.IndexByte(p[i:], '>'); j > 1 && isName(p[i+1:i+j]) {
			name := p[i+1 : i+j]
			set, ok := v[name]
			if !ok {
				return "", nil, "", fmt.Errorf("%q names <%s>, which the vocabulary does not have", p, name)
			}
			return p[:i], set, p[i+j+1:], nil
		}
	}
	if i := strings.IndexByte(p, '{'); i >= 0 {
		if j := strings.IndexByte(p[i:], '}'); j > 1 {
			return p[:i], strings.Split(p[i+1:i+j], ","), p[i+j+1:], nil
		}
	}
	return p, nil, "", nil
}

func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '_' && (s[i] < 'a' || s[i] > 'z') {
			return false
		}
	}
	return true
}

// check returns what is wrong with a phrase.
func (v vocabulary) check(p string) error {
	if len(p) >= 6 && !strings.ContainsAny(p, "*&{<=|~") {
		return nil
	}
	parts := strings.FieldsFunc(strings.ReplaceAll(p, "**", "*"), func(r rune) bool { return r == '*' || r == '&' })
	for i, part := range parts {
		forms, err := v.expand(part)
		if err != nil {
			return err
		}
		for _, f := range forms {
			switch f = strings.Trim(fold(f), "= |~"); {
			case i == 0 && len(f) < 3:
				return fmt.Errorf("%q begins with less than three bytes", p)
			case f == "" || len(f) < 3 && (i < len(parts)-1 || len(forms) > 1):
				return fmt.Errorf("%q has a part of less than three bytes", p)
			}
		}
	}
	return nil
}
