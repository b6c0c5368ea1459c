"""Visits a whole site with scrapy and prints how long it took and how many pages it saw. It stores nothing.

crawl.py URL PARALLELISM
"""

import sys
import time
from urllib.parse import urlsplit

import scrapy
from scrapy.crawler import CrawlerProcess


class Site(scrapy.Spider):
    """Follows every link of one host, and reads each page's title."""

    name = "site"

    def __init__(self, url):
        super().__init__()
        self.start_urls = [url]
        self.allowed_domains = [urlsplit(url).hostname]
        self.pages = 0
        self.titles = 0

    def parse(self, response):
        self.pages += 1
        self.titles += response.css("title::text").get() is not None
        yield from response.follow_all(css="a")


def main():
    url, parallelism = sys.argv[1], int(sys.argv[2])
    process = CrawlerProcess(
        {
            "CONCURRENT_REQUESTS": parallelism,
            "CONCURRENT_REQUESTS_PER_DOMAIN": parallelism,
            "DOWNLOAD_DELAY": 0,
            "ROBOTSTXT_OBEY": True,
            "LOG_LEVEL": "ERROR",
            "TELNETCONSOLE_ENABLED": False,
        }
    )
    crawler = process.create_crawler(Site)
    start = time.monotonic()
    process.crawl(crawler, url=url)
    process.start()
    seconds = time.monotonic() - start
    if crawler.spider.pages != crawler.spider.titles:
        sys.exit(f"{crawler.spider.pages} pages, but {crawler.spider.titles} titles")
    print(f"{seconds:.6f} {crawler.spider.pages}")


main()
