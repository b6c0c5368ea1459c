//! Expressions for `--where` by a small grammar: sensible ones, long ones, deep ones, and ones
//! whose work explodes.
//!
//! It does not know what an expression should give.

use crate::fuzz::random::Random;

/// An expression that can be evaluated in no time.
pub(super) fn plain(random: &mut Random) -> String {
    let depth = random.within(0..=3);
    boolean(random, depth)
}

/// The longest expression: Linux takes 128 KiB as one argument.
const LONGEST: usize = 120_000;

/// Any expression.
pub(super) fn any(random: &mut Random) -> String {
    let mut expression = long(random);
    expression.truncate(expression.floor_char_boundary(LONGEST));
    expression
}

fn long(random: &mut Random) -> String {
    let many = random.pick(&[2, 5, 17, 34, 100, 1_000, 5_000, 20_000]);
    match random.below(10) {
        0 => vec!["1"; many].join(random.pick(&["+", "*", "-", "%", " + "])) + " == 1",
        1 => vec![plain(random).as_str(); many.min(1_000)].join(random.pick(&[" && ", " || "])),
        2 => macros(random, many.min(100)),
        3 => format!("{}1{} == 1", "(".repeat(many), ")".repeat(many)),
        4 => format!("{}true", random.pick(&["!", "!!", "-"]).repeat(many)),
        5 => format!("k{} == 'x'", random.pick(&[".a", "[0]", "['a']"]).repeat(many)),
        6 => format!("{}1{} == [1]", "[".repeat(many), "]".repeat(many)),
        7 => format!("{}1{}", "true?".repeat(many), ":2".repeat(many)),
        8 => format!("msg.matches('{}')", pattern(random)),
        _ => {
            let mut text = plain(random).into_bytes();
            let at = random.below(text.len());
            text[at] = random.pick(b"()[]{}'\"\\.!=<>&|?:,+-*/%019ax ");
            String::from_utf8_lossy(&text).into_owned()
        }
    }
}

/// Macros inside of macros: work and memory grow with a power of the depth.
fn macros(random: &mut Random, depth: usize) -> String {
    let list = if random.one_in(2) { "x" } else { "[1,2,3,4,5,6,7,8,9,10]" };
    match random.below(4) {
        0 => format!("{list}{}.size() > 0", ".map(x, x + x)".repeat(depth)),
        1 => format!("{}true{}", format!("{list}.all(a, ").repeat(depth), ")".repeat(depth)),
        2 => format!("{}true{}", format!("{list}.exists(a, !").repeat(depth), ")".repeat(depth)),
        _ => format!("[msg]{}.size() > 0", ".map(s, s + s + s)".repeat(depth)),
    }
}

fn pattern(random: &mut Random) -> String {
    let parts = [
        "a",
        "(",
        ")",
        "*",
        "+",
        "?",
        "{1000}",
        "{1000}{1000}",
        "[a-z]",
        "\\\\w",
        "|",
        "^",
        "$",
        ".",
        "(?i)",
    ];
    let count = random.within(1..=20);
    (0..count).map(|_| random.pick(&parts)).collect()
}

fn boolean(random: &mut Random, depth: usize) -> String {
    if depth == 0 {
        return (random.pick(&["true", "false", "has(fields.k)", "level == 'error'", "k", "null"]))
            .to_owned();
    }
    match random.below(8) {
        0 => format!("{} && {}", boolean(random, depth - 1), boolean(random, depth - 1)),
        1 => format!("({} || {})", boolean(random, depth - 1), boolean(random, depth - 1)),
        2 => format!("!({})", boolean(random, depth - 1)),
        3 => format!("{}.startsWith({})", value(random), value(random)),
        4 => format!("{} in [{}, {}]", value(random), value(random), value(random)),
        5 => format!("[1, 2].all(a, {})", boolean(random, depth - 1)),
        6 => format!("{} ? {} : true", boolean(random, depth - 1), boolean(random, depth - 1)),
        _ => format!(
            "{} {} {}",
            value(random),
            random.pick(&["==", "!=", "<", ">=", "in"]),
            value(random)
        ),
    }
}

fn value(random: &mut Random) -> String {
    let values = [
        "status",
        "message",
        "time",
        "n",
        "fields[\"a-b\"]",
        "1",
        "-9223372036854775808",
        "9223372036854775807",
        "1u",
        "1.5",
        "1e308 * 10.0",
        "'é'",
        "\"\\u0000\"",
        "b'x'",
        "[]",
        "{}",
        "{'a': 1}",
        "1 / 0",
        "1 % 0",
        "n + 1",
        "size(message)",
        "int(message)",
        "timestamp('2024-01-01T00:00:00Z')",
        "timestamp('x')",
        "duration('1h')",
        "time + duration('99999999h')",
        "time.getHours()",
        "string(time)",
        "double('nan')",
        "9223372036854775807 + 1",
        "-(-9223372036854775808)",
        "type(n)",
    ];
    (random.pick(&values)).to_owned()
}
