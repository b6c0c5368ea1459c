// Crawl visits a whole site with colly, 64 requests at a time, and prints how many pages it saw. It stores nothing.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gocolly/colly/v2"
)

// collector is set up as colly's documentation does it for many pages of one site at a time.
func collector(parallelism int) (*colly.Collector, error) {
	c := colly.NewCollector(colly.Async(true))
	// Go's client keeps two idle connections a host by default and opens the others again.
	c.WithTransport(&http.Transport{
		MaxIdleConns:        parallelism,
		MaxIdleConnsPerHost: parallelism,
		IdleConnTimeout:     time.Minute,
	})
	c.IgnoreRobotsTxt = false
	return c, c.Limit(&colly.LimitRule{DomainGlob: "*", Parallelism: parallelism})
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: crawl URL PARALLELISM")
	}
	parallelism, err := strconv.Atoi(os.Args[2])
	if err != nil || parallelism < 1 {
		log.Fatal("PARALLELISM: expected a number above zero")
	}
	c, err := collector(parallelism)
	if err != nil {
		log.Fatal(err)
	}
	var pages, titles, failed atomic.Uint64
	c.OnHTML("a[href]", func(e *colly.HTMLElement) {
		// What was visited already is an error here, and no problem.
		_ = e.Request.Visit(e.Attr("href"))
	})
	c.OnHTML("title", func(e *colly.HTMLElement) {
		if e.Text != "" {
			titles.Add(1)
		}
	})
	c.OnResponse(func(*colly.Response) { pages.Add(1) })
	c.OnError(func(*colly.Response, error) { failed.Add(1) })
	start := time.Now()
	if err := c.Visit(os.Args[1]); err != nil {
		log.Fatal(err)
	}
	c.Wait()
	if failed.Load() > 0 || titles.Load() == 0 {
		log.Fatalf("%d pages failed, %d had titles", failed.Load(), titles.Load())
	}
	fmt.Printf("%.6f %d\n", time.Since(start).Seconds(), pages.Load())
}
