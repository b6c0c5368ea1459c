// Pools gives jobs to Go's pools, one at a time, two workers each; it speaks the engines' protocol.
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"example.org/millstream/bench/go-pools/internal/work"
)

// pool runs jobs 0 to n-1 and returns the sum of their results.
type pool func(n uint64, job work.Job) uint64

var pools = map[string]pool{
	"ants": withAnts, "pond": withPond, "pond-go": withPondGo, "conc": withConc, "errgroup": withErrgroup,
	"goroutines": withGoroutines, "channel": withChannel, "guide": withGuide,
}

// once does the work once, after a tenth of it, and returns nanoseconds a job and the answer.
func once(n uint64, run func(n uint64) uint64) (float64, uint64) {
	run((n + 9) / 10)
	start := time.Now()
	answer := run(n)
	return float64(time.Since(start).Nanoseconds()) / float64(n), answer
}

func measure(workload, name string, n uint64) (float64, uint64, bool) {
	run, known := pools[name]
	switch {
	case workload == "empty" && known:
		ns, answer := once(n, func(n uint64) uint64 { return run(n, work.Empty) })
		return ns, answer, true
	case workload == "spin" && known:
		ns, answer := once(n, func(n uint64) uint64 { return run(n, work.Spin) })
		return ns, answer, true
	case workload == "sleeps" && name == "ants":
		ns, answer := once(n, sleepsWithAnts)
		return ns, answer, true
	case workload == "burst" && name == "guide":
		ms, answer := bursts(n)
		return ms, answer, true
	case workload == "reaction" && name == "guide":
		ms, answer := reactions(n)
		return ms, answer, true
	}
	return 0, 0, false
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: pools WORKLOAD POOL N")
	}
	n, err := strconv.ParseUint(os.Args[3], 10, 64)
	if err != nil || n == 0 {
		log.Fatal("N: expected a number above zero")
	}
	time, answer, known := measure(os.Args[1], os.Args[2], n)
	if !known {
		log.Fatalf("no workload %s for %s", os.Args[1], os.Args[2])
	}
	fmt.Printf("%.3f %d\n", time, answer)
}
