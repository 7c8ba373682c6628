package table_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"dray/tui/widget/table"
)

type names []string

func (n names) Len() int        { return len(n) }
func (n names) ID(i int) string { return n[i] }

func TestModel_windowStandsStill(t *testing.T) {
	t.Parallel()
	m := table.Model{}.Resize(3).Refresh(names{"a", "b", "c", "d", "e"}).Move(3)
	if from, to := m.Window(); from != 1 || to != 4 || m.ID() != "d" {
		t.Fatalf("window %d-%d, cursor %q", from, to, m.ID())
	}
	m = m.Refresh(names{"new", "a", "b", "d", "c", "e"})
	if from, _ := m.Window(); from != 1 || m.ID() != "d" {
		t.Errorf("after a refresh the window starts at %d, cursor %q", from, m.ID())
	}
}

func TestModel_scrollMovesTheCursorOnlyAtTheEdge(t *testing.T) {
	t.Parallel()
	m := table.Model{}.Resize(3).Refresh(names{"a", "b", "c", "d", "e"}).Move(1)
	if m = m.Scroll(1); m.ID() != "b" {
		t.Errorf("a row that can still be seen lost the cursor to %q", m.ID())
	}
	if m = m.Scroll(9); m.ID() != "c" {
		t.Errorf("at the end the cursor is at %q, want the first visible row", m.ID())
	}
}

func TestModel_emptyForAMoment(t *testing.T) {
	t.Parallel()
	m := table.Model{}.Resize(3).Refresh(names{"a", "b", "c"}).Last()
	m = m.Refresh(names{})
	if m.ID() != "" || m.Cursor() != -1 {
		t.Errorf("without rows the cursor is at %d, %q", m.Cursor(), m.ID())
	}
	if m = m.Refresh(names{"c", "a"}); m.ID() != "c" {
		t.Errorf("the cursor came back at %q", m.ID())
	}
}

// Whatever happens, the cursor is on a row, the row can be seen, the window
// is full, and a refresh leaves the cursor on its name.
func TestModel_property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := table.Model{}.Resize(rapid.IntRange(1, 8).Draw(rt, "height"))
		for range 20 {
			switch rapid.IntRange(0, 7).Draw(rt, "what") {
			case 7:
				m = m.Scroll(rapid.IntRange(-9, 9).Draw(rt, "wheel"))
			case 0:
				rows := names(rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]`), 0, 20, rapid.ID[string]).Draw(rt, "rows"))
				before := m.ID()
				m = m.Refresh(rows)
				if slices.Contains(rows, before) && m.ID() != before {
					rt.Fatalf("a refresh moved the cursor from %q to %q", before, m.ID())
				}
			case 1:
				m = m.Move(rapid.IntRange(-30, 30).Draw(rt, "by"))
			case 2:
				m = m.Page(rapid.SampledFrom([]int{-2, -1, 0, 1, 2}).Draw(rt, "part"))
			case 3:
				m = m.Resize(rapid.IntRange(1, 12).Draw(rt, "new height"))
			case 4:
				m = m.First()
			case 5:
				m = m.Last()
			case 6:
				m, _ = m.Select(rapid.StringMatching(`[a-z]`).Draw(rt, "name"))
			}
			from, to := m.Window()
			if m.Len() == 0 {
				continue
			}
			if c := m.Cursor(); c < from || c >= to || to > m.Len() || from < 0 {
				rt.Fatalf("cursor %d, window %d-%d of %d", c, from, to, m.Len())
			}
		}
	})
}
