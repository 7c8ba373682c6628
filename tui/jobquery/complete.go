package jobquery

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"dray/backend/rayapi"
	"dray/tui/widget/jobtext"
)

// maxLook is how many jobs are asked for values that a completion can offer.
const maxLook = 2000

// maxOffers is how many ways to go on are offered.
const maxOffers = 20

// Complete returns how the last word of text can go on: whole words to put in
// its place. The values of fields are those of jobs.
func Complete(text string, jobs []rayapi.Job) (word string, offers []string) {
	word = text[strings.LastIndexByte(text, ' ')+1:]
	bare := strings.TrimPrefix(word, "!")
	not := word[:len(word)-len(bare)]
	if bare == "" {
		return word, nil
	}
	low := strings.ToLower(bare)
	add := func(s string) {
		if strings.HasPrefix(strings.ToLower(s), low) && len(s) > len(bare) && len(offers) < maxOffers {
			offers = append(offers, not+s)
		}
	}
	name, value, isField := strings.Cut(bare, ":")
	if !isField {
		add("mine")
		for _, f := range fieldNames() {
			add(fieldStart(f))
		}
		if strings.HasPrefix(low, "meta.") {
			for _, k := range metaKeys(jobs) {
				add("meta." + k + ":")
			}
		}
		return word, offers
	}
	// In a list of values, the last one is being typed.
	done := value[:strings.LastIndexByte(value, ',')+1]
	for _, v := range values(strings.ToLower(name), jobs) {
		if strings.ContainsRune(v, ' ') {
			continue
		}
		add(name + ":" + done + v)
	}
	return word, offers
}

func values(name string, jobs []rayapi.Job) []string {
	switch name {
	case "status", "state":
		return statusWords()
	case "type":
		return []string{"submission", "driver"}
	}
	key, isMeta := strings.CutPrefix(name, "meta.")
	value := map[string]func(*rayapi.Job) string{
		"id": (*rayapi.Job).ID, "name": jobtext.Name, "user": jobtext.Owner, "owner": jobtext.Owner,
		"error": jobtext.ErrorShort, "exit": jobtext.ExitShort,
		"node": func(j *rayapi.Job) string {
			if j.DriverInfo == nil {
				return ""
			}
			return j.DriverInfo.NodeIPAddress
		},
	}[name]
	if isMeta {
		value = func(j *rayapi.Job) string {
			v := metaValues(j, key)
			if len(v) == 0 || jobtext.Secret(key, v[0]) {
				return ""
			}
			return v[0]
		}
	}
	if value == nil {
		return nil
	}
	counts := map[string]int{}
	for i := range jobs[:min(len(jobs), maxLook)] {
		if v := value(&jobs[i]); v != "" {
			counts[v]++
		}
	}
	return frequent(counts)
}

func metaKeys(jobs []rayapi.Job) []string {
	counts := map[string]int{}
	for i := range jobs[:min(len(jobs), maxLook)] {
		for k := range jobs[i].Metadata {
			counts[k]++
		}
	}
	return frequent(counts)
}

// frequent are the keys of counts, the most frequent first.
func frequent(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
}
