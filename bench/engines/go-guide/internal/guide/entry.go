// Package guide holds what the log programs share: an entry and how a line becomes one.
package guide

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"time"
)

// Buffer is the capacity of every channel, as in the guide.
const Buffer = 100

// Batch is how many entries are stored at once, as in the guide.
const Batch = 100

// Entry is one record.
type Entry struct {
	Timestamp time.Time
	Level     string
	Message   string
}

// Parse splits "LEVEL timestamp message"; the guide does not read the time, and takes the time of parsing.
func Parse(line string) (Entry, bool) {
	parts := strings.SplitN(line, " ", 3)
	if len(parts) != 3 {
		return Entry{}, false
	}
	return Entry{Timestamp: time.Now(), Level: parts[0], Message: parts[2]}, true
}

// Store writes entries as JSON lines, a batch at a time.
type Store struct {
	file    *os.File
	out     *bufio.Writer
	encoder *json.Encoder
	Stored  int
}

// NewStore creates the file.
func NewStore(path string) (*Store, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	out := bufio.NewWriterSize(file, 1<<16)
	return &Store{file: file, out: out, encoder: json.NewEncoder(out)}, nil
}

// Save writes a batch.
func (s *Store) Save(batch []Entry) error {
	for i := range batch {
		if err := s.encoder.Encode(&batch[i]); err != nil {
			return err
		}
	}
	s.Stored += len(batch)
	return nil
}

// Close writes what is buffered and closes the file.
func (s *Store) Close() error {
	if err := s.out.Flush(); err != nil {
		return err
	}
	return s.file.Close()
}
