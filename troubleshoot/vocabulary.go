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
	parts, err := v.split(p)
	if err != nil {
		return nil, err
	}
	n := 1
	for _, forms := range parts {
		if n *= len(forms); n > maxEach {
			return nil, fmt.Errorf("%q stands for more than %d forms", p, maxEach)
		}
	}
	return combine(parts, n), nil
}

// combine writes out the n ways to choose one form of each part, side by side in
// memory.
func combine(parts [][]string, n int) []string {
	var room [2 << 10]byte
	var marks [64]int
	all, ends := room[:0], marks[:0]
	for i := range n {
		choice := i
		for _, forms := range parts {
			all = append(all, forms[choice%len(forms)]...)
			choice /= len(forms)
		}
		ends = append(ends, len(all))
	}
	text, out, from := string(all), make([]string, n), 0
	for i, end := range ends {
		out[i], from = text[from:end], end
	}
	return out
}

// split cuts a phrase into parts, each with the forms it may have.
func (v vocabulary) split(p string) ([][]string, error) {
	parts, from := make([][]string, 0, 8), 0
	for i := 0; i < len(p); {
		forms, n, err := v.choice(p, i)
		switch {
		case err != nil:
			return nil, err
		case n == 0:
			i++
			continue
		case i > from:
			parts = append(parts, []string{p[from:i]})
		}
		parts = append(parts, forms)
		i += n
		from = i
	}
	if from < len(p) {
		parts = append(parts, []string{p[from:]})
	}
	return parts, nil
}

// choice reads the alternatives that begin at i, in n bytes; 0 if none do.
func (v vocabulary) choice(p string, i int) (forms []string, n int, err error) {
	switch p[i] {
	case '<':
		if n = strings.IndexByte(p[i:], '>'); n > 1 && isName(p[i+1:i+n]) {
			forms, ok := v[p[i+1:i+n]]
			if !ok {
				err = fmt.Errorf("%q names %s, which the vocabulary does not have", p, p[i:i+n+1])
			}
			return forms, n + 1, err
		}
	case '{':
		if n = strings.IndexByte(p[i:], '}'); n > 1 {
			forms, err := v.each(p[i+1 : i+n])
			return forms, n + 1, err
		}
	}
	return nil, 0, nil
}

// each returns the forms that commas separate, and those of the sets among them.
func (v vocabulary) each(list string) ([]string, error) {
	forms := strings.Split(list, ",")
	if strings.IndexByte(list, '<') < 0 {
		return forms, nil
	}
	var out []string
	for _, f := range forms {
		more, err := v.expand(f)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
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
