//! The lines themselves: levels in real proportions, messages with numbers that differ from line to
//! line.

use super::clock::Ticking;

/// Writes one record after the other.
#[derive(Debug)]
pub(super) struct Writer {
    clock: Ticking,
    random: u64,
}

/// A message: text, with `#` where an identifier goes, `~` a time or a size, `%` a small number and
/// `@` a byte.
type Message = &'static str;

const DEBUG: [Message; 4] = [
    "cache lookup for key session:# returned a hit after ~ us in shard %",
    "connection % returned to pool orders-db, % idle, % in use",
    "scheduler woke worker % with ~ tasks waiting in queue ingest",
    "parsed request body of ~ bytes with content type application/json in ~ us",
];
const INFO: [Message; 6] = [
    "GET /api/v2/orders/# status=200 bytes=~ duration_ms=~ user=u#",
    "POST /api/v2/carts/#/items status=201 bytes=~ duration_ms=~ user=u#",
    "order # accepted: % items, total # cents, customer u#",
    "message # from topic payments committed at offset # by consumer %",
    "user u# logged in from 10.@.17.@ with session # (password)",
    "job # finished: # rows read, ~ rows written",
];
const WARN: [Message; 3] = [
    "slow query on orders-db: ~ ms for plan #, threshold 500 ms",
    "retry after ~ ms for request # to http://inventory.internal:8080/stock",
    "queue ingest is % percent full, # messages waiting",
];
const ERROR: [Message; 4] = [
    "request # failed: upstream inventory timed out after ~ ms, giving up on order #",
    "could not charge order #: card processor answered status=502 after ~ ms",
    "deadlock detected on orders-db while updating row #, transaction # rolled back",
    "unhandled exception in worker % while processing message #",
];
const TRACE: [Message; 5] = [
    "java.lang.IllegalStateException: order # is already closed",
    "    at com.example.orders.OrderService.close(OrderService.java:~)",
    "    at com.example.orders.OrderController.handle(OrderController.java:~)",
    "    at com.example.http.Worker.run(Worker.java:~)",
    "Caused by: java.sql.SQLException: row # was changed by another transaction",
];
const LEVELS: [&str; 4] = ["DEBUG", "INFO", "WARN", "ERROR"];
const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "curl/8.9.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
];
/// How many errors in a hundred are followed by a stack trace.
const TRACED: u64 = 2;

impl Writer {
    /// Starts on a Monday morning, with the same numbers each time.
    pub(super) fn new() -> Self {
        Writer { clock: Ticking::at(1_772_438_400), random: 0x9E37_79B9_7F4A_7C15 }
    }

    /// `LEVEL timestamp message`, with now and then a stack trace, as far as `lines` allow. Returns
    /// the lines written.
    pub(super) fn plain(&mut self, out: &mut Vec<u8>, lines: usize) -> usize {
        let level = self.level();
        out.extend_from_slice(LEVELS[level].as_bytes());
        out.push(b' ');
        self.time(out);
        out.push(b' ');
        self.service(out);
        let message = self.message(level);
        self.fill(out, message);
        out.push(b'\n');
        if level < 3 || lines <= TRACE.len() || self.below(100) >= TRACED {
            return 1;
        }
        for line in TRACE {
            self.fill(out, line);
            out.push(b'\n');
        }
        1 + TRACE.len()
    }

    /// An object with time, level, message and three fields. Returns the lines written: one.
    pub(super) fn json(&mut self, out: &mut Vec<u8>) -> usize {
        let level = self.level();
        out.extend_from_slice(b"{\"ts\":\"");
        self.time(out);
        out.extend_from_slice(b"\",\"level\":\"");
        out.extend(LEVELS[level].bytes().map(|byte| byte.to_ascii_lowercase()));
        out.extend_from_slice(b"\",\"msg\":\"");
        let message = self.message(level);
        self.fill(out, message);
        self.fill(out, "\",\"host\":\"web-%\",\"status\":");
        out.extend_from_slice([b"200", b"201", b"301", b"502"][level]);
        self.fill(out, ",\"latency_ms\":~}\n");
        1
    }

    /// An access log's line, with 5 in 100 answered by 502. Returns the lines written: one.
    pub(super) fn combined(&mut self, out: &mut Vec<u8>) -> usize {
        let level = self.level();
        self.clock_step();
        self.fill(out, "10.4.@.@ - - [");
        out.extend_from_slice(self.clock.access.as_bytes());
        self.fill(out, "] \"GET /api/v2/orders/# HTTP/1.1\" ");
        out.extend_from_slice([b"200", b"200", b"404", b"502"][level]);
        self.fill(out, " ~ \"https://shop.example.com/orders/#\" \"");
        out.extend_from_slice(AGENTS[self.below(AGENTS.len() as u64) as usize].as_bytes());
        out.extend_from_slice(b"\"\n");
        1
    }

    /// In a hundred records 15 DEBUG, 70 INFO, 10 WARN and 5 ERROR.
    fn level(&mut self) -> usize {
        match self.below(100) {
            0..15 => 0,
            15..85 => 1,
            85..95 => 2,
            _ => 3,
        }
    }

    fn message(&mut self, level: usize) -> Message {
        let choices: &[Message] = [&DEBUG[..], &INFO, &WARN, &ERROR][level];
        choices[self.below(choices.len() as u64) as usize]
    }

    fn time(&mut self, out: &mut Vec<u8>) {
        self.clock_step();
        out.extend_from_slice(self.clock.iso.as_bytes());
        out.push(b'.');
        out.extend_from_slice(&self.clock.millis());
        out.push(b'Z');
    }

    fn clock_step(&mut self) {
        let step = self.below(4);
        self.clock.advance(step);
    }

    fn service(&mut self, out: &mut Vec<u8>) {
        self.fill(out, "[shop-%] ");
    }

    /// A message with a number at each mark.
    fn fill(&mut self, out: &mut Vec<u8>, message: Message) {
        let mut rest = message.as_bytes();
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'#' | b'~' | b'%' | b'@'))
        {
            out.extend_from_slice(&rest[..at]);
            let number = match rest[at] {
                b'#' => self.below(1_000_000),
                b'%' => self.below(100),
                b'@' => self.below(256),
                // Times and sizes: most are small, a few large.
                _ => {
                    let bits = 3 + self.below(9);
                    1 + self.below(1 << bits)
                }
            };
            decimal(out, number);
            rest = &rest[at + 1..];
        }
        out.extend_from_slice(rest);
    }

    /// A number below the bound (xorshift; good enough for a log, and the same on every machine).
    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        ((u128::from(self.random) * u128::from(bound)) >> 64) as u64
    }
}

/// Writes a number's digits.
fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
