package main

import (
	"sync"
	"time"

	"example.org/millstream/bench/go-pools/internal/work"
	"github.com/alitto/pond/v2"
	"github.com/panjf2000/ants/v2"
	concpool "github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// ants hands no results back: each job writes to a place of its own.
func withAnts(n uint64, job work.Job) uint64 {
	pool := must(ants.NewPool(work.Workers))
	defer pool.Release()
	results := make([]uint64, n)
	var ended sync.WaitGroup
	ended.Add(int(n))
	for i := range n {
		err := pool.Submit(func() {
			results[i] = job(i)
			ended.Done()
		})
		if err != nil {
			panic(err)
		}
	}
	ended.Wait()
	return work.Sum(results)
}

// pond has what millstream has: a handle with a typed result and an error for each job.
func withPond(n uint64, job work.Job) (sum uint64) {
	pool := pond.NewResultPool[uint64](work.Workers)
	defer pool.StopAndWait()
	tasks := make([]pond.Result[uint64], n)
	for i := range n {
		tasks[i] = pool.Submit(func() uint64 { return job(i) })
	}
	for _, task := range tasks {
		sum += must(task.Wait())
	}
	return sum
}

// pond's fastest way: no handle, a queue of a thousand.
func withPondGo(n uint64, job work.Job) uint64 {
	pool := pond.NewPool(work.Workers, pond.WithQueueSize(1_000))
	results := make([]uint64, n)
	for i := range n {
		if err := pool.Go(func() { results[i] = job(i) }); err != nil {
			panic(err)
		}
	}
	pool.StopAndWait()
	return work.Sum(results)
}

func withConc(n uint64, job work.Job) uint64 {
	pool := concpool.New().WithMaxGoroutines(work.Workers)
	results := make([]uint64, n)
	for i := range n {
		pool.Go(func() { results[i] = job(i) })
	}
	pool.Wait()
	return work.Sum(results)
}

func withErrgroup(n uint64, job work.Job) uint64 {
	var group errgroup.Group
	group.SetLimit(work.Workers)
	results := make([]uint64, n)
	for i := range n {
		group.Go(func() error {
			results[i] = job(i)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		panic(err)
	}
	return work.Sum(results)
}

// sleepsWithAnts is its own benchmark's load: many jobs that sleep.
func sleepsWithAnts(n uint64) uint64 {
	pool := must(ants.NewPool(work.AtOnce))
	defer pool.Release()
	results := make([]uint64, n)
	var ended sync.WaitGroup
	ended.Add(int(n))
	for i := range n {
		err := pool.Submit(func() {
			time.Sleep(work.Sleep)
			results[i] = i
			ended.Done()
		})
		if err != nil {
			panic(err)
		}
	}
	ended.Wait()
	return work.Sum(results)
}
