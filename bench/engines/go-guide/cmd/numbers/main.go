// Numbers renders the guide's first pipeline (numbers, squares, only the even ones, collected), whose channels have no
// buffer, the same work as a loop, and three bare hops between goroutines. It speaks the engines' protocol.
package main

import (
	"fmt"
	"log"
	"os"
	"sort"
	"strconv"
	"time"
)

func generate(n uint64) <-chan uint64 {
	out := make(chan uint64)
	go func() {
		defer close(out)
		for i := uint64(1); i <= n; i++ {
			out <- i
		}
	}()
	return out
}

func square(in <-chan uint64) <-chan uint64 {
	out := make(chan uint64)
	go func() {
		defer close(out)
		for n := range in {
			out <- n * n
		}
	}()
	return out
}

func even(in <-chan uint64) <-chan uint64 {
	out := make(chan uint64)
	go func() {
		defer close(out)
		for n := range in {
			if n%2 == 0 {
				out <- n
			}
		}
	}()
	return out
}

func hop(in <-chan uint64, buffer int) <-chan uint64 {
	out := make(chan uint64, buffer)
	go func() {
		defer close(out)
		for n := range in {
			out <- n
		}
	}()
	return out
}

func sum(numbers []uint64) (total uint64) {
	for _, n := range numbers {
		total += n
	}
	return total
}

// pipeline and loop both collect into a slice, as the guide does, and return the sum as the answer.
func pipeline(n uint64) uint64 {
	var found []uint64
	for n := range even(square(generate(n))) {
		found = append(found, n)
	}
	return sum(found)
}

func loop(n uint64) uint64 {
	var found []uint64
	for i := uint64(1); i <= n; i++ {
		if s := i * i; s%2 == 0 {
			found = append(found, s)
		}
	}
	return sum(found)
}

func hops(n uint64) (total uint64) {
	first := make(chan uint64, 1024)
	go func() {
		defer close(first)
		for i := uint64(1); i <= n; i++ {
			first <- i
		}
	}()
	for n := range hop(hop(first, 1024), 1024) {
		total += n
	}
	return total
}

// latency sends one item at a time through three goroutines and waits for it, four waits; the answer is the sum of what
// arrived. The pause lets every goroutine fall asleep.
func latency(n uint64, pause time.Duration) (p50 float64, total uint64) {
	first := make(chan uint64, 1024)
	last := hop(hop(hop(first, 1024), 1024), 1024)
	times := make([]float64, 0, n)
	for i := uint64(0); i < n; i++ {
		if pause > 0 {
			time.Sleep(pause)
		}
		start := time.Now()
		first <- i
		total += <-last
		times = append(times, float64(time.Since(start).Nanoseconds()))
	}
	close(first)
	sort.Float64s(times)
	return times[len(times)/2], total
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: numbers WORKLOAD N")
	}
	n, err := strconv.ParseUint(os.Args[2], 10, 64)
	if err != nil || n == 0 {
		log.Fatal("N: expected a number above zero")
	}
	if pause, known := map[string]time.Duration{"latency": 300 * time.Microsecond, "latency-busy": 0}[os.Args[1]]; known {
		p50, answer := latency(n, pause)
		fmt.Printf("%.2f %d\n", p50, answer)
		return
	}
	work, known := map[string]func(uint64) uint64{"numbers": pipeline, "loop": loop, "hops": hops}[os.Args[1]]
	if !known {
		log.Fatalf("no workload %s", os.Args[1])
	}
	var answer uint64
	times := make([]float64, 0, 5)
	for len(times) < 5 {
		start := time.Now()
		answer = work(n)
		times = append(times, float64(time.Since(start).Nanoseconds())/float64(n))
	}
	sort.Float64s(times)
	fmt.Printf("%.2f %d\n", times[2], answer)
}
