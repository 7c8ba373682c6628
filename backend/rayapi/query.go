package rayapi

// JobQuery says which jobs a list shows, the newest first. The zero value asks
// for all of them, as Ray's list does.
type JobQuery struct {
	// Limit is how many at most; 0: no limit.
	Limit int
	// After is where the list goes on: behind the job with this submission id,
	// or behind the cursor that an earlier list ended with. "" is the start.
	After string
	// Statuses are those that are shown; empty: all.
	Statuses []Status
	// Text is in the id, the entrypoint, or a key or value of the metadata. The
	// case of ASCII letters does not count. "" is in all.
	Text string
}

// NodeState is the machine that jobs run on.
type NodeState struct {
	ID    string             // 56 hex digits
	Total map[string]float64 // logical resources by Ray's names; memory in bytes
	Used  map[string]float64 // what jobs hold of them
	// Demands are what jobs wait for, those that ask for the same together.
	Demands []Demand
}

// Demand is how many jobs wait for resources.
type Demand struct {
	Resources map[string]float64
	Jobs      int
}

// JobCounts is how many jobs there are.
type JobCounts struct {
	ByStatus map[Status]int
	Queued   int // of those PENDING: wait for their turn
}

// InvalidError returns an error that is ErrInvalid and has this text alone.
func InvalidError(text string) error { return &invalidError{text: text} }
