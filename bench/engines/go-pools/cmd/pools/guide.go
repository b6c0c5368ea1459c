package main

import (
	"context"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"example.org/millstream/bench/go-pools/internal/work"
)

// fixed has the shape of the guide's pool: a queue of two jobs a worker, an error a job on a second channel, and a way out
// by a context at each step. The guide reads the errors after the end, which stands still with more jobs than fit; here they
// are read as they come.
type fixed struct {
	ctx    context.Context
	cancel context.CancelFunc
	jobs   chan func() error
	ends   chan error
	alive  sync.WaitGroup
}

func newFixed(workers int) *fixed {
	ctx, cancel := context.WithCancel(context.Background())
	pool := &fixed{ctx: ctx, cancel: cancel, jobs: make(chan func() error, 2*workers), ends: make(chan error, 2*workers)}
	for range workers {
		pool.alive.Go(pool.work)
	}
	return pool
}

func (pool *fixed) work() {
	for {
		select {
		case <-pool.ctx.Done():
			return
		case job, open := <-pool.jobs:
			if !open {
				return
			}
			select {
			case pool.ends <- job():
			case <-pool.ctx.Done():
				return
			}
		}
	}
}

func (pool *fixed) submit(job func() error) {
	select {
	case pool.jobs <- job:
	case <-pool.ctx.Done():
	}
}

func withGuide(n uint64, job work.Job) uint64 {
	pool := newFixed(work.Workers)
	results := make([]uint64, n)
	var read sync.WaitGroup
	read.Go(func() {
		for err := range pool.ends {
			if err != nil {
				panic(err)
			}
		}
	})
	for i := range n {
		pool.submit(func() error {
			results[i] = job(i)
			return nil
		})
	}
	close(pool.jobs)
	pool.alive.Wait()
	close(pool.ends)
	read.Wait()
	pool.cancel()
	return work.Sum(results)
}

// elastic has the shape of the guide's pool that grows: somebody looks every two seconds and starts workers if more than two
// jobs a worker wait; a worker above the least leaves when it had nothing for ten seconds.
type elastic struct {
	least, most int32
	workers     atomic.Int32
	jobs        chan func()
	done        chan struct{}
}

func newElastic(least, most int32) *elastic {
	pool := &elastic{least: least, most: most, jobs: make(chan func(), 2*most), done: make(chan struct{})}
	for range least {
		pool.start()
	}
	go pool.watch()
	return pool
}

func (pool *elastic) start() {
	pool.workers.Add(1)
	go func() {
		defer pool.workers.Add(-1)
		for idle := 0; ; {
			select {
			case job := <-pool.jobs:
				idle = 0
				job()
			case <-time.After(time.Second):
				if idle++; idle >= 10 && pool.workers.Load() > pool.least {
					return
				}
			case <-pool.done:
				return
			}
		}
	}()
}

func (pool *elastic) watch() {
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-pool.done:
			return
		case <-ticker.C:
			waiting, workers := int32(len(pool.jobs)), pool.workers.Load()
			if waiting > 2*workers {
				for range min(waiting/2-workers, pool.most-workers) {
					pool.start()
				}
			}
		}
	}
}

const (
	burstJobs  = 64
	burstJob   = 5 * time.Millisecond
	burstPause = 20 * time.Millisecond
)

// bursts sends n bursts to one pool and returns milliseconds a burst without the pauses.
func bursts(n uint64) (float64, uint64) {
	pool := newElastic(1, 16)
	defer close(pool.done)
	var busy time.Duration
	var answer atomic.Uint64
	for range n {
		time.Sleep(burstPause)
		start := time.Now()
		var ended sync.WaitGroup
		ended.Add(burstJobs)
		for range burstJobs {
			pool.jobs <- func() {
				time.Sleep(burstJob)
				answer.Add(1)
				ended.Done()
			}
		}
		ended.Wait()
		busy += time.Since(start)
	}
	return float64(busy.Nanoseconds()) / 1e6 / float64(n), answer.Load()
}

// reactions starts n pools, each with a burst that begins a while after the last look, a different while each time, and goes
// on until a second job runs beside the first. It returns the median in milliseconds, and 64 for each burst, as the others.
func reactions(n uint64) (float64, uint64) {
	times := make([]float64, n)
	var answer uint64
	for i := range n {
		pool := newElastic(1, 16)
		time.Sleep(2 * time.Second * time.Duration(i) / time.Duration(n))
		var running atomic.Int32
		second := make(chan time.Time, 1)
		job := func() {
			if running.Add(1) == 2 {
				select {
				case second <- time.Now():
				default:
				}
			}
			time.Sleep(burstJob)
			running.Add(-1)
		}
		start := time.Now()
		for started := true; started; {
			select {
			case pool.jobs <- job:
			case at := <-second:
				times[i] = float64(at.Sub(start).Nanoseconds()) / 1e6
				started = false
			}
		}
		answer += burstJobs
		close(pool.done)
	}
	sort.Float64s(times)
	return times[len(times)/2], answer
}
