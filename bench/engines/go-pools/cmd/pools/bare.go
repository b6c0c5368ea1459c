package main

import (
	"sync"

	"example.org/millstream/bench/go-pools/internal/work"
)

// withGoroutines has no bound: a goroutine a job.
func withGoroutines(n uint64, job work.Job) uint64 {
	results := make([]uint64, n)
	var ended sync.WaitGroup
	for i := range n {
		ended.Go(func() { results[i] = job(i) })
	}
	ended.Wait()
	return work.Sum(results)
}

// withChannel is the least that can be called a pool: workers that range over a channel of closures.
func withChannel(n uint64, job work.Job) uint64 {
	results := make([]uint64, n)
	jobs := make(chan func(), 100)
	var ended sync.WaitGroup
	for range work.Workers {
		ended.Go(func() {
			for job := range jobs {
				job()
			}
		})
	}
	for i := range n {
		jobs <- func() { results[i] = job(i) }
	}
	close(jobs)
	ended.Wait()
	return work.Sum(results)
}
