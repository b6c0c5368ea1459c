// Logpipeline renders the guide's log pipeline: a goroutine a stage, channels of 100, one line or entry a send, a
// select with the context's end at each send, batches of 100 or of a second. It prints how many entries it stored.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"example.org/millstream/bench/go-guide/internal/guide"
)

func read(ctx context.Context, path string) <-chan string {
	lines := make(chan string, guide.Buffer)
	go func() {
		defer close(lines)
		file, err := os.Open(path)
		if err != nil {
			log.Fatal(err)
		}
		defer file.Close()
		scanner := bufio.NewScanner(file)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
		if err := scanner.Err(); err != nil {
			log.Fatal(err)
		}
	}()
	return lines
}

func parse(ctx context.Context, lines <-chan string) <-chan guide.Entry {
	entries := make(chan guide.Entry, guide.Buffer)
	go func() {
		defer close(entries)
		for line := range lines {
			entry, ok := guide.Parse(line)
			if !ok {
				continue
			}
			select {
			case entries <- entry:
			case <-ctx.Done():
				return
			}
		}
	}()
	return entries
}

func onlyErrors(ctx context.Context, entries <-chan guide.Entry) <-chan guide.Entry {
	kept := make(chan guide.Entry, guide.Buffer)
	go func() {
		defer close(kept)
		for entry := range entries {
			if entry.Level != "ERROR" {
				continue
			}
			select {
			case kept <- entry:
			case <-ctx.Done():
				return
			}
		}
	}()
	return kept
}

func save(ctx context.Context, entries <-chan guide.Entry, store *guide.Store) error {
	batch := make([]guide.Entry, 0, guide.Batch)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	flush := func() error {
		err := store.Save(batch)
		batch = batch[:0]
		return err
	}
	for {
		select {
		case entry, open := <-entries:
			if !open {
				return flush()
			}
			batch = append(batch, entry)
			if len(batch) == guide.Batch {
				if err := flush(); err != nil {
					return err
				}
			}
		case <-ticker.C:
			if err := flush(); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: logpipeline LOG OUT")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	store, err := guide.NewStore(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	if err := save(ctx, onlyErrors(ctx, parse(ctx, read(ctx, os.Args[1]))), store); err != nil {
		log.Fatal(err)
	}
	if err := store.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(store.Stored)
}
