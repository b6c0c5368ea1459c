module example.org/millstream/bench/go-guide

go 1.22
