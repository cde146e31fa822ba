// Makes samples of secrets from gitleaks' own rules, a JSON object a line: {"kind", "path", "text"}. What its patterns accept is
// walked through by chance, and kept where gitleaks itself finds that kind in it. Arguments: samples of each kind, seed.
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"regexp/syntax"
	"sort"
	"strconv"
	"strings"

	"github.com/zricethezav/gitleaks/v8/config"
	"github.com/zricethezav/gitleaks/v8/detect"
)

const tries = 3000

type sample struct {
	Kind string `json:"kind"`
	Path string `json:"path"`
	Text string `json:"text"`
}

func main() {
	count, seed := number(1, 3), number(2, 1)
	chance := rand.New(rand.NewSource(int64(seed)))
	detector, err := detect.NewDetectorDefaultConfig()
	if err != nil {
		panic(err)
	}
	kinds := make([]string, 0, len(detector.Config.Rules))
	for kind := range detector.Config.Rules {
		kinds = append(kinds, kind)
	}
	sort.Strings(kinds)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, kind := range kinds {
		made := 0
		for try := 0; try < tries && made < count; try++ {
			one := sampleOf(kind, detector.Config.Rules[kind], chance, try)
			if !finds(detector, one) {
				continue
			}
			made++
			_ = out.Encode(one)
		}
		if made == 0 {
			fmt.Fprintf(os.Stderr, "no sample of %s\n", kind)
		}
	}
}

func sampleOf(kind string, rule config.Rule, chance *rand.Rand, try int) sample {
	path := "sample.txt"
	if rule.Path != nil {
		path = pathFor(rule.Path)
	}
	if rule.Regex == nil {
		return sample{kind, path, "x"}
	}
	tree, err := syntax.Parse(rule.Regex.String(), syntax.Perl)
	if err != nil {
		panic(err)
	}
	var text strings.Builder
	walk(tree, &text, chance)
	secret := text.String()
	// Keywords may stand anywhere in a file.
	if len(rule.Keywords) > 0 && !containsAny(strings.ToLower(secret), rule.Keywords) {
		secret = rule.Keywords[chance.Intn(len(rule.Keywords))] + "\n" + secret
	}
	return sample{kind, path, "# before\n" + secret + "\n"}
}

// Of how often something may stand there, the least and a little more.
func times(min, max int, chance *rand.Rand) int {
	if max < 0 || max > min+4 {
		max = min + 4
	}
	return min + chance.Intn(max-min+1)
}

func walk(tree *syntax.Regexp, text *strings.Builder, chance *rand.Rand) {
	switch tree.Op {
	case syntax.OpLiteral:
		for _, one := range tree.Rune {
			text.WriteRune(one)
		}
	case syntax.OpCharClass:
		text.WriteRune(oneOf(tree.Rune, chance))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		// Where a pattern takes one character of any kind, a dot is meant.
		text.WriteByte('.')
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		min, max := tree.Min, tree.Max
		switch tree.Op {
		case syntax.OpStar:
			min, max = 0, -1
		case syntax.OpPlus:
			min, max = 1, -1
		case syntax.OpQuest:
			min, max = 0, 1
		}
		for left := times(min, max, chance); left > 0; left-- {
			if op := tree.Sub[0].Op; op == syntax.OpAnyChar || op == syntax.OpAnyCharNotNL {
				text.WriteByte("abcdefghijkmnpqrstuvwxyz0123456789"[chance.Intn(34)])
				continue
			}
			walk(tree.Sub[0], text, chance)
		}
	case syntax.OpAlternate:
		walk(tree.Sub[chance.Intn(len(tree.Sub))], text, chance)
	default:
		for _, part := range tree.Sub {
			walk(part, text, chance)
		}
	}
}

// Characters that print and, where there are any, no gaps but blanks.
func oneOf(ranges []rune, chance *rand.Rand) rune {
	var printable, gaps []rune
	for at := 0; at < len(ranges); at += 2 {
		for one := ranges[at]; one <= ranges[at+1] && one < 127; one++ {
			if one > 32 {
				printable = append(printable, one)
			} else if one == ' ' || one == '\t' || one == '\n' {
				gaps = append(gaps, one)
			}
		}
	}
	if len(gaps) > 0 && (len(printable) == 0 || chance.Intn(len(gaps)+len(printable)) < len(gaps)) {
		return gaps[chance.Intn(len(gaps))]
	}
	return printable[chance.Intn(len(printable))]
}

func finds(detector *detect.Detector, one sample) bool {
	for _, finding := range detector.Detect(detect.Fragment{Raw: one.Text, FilePath: one.Path}) {
		if finding.RuleID == one.Kind {
			return true
		}
	}
	return false
}

// The first of some names that a rule's own pattern of paths takes.
func pathFor(pattern interface{ MatchString(string) bool }) string {
	for _, path := range []string{"sample.php", "sample.tf", "sample.yaml", "nuget.config", "sample.p12"} {
		if pattern.MatchString(path) {
			return path
		}
	}
	panic("no path for a rule")
}

func containsAny(text string, words []string) bool {
	for _, word := range words {
		if strings.Contains(text, strings.ToLower(word)) {
			return true
		}
	}
	return false
}

func number(place, otherwise int) int {
	if len(os.Args) <= place {
		return otherwise
	}
	value, err := strconv.Atoi(os.Args[place])
	if err != nil {
		panic(err)
	}
	return value
}
