package shellwords

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"", []string{}},
		{"  a   b\t c ", []string{"a", "b", "c"}},
		{`a "b c" 'd e' f\ g`, []string{"a", "b c", "d e", "f g"}},
		{"a \\\n  b", []string{"a", "b"}},
		{"a \\\r\n  b", []string{"a", "b"}},
		{`"a\"b\\c\$d\e"`, []string{`a"b\c$d\e`}},
		{`''`, []string{""}},
		{`a''b`, []string{"ab"}},
		{"a # b\nc", []string{"a", "\n", "c"}},
		{"a#b", []string{"a#b"}},
		{"a && b | c>d", []string{"a", "&&", "b", "|", "c", ">", "d"}},
		{`'a && b'`, []string{"a && b"}},
		{`$'a\nb\'c'`, []string{"a\nb'c"}},
		{`it'"'"'s`, nil},
		{`'it'"'"'s'`, []string{"it's"}},
		{`a\`, []string{`a\`}},
	} {
		got, err := Split(tt.text)
		if tt.want == nil {
			if !errors.Is(err, ErrUnclosed) {
				t.Errorf("Split(%q) = %q, %v; want an unclosed quote", tt.text, got, err)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("Split(%q): %v (-want +got):\n%s", tt.text, err, diff)
		}
	}
	words, err := Words(`a "$X" '$Y' | b`)
	if err != nil || len(words) != 5 || !words[1].Expands || words[2].Expands || !words[3].Operator {
		t.Errorf("Words = %+v, %v", words, err)
	}
}

func TestSplit_undoesJoin(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`[ -~\n\té]{0,8}`)).Draw(t, "words")
		got, err := Split(Join(words))
		if err != nil || !slices.Equal(words, got) && len(words) > 0 {
			t.Fatalf("Split(Join(%q)) = %q, %v", words, got, err)
		}
	})
}

func TestSplit_asAShell(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`a "b c" 'd'\''e' f\ g`, "x \\\n y", `"a\"b\\c\e"`, `'' "" z`} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "for w in "+text+`; do printf '%s\1' "$w"; done`).Output()
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimSuffix(string(out), "\x01"), "\x01")
		if got, err := Split(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("Split(%q) = %q, %v; sh says %q", text, got, err, want)
		}
	}
}
