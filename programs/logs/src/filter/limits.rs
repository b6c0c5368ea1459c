//! How large and how deep an expression may be: parsing, evaluating and dropping it go down into it
//! level by level, and the stack of a thread has an end.
//!
//! It looks at the text alone, before anything is parsed. What an expression may cost while it runs
//! is in `budget`.

/// The longest expression, in bytes.
const BYTES: usize = 16 << 10;
/// How deep an expression may be: each operator, call, index and bracket around a value counts as
/// one level. `&&` and `||` have no depth, however many there are, and neither have the elements of
/// a list.
const DEPTH: usize = 64;

/// An expression that is too large, the place where it becomes so (a byte), and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge {
    pub(super) at: usize,
    pub(super) why: String,
}

/// One pair of brackets, or the whole expression.
#[derive(Default)]
struct Group {
    /// Levels since the last `,`, `&&` or `||`.
    operators: usize,
    /// `a ? b : c` since the last `,`.
    choices: usize,
    /// The deepest group inside of it since then.
    inside: usize,
    /// The deepest part before that.
    deepest: usize,
}

impl Group {
    fn depth(&self) -> usize {
        self.deepest.max(self.choices + self.operators + self.inside)
    }

    /// A part ends.
    fn part(&mut self) {
        self.deepest = self.depth();
        (self.operators, self.inside) = (0, 0);
    }
}

/// Refuses an expression that is too long or too deep. It never takes one for less deep than it is.
pub(super) fn check(source: &str) -> Result<(), TooLarge> {
    if source.len() > BYTES {
        return Err(TooLarge { at: BYTES, why: format!("it is longer than {BYTES} bytes") });
    }
    let bytes = source.as_bytes();
    let mut groups = vec![Group::default()];
    let mut at = 0;
    while at < bytes.len() {
        let outer: usize = groups.iter().map(|group| group.choices + group.operators).sum();
        let depth = outer.max(groups.last().map_or(0, Group::depth));
        if groups.len() + depth > DEPTH {
            let why = format!("it is more than {DEPTH} levels deep; split it, or use && and ||");
            return Err(TooLarge { at, why });
        }
        at = step(bytes, at, &mut groups);
    }
    Ok(())
}

/// Takes what stands at a place, and gives the place behind it.
fn step(bytes: &[u8], at: usize, groups: &mut Vec<Group>) -> usize {
    let rest = &bytes[at..];
    if let ([b')' | b']' | b'}', ..], true) = (rest, groups.len() > 1) {
        let depth = groups.pop().map_or(0, |inner| inner.depth());
        if let Some(group) = groups.last_mut() {
            group.inside = group.inside.max(depth);
        }
        return at + 1;
    }
    let Some(group) = groups.last_mut() else { return bytes.len() };
    match rest {
        [b'"' | b'\'', ..] => return string_end(bytes, at),
        [b'/', b'/', ..] => return at + rest.iter().take_while(|byte| **byte != b'\n').count(),
        [b'&', b'&', ..] | [b'|', b'|', ..] => {
            group.part();
            return at + 2;
        }
        [b',', ..] => {
            group.part();
            group.choices = 0;
        }
        [b'(' | b'[' | b'{', ..] => {
            group.operators += 1;
            groups.push(Group::default());
        }
        [b'?', ..] => group.choices += 1,
        [b'=', b'=', ..] => {
            group.operators += 1;
            return at + 2;
        }
        [b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'!' | b'.', ..] => group.operators += 1,
        [b'i', b'n', ..] if at > 0 && !bytes[at - 1].is_ascii_alphanumeric() => {
            group.operators += 1
        }
        _ => {}
    }
    at + 1
}

/// The place behind a string, also a raw or a tripled one; the end of the text if it does not end.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let quote = bytes[at];
    let raw = at > 0 && matches!(bytes[at - 1], b'r' | b'R')
        || at > 1 && matches!(bytes[at - 1], b'b' | b'B') && matches!(bytes[at - 2], b'r' | b'R');
    let width = if bytes[at..].starts_with(&[quote; 3]) { 3 } else { 1 };
    let mut at = at + width;
    while at < bytes.len() {
        if bytes[at] == b'\\' && !raw {
            at += 2;
        } else if bytes[at..].starts_with(&[quote; 3][..width]) {
            return at + width;
        } else if bytes[at] == b'\n' && width == 1 {
            // It does not end, so that what follows is no part of it.
            return at;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_and_breadth_is_not() {
        let many = |part: &str, between: &str, n: usize| vec![part; n].join(between);
        for fine in [
            many("status == 404", " || ", 800),
            many("a.b.contains(\"x\")", " && ", 500),
            format!("status in [{}]", many("404", ",", 2_000)),
            format!("path in [{}]", many("\"/a/b/../((((((((((((\"", ", ", 500)),
            many("1", "+", 30),
        ] {
            assert_eq!(check(&fine), Ok(()), "{}", &fine[..40]);
        }
        for deep in [
            many("1", "+", 100),
            many("1", "+", 4_843),
            "(".repeat(100) + "1" + &")".repeat(100),
            "[".repeat(5_000),
            "!".repeat(100) + "true",
            "a".to_owned() + &".b".repeat(100),
            "a".to_owned() + &"[0]".repeat(100),
            "true ? 1 : ".repeat(100) + "2",
            "true && true ? 1 : ".repeat(100) + "2",
            many("1", " in ", 100),
            many("1", "==", 100),
            "[1]".to_owned() + &".map(x, x + x)".repeat(100),
            "[1].map(x, ".repeat(40),
            "x".repeat(20_000),
        ] {
            assert!(check(&deep).is_err(), "{}", &deep[..40]);
        }
    }
}
