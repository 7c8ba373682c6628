package logview

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dray/backend/rayapi"
	"dray/tui/tuitest"
)

// The corpus was recorded from the programs themselves: tqdm nested, with a
// postfix and in several processes, rich, pip and apt.
func TestCorpus(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/corpus/*.raw")
	if err != nil || len(files) < 6 {
		t.Fatalf("the corpus is not there: %v, %v", files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".raw")
		forms := map[string]string{
			"embedded": string(raw),
			// Ray reads a log as text: each CR has become an LF.
			"ray": strings.ReplaceAll(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\r", "\n"),
		}
		for form, text := range forms {
			t.Run(name+"/"+form, func(t *testing.T) {
				t.Parallel()
				f := newFeed()
				p := open(t, f, job(rayapi.StatusRunning), 80, 30)
				f.print(t, text)
				p.until("the log", func(m Model) bool { return m.news.Size == int64(len(text)) && m.news.Exact() })
				p.keys("g")
				tuitest.Golden(t, p.m.View()+"\n")
			})
		}
	}
}

func TestBarKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b string // two states of one bar, or, with different set, of two
		bar  bool
		same bool
	}{
		{"epoch 0:  64%|██████▍   | 400/625 [10:12<05:44,  1.53s/it]", "epoch 0:   1%|          | 4/625 [00:12<25:44,  1.53s/it]", true, true},
		{"epoch 0:  64%|######4   | 400/625", "epoch 1:  64%|######4   | 400/625", true, false},
		{"loss 0.123:  64%|######4   | 4/6", "loss 1.5e-3:  80%|######4   | 5/6", true, true},
		{"(train pid=7) 12it [00:01, 99.3it/s]", "(train pid=7) 13it [00:02, 98.3it/s]", true, true},
		{"(train pid=7) 12it [00:01, 99.3it/s]", "(train pid=8) 12it [00:01, 99.3it/s]", true, false},
		{"Working ━━━━━━╸━━━━  12% 0:00:01", "Working ━━━━━━━━━━━  99% 0:00:00", true, true},
		{"Receiving objects:  42% (421/1000), 1.2 MiB", "Receiving objects: 100% (1000/1000), 3 MiB", true, true},
		{"313/1875 [===>..........] - ETA: 4s - loss: 0.3", "400/1875 [====>.........] - ETA: 3s - loss: 0.2", true, true},
		{"file.bin  42%[====>      ] 1.2M", "file.bin  43%[=====>     ] 1.3M", true, true},
		{"Progress: [ 42%] [####......]", "Progress: [ 43%] [#####.....]", true, true},
		{"Reading package lists... 12%", "Reading package lists... 99%", true, true},
		{"0% [Working]", "12% [1 InRelease 3 B/4 kB 2%]", true, true},
		{"accuracy 93%", "accuracy 94%", false, false},
		{"[2026-11-23] 5 of 6 done", "[ERROR] 100 %", false, false},
		{"== [ok] 5 ==", "a list [1, 2, 3]", false, false},
		{"", " ", false, false},
	}
	for _, tt := range tests {
		a, okA := barKey(nil, []byte(tt.a))
		b, okB := barKey(nil, []byte(tt.b))
		if okA != tt.bar || okB != tt.bar || okA && (string(a) == string(b)) != tt.same {
			t.Errorf("%q: %q, %v\n%q: %q, %v", tt.a, a, okA, tt.b, b, okB)
		}
	}
}
