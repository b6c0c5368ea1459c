// Package work holds the jobs, which are the same as the engines' in Rust.
package work

import "time"

// Workers of each pool.
const Workers = 2

// Sleep is how long a job of the workload "sleeps" sleeps, and AtOnce how many do at a time.
const (
	Sleep  = 10 * time.Millisecond
	AtOnce = 50_000
)

// Job is what a pool runs: it is given its number.
type Job func(n uint64) uint64

// Empty does nothing.
func Empty(n uint64) uint64 { return n }

// Spin is arithmetic of about 13 microseconds.
func Spin(n uint64) uint64 {
	for range 80 * 120 {
		n ^= n >> 33
		n *= 0xff51_afd7_ed55_8ccd
	}
	return n
}

// Sum adds up the places into which jobs wrote their results.
func Sum(results []uint64) (sum uint64) {
	for _, n := range results {
		sum += n
	}
	return sum
}
