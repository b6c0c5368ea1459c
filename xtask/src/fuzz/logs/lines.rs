//! Lines of many formats, each with a token, and what can be wrong with the bytes of a log.
//!
//! It knows what logs look like, and nothing of how they are read.

use crate::fuzz::random::Random;

/// A token is the letters `tok` and eight digits.
const TOKEN: usize = 11;

/// The tokens of a text.
pub(super) fn tokens(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_token =
        |word: &&[u8]| word.starts_with(b"tok") && word[3..].iter().all(u8::is_ascii_digit);
    text.windows(TOKEN).filter(is_token)
}

/// A log of up to some hundred lines.
pub(super) fn content(random: &mut Random) -> Vec<u8> {
    let count = random.length(300);
    let kind = random.below(KINDS);
    let mixed = random.one_in(3);
    let ends: &[&[u8]] = match random.below(4) {
        0 => &[b"\n", b"\r\n", b"\r", b"\n\n", b"\n\r"],
        1 => &[b"\r\n"],
        _ => &[b"\n"],
    };
    let mut content = Vec::new();
    for at in 0..count {
        let kind = if mixed || random.one_in(20) { random.below(KINDS) } else { kind };
        content.extend(line(random, kind, &format!("tok{at:08}")));
        content.extend(random.pick(ends));
    }
    match random.below(8) {
        0 => content.splice(0..0, *b"\xEF\xBB\xBF").for_each(drop),
        1 => content.splice(0..0, b"\n".repeat(random.within(1..=4))).for_each(drop),
        2 => {
            let long = format!("{} tok99999999\n", "long ".repeat(random.within(1..=30_000)));
            content.splice(0..0, long.into_bytes()).for_each(drop);
        }
        3 => content.truncate(content.len().saturating_sub(random.below(20))),
        _ => {}
    }
    content
}

const KINDS: usize = 10;

fn line(random: &mut Random, kind: usize, token: &str) -> Vec<u8> {
    let second = random.below(75);
    let time = format!("2024-01-15T10:{:02}:{second:02}Z", random.below(60));
    let level = random.pick(&["INFO", "error", "WARN", "DEBUG", "fatal", "E", "bogus", ""]);
    let text = text(random);
    let line = match kind {
        0 => return json(random, &time, level, token),
        1 => format!("time={time} level={level} msg=\"{token} {text}\" a={text} b=\"{text}"),
        2 => format!("time={time} level={level} msg=\"{token}\" n=1 empty= =x \"q\"=1"),
        3 => format!(
            "10.0.0.{second} - {level} [15/Jan/2024:10:00:{second:02} +0000] \"GET /{token} HTTP/1.1\" {} {second} \"-\" \"{text}\"",
            random.below(1_100)
        ),
        4 => format!("<{}>1 {time} host app {second} - - {token} {text}", random.below(300)),
        5 => format!("<34>Jan 15 10:00:{second:02} host app[1]: {token} {text}"),
        6 => format!(
            "2024-01-15 10:00:{second:02},123 [main] {level} com.example.Main - {token} {text}"
        ),
        7 => format!(
            "{level} {time} {token} {text}\n\tat com.example.A.b(A.java:{second})\nCaused by: x: {text}"
        ),
        8 => format!("\u{1b}[32m{level}\u{1b}[0m {time} {token} \u{1b}]0;title\u{7}{text}"),
        _ => format!("{token} {text}"),
    };
    line.into_bytes()
}

/// A text that parsers stumble over.
fn text(random: &mut Random) -> String {
    let words = [
        "one",
        "=",
        "\"",
        "\\",
        "'",
        "[",
        "]",
        "{",
        "}",
        "é",
        "\u{202e}",
        "\u{9b}31m",
        "\u{1b}[2J",
        "\u{7f}",
        "\t",
        "\\u0000",
        "%00",
        "99999999999999999999",
        "-",
        "null",
        "🦀",
        "e\u{301}",
        "<",
        ">",
        "&",
        " ",
    ];
    let count = random.length(12);
    (0..count).map(|_| random.pick(&words)).collect::<Vec<_>>().join(if random.one_in(2) {
        ""
    } else {
        " "
    })
}

/// A line of JSON, or of what nearly is.
fn json(random: &mut Random, time: &str, level: &str, token: &str) -> Vec<u8> {
    let value = match random.below(14) {
        0 => "\"\\ud83d\\ude00\"".to_owned(),
        1 => "\"\\ud83d\"".to_owned(),
        2 => "\"\\ude00\\ud83d\"".to_owned(),
        3 => nested(random, '[', ']'),
        4 => nested(random, '{', '}'),
        5 => format!("1{}", "0".repeat(random.length(400))),
        6 => random
            .pick(&[
                "-0",
                "1e999",
                "-1e-999",
                "0.1e+5",
                "18446744073709551616",
                "-9223372036854775809",
            ])
            .to_string(),
        7 => random.pick(&["01", "NaN", "+1", "1.", "tru", "'a'", "\"\\x\"", ""]).to_string(),
        8 => "\"\\u0000\\u001b[31m\\u009b\"".to_owned(),
        9 => "{\"a\":{\"a\":1,\"a\":2},\"a\":3}".to_owned(),
        10 => format!("\"{}\"", "x".repeat(random.length(70_000))),
        _ => random.below(1_000).to_string(),
    };
    let name =
        random.pick(&["n", "msg", "level", "time", "", "a b", "é", "x.y", "\\u006dsg", "$", "tok"]);
    let mut line = format!(
        "{{\"time\":\"{time}\",\"level\":\"{level}\",\"id\":\"{token}\",\"{name}\":{value}}}"
    )
    .into_bytes();
    match random.below(30) {
        0 => line.truncate(random.below(line.len())),
        1 => line.extend(b" trailing"),
        2 => line.splice(0..0, *b"  ").for_each(drop),
        3 => line.extend(b"\0\0\0"),
        _ => {}
    }
    line
}

fn nested(random: &mut Random, open: char, close: char) -> String {
    let depth = random.pick(&[1, 10, 127, 128, 129, 1_000, 20_000]);
    let open = if open == '{' { "{\"a\":".to_owned() } else { open.to_string() };
    let middle = random.pick(&["1", "", "null"]);
    format!("{}{middle}{}", open.repeat(depth), close.to_string().repeat(depth))
}

/// Damage as disks, editors and rotations do it.
pub(super) fn damage(random: &mut Random, content: &mut Vec<u8>) {
    for _ in 0..=random.below(3) {
        if content.is_empty() {
            return;
        }
        let at = random.below(content.len());
        match random.below(6) {
            0 => content[at] ^= 1 << random.below(8),
            1 => content.splice(at..at, vec![0; random.length(5_000)]).for_each(drop),
            2 => content.truncate(at),
            3 => content.splice(at..at, "é🦀".bytes().take(random.within(1..=6))).for_each(drop),
            4 => content.splice(at..at, random.bytes(9)).for_each(drop),
            _ => {
                let end = (at + random.length(500)).min(content.len());
                content.drain(at..end).for_each(drop);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_a_token_a_line() {
        let mut random = Random::of_case(3, "test", 0);
        assert!((0..50).any(|_| tokens(&content(&mut random)).count() > 10));
        assert_eq!(tokens(b"a tok00000001 tok0000000x tok00000012").count(), 2);
    }
}
