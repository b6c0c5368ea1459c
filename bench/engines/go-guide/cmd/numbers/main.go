// Numbers renders the guide's first pipeline (numbers, squares, only the even ones, collected), whose channels have no
// buffer, the same work as a loop, three bare hops between goroutines, and its fan. It speaks the engines' protocol.
package main

import (
	"fmt"
	"log"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
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

// fan is the guide's fan-out to workers that share a channel, and its fan-in of theirs into one: a goroutine and a hop
// more for each. The work is the peers' own.
func fan(n uint64, workers int, work func(uint64) uint64) (total uint64) {
	in := generate(n)
	out := make(chan uint64)
	var open sync.WaitGroup
	for range workers {
		worker := make(chan uint64)
		go func() {
			defer close(worker)
			for n := range in {
				worker <- work(n)
			}
		}()
		open.Add(1)
		go func() {
			defer open.Done()
			for n := range worker {
				out <- n
			}
		}()
	}
	go func() {
		open.Wait()
		close(out)
	}()
	for n := range out {
		total += n
	}
	return total
}

// microsecond is the protocol's work of about a microsecond.
func microsecond(x uint64) uint64 {
	for range 9 * 120 {
		x ^= x >> 33
		x *= 0xff51_afd7_ed55_8ccd
	}
	return x
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
	work, known := map[string]func(uint64) uint64{"numbers": pipeline, "loop": loop, "hops": hops,
		"fan":        func(n uint64) uint64 { return fan(n, 4, func(n uint64) uint64 { return n }) },
		"fan-costly": func(n uint64) uint64 { return fan(n, runtime.NumCPU(), microsecond) }}[os.Args[1]]
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
