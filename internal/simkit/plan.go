package simkit

// AnyEndpoint makes Fail apply to every request.
const AnyEndpoint = "*"

// plan is which requests are to fail, and how.
type plan[F any] struct {
	faults map[string][]*fault[F]
	flush  int           // counts Fail calls: held polls end so that the next one meets the failure
	healed chan struct{} // closed and replaced by Heal
}

type fault[F any] struct {
	failure F
	left    int // negative: until Heal
}

func newPlan[F any]() plan[F] {
	return plan[F]{faults: map[string][]*fault[F]{}, healed: make(chan struct{})}
}

// Fate is what a request meets.
type Fate[F any] struct {
	Failure F // the zero value: none
	healed  <-chan struct{}
	flush   int
}

// Fail makes the next times requests to an endpoint, or to AnyEndpoint, fail; times
// < 0: all until Heal. Several of one endpoint come in the order they were asked
// for. Held polls return at once.
func (s *Stage[F]) Fail(endpoint string, f F, times int) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if times == 0 {
		return
	}
	s.plan.faults[endpoint] = append(s.plan.faults[endpoint], &fault[F]{f, times})
	s.plan.flush++
	s.News.Ring()
}

// Heal ends all failures and resets what hangs.
func (s *Stage[F]) Heal() {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	clear(s.plan.faults)
	close(s.plan.healed)
	s.plan.healed = make(chan struct{})
}

// Meet returns what a request to an endpoint meets. The lock is held.
func (s *Stage[F]) Meet(endpoint string) Fate[F] {
	f := Fate[F]{healed: s.plan.healed, flush: s.plan.flush}
	for _, name := range []string{endpoint, AnyEndpoint} {
		queue := s.plan.faults[name]
		if len(queue) == 0 {
			continue
		}
		next := queue[0]
		if next.left > 0 {
			next.left--
		}
		if next.left == 0 {
			s.plan.faults[name] = queue[1:]
		}
		f.Failure = next.failure
		return f
	}
	return f
}
