// Logloop does the work of logpipeline in one loop, with the same parser, the same batches and the same output: what
// the guide compares its pipeline with. It prints how many entries it stored.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"

	"example.org/millstream/bench/go-guide/internal/guide"
)

func run(path string, store *guide.Store) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	batch := make([]guide.Entry, 0, guide.Batch)
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		entry, ok := guide.Parse(scanner.Text())
		if !ok || entry.Level != "ERROR" {
			continue
		}
		batch = append(batch, entry)
		if len(batch) == guide.Batch {
			if err := store.Save(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := scanner.Err(); err != nil {
		return err
	}
	return store.Save(batch)
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: logloop LOG OUT")
	}
	store, err := guide.NewStore(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	if err := run(os.Args[1], store); err != nil {
		log.Fatal(err)
	}
	if err := store.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(store.Stored)
}
