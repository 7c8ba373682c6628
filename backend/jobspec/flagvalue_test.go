package jobspec_test

import (
	"strings"
	"testing"

	"dray/backend/jobspec"
)

func TestSpec_Set_flag(t *testing.T) {
	t.Parallel()
	tests := []struct{ entrypoint, flag, value, want string }{
		{"t --lr 0.1", "--lr", "2", "t --lr 2"},
		{"t --lr=-1 x", "--lr", "-2", "t --lr=-2 x"},
		{"t --lr -.5", "--lr", "1", "t --lr 1"},
		{`t --name 'it'"'"'s' x`, "--name", "z", "t --name z x"},
		{`t --name a"b c" x`, "--name", "z", "t --name z x"},
		{`t --name "a\"b" x`, "--name", "z", "t --name z x"},
		{`t --name a\ b x`, "--name", "z", "t --name z x"},
		{`t --out "$(pwd)/x" y`, "--out", "z", "t --out z y"},
		{"t --lr 1; ls", "--lr", "a b", "t --lr 'a b'; ls"},
		{"bash -c 't --lr 1'", "--lr", "2", "bash -c 't --lr 2'"},
		{`bash -c "t --lr 1 && x" 'y'`, "--lr", "2", `bash -c "t --lr 2 && x" 'y'`},
		{"bash -c 't --lr 1'", "--lr", "a b", "!quotes"},
		{"bash -c 't --lr 1'", "--lr", "$X", "!quotes"},
		{`bash -c 't --lr "1 2"'`, "--lr", "2", "!quotes"},
		{"t --seed $(date +%s)", "--seed", "1", "!cannot be told apart"},
		{"t --seed `date +%s`", "--seed", "1", "!cannot be told apart"},
		{"t --seed ${A:-b c}", "--seed", "1", "!cannot be told apart"},
		{"t --fp16 --lr 1", "--fp16", "1", "!has no --fp16 with a value"},
		{"t --fp16", "--fp16", "1", "!has no --fp16 with a value"},
		{"t --lr 1 --lr 2", "--lr", "3", "!has --lr 2 times"},
	}
	for _, tt := range tests {
		t.Run(tt.entrypoint+" "+tt.value, func(t *testing.T) {
			t.Parallel()
			got, err := jobspec.Spec{Entrypoint: tt.entrypoint}.Set(tt.flag, tt.value)
			if part, fails := strings.CutPrefix(tt.want, "!"); fails {
				if err == nil || !strings.Contains(err.Error(), part) || got.Entrypoint != tt.entrypoint {
					t.Errorf("got %q, %v, want an error with %q", got.Entrypoint, err, part)
				}
				return
			}
			if err != nil || got.Entrypoint != tt.want {
				t.Errorf("got %q, %v, want %q", got.Entrypoint, err, tt.want)
			}
		})
	}
}
