//! Parameters that describe the visitor and not the page. Which they are is a list, and nothing
//! is guessed beyond it.

use super::{Address, Canonical, Parts};

/// Names in lower case; what ends with a star is a beginning.
const NAMES: &[&str] = &[
    "utm_*",
    "gclid",
    "gclsrc",
    "dclid",
    "gbraid",
    "wbraid",
    "srsltid",
    "_ga",
    "_gl",
    "fbclid",
    "igshid",
    "msclkid",
    "yclid",
    "ysclid",
    "twclid",
    "ttclid",
    "li_fat_id",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "_hsenc",
    "_hsmi",
    "vero_id",
    "oly_enc_id",
    "oly_anon_id",
    "jsessionid",
    "phpsessid",
    "aspsessionid*",
    "sessionid",
    "session_id",
    "cfid",
    "cftoken",
];

/// From how many letters on the value of `sid` looks like a session and not like the number of a
/// story.
const SESSION_LETTERS: usize = 16;

const IN_PATH: &str = ";jsessionid=";

/// The address without what the options drop.
pub(super) fn clean(address: Address, canonical: &Canonical) -> Address {
    if !canonical.drop_tracking || !is_tracked(&address) {
        return address;
    }
    let mut text = String::with_capacity(address.text.len());
    text.push_str(address.origin());
    push_path(&mut text, address.path());
    let mut mark = '?';
    for parameter in address.query().into_iter().flat_map(|query| query.split('&')) {
        if !describes_the_visitor(parameter) {
            text.push(mark);
            text.push_str(parameter);
            mark = '&';
        }
    }
    if text.ends_with('?') {
        text.pop();
    }
    let parts = Parts::of(&text);
    Address::of(text, parts)
}

fn is_tracked(address: &Address) -> bool {
    find_in_path(address.path()).is_some()
        || address.query().is_some_and(|query| query.split('&').any(describes_the_visitor))
}

fn describes_the_visitor(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let has_name = |wanted: &&str| match wanted.strip_suffix('*') {
        Some(start) => {
            name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
        }
        None => name.eq_ignore_ascii_case(wanted),
    };
    let is_session = || {
        name.eq_ignore_ascii_case("sid")
            && value.len() >= SESSION_LETTERS
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    NAMES.iter().any(has_name) || is_session()
}

/// The path without the session ids of Java's servers, which end with the next part of the path.
fn push_path(text: &mut String, mut path: &str) {
    while let Some(at) = find_in_path(path) {
        text.push_str(&path[..at]);
        let after = &path[at + 1..];
        path = &after[after.find(['/', ';']).unwrap_or(after.len())..];
    }
    text.push_str(path);
}

fn find_in_path(path: &str) -> Option<usize> {
    let starts = |at: &usize| {
        path.as_bytes()
            .get(*at..at + IN_PATH.len())
            .is_some_and(|part| part.eq_ignore_ascii_case(IN_PATH.as_bytes()))
    };
    memchr::memchr_iter(b';', path.as_bytes()).find(starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        Address::parse(text, &Canonical { drop_tracking: true }).unwrap().to_string()
    }

    #[test]
    fn what_describes_the_visitor_is_dropped_and_the_rest_keeps_its_order() {
        assert_eq!(
            cleaned("http://a.com/?b=1&utm_source=x&a=2&GCLID=3&fbclid"),
            "http://a.com/?b=1&a=2"
        );
        assert_eq!(cleaned("http://a.com/p?utm_medium=x"), "http://a.com/p");
        assert_eq!(cleaned("http://a.com/p?utm%5Fmedium=x"), "http://a.com/p");
        assert_eq!(cleaned("http://a.com/p?utmost=x&PHPSESSID=1"), "http://a.com/p?utmost=x");
    }

    #[test]
    fn sessions_are_dropped_from_path_and_query_alike() {
        assert_eq!(
            cleaned("http://a.com/x;jsessionid=0AF.n1/y;v=2?q=1"),
            "http://a.com/x/y;v=2?q=1"
        );
        assert_eq!(cleaned("http://a.com/x;JSessionID=0AF"), "http://a.com/x");
        assert_eq!(cleaned("http://a.com/?sid=0123456789abcdef0"), "http://a.com/");
        assert_eq!(cleaned("http://a.com/?sid=1234"), "http://a.com/?sid=1234");
    }

    #[test]
    fn nothing_is_dropped_unless_the_option_says_so() {
        let text = "http://a.com/;jsessionid=1?utm_source=x";
        assert_eq!(Address::parse(text, &Canonical::default()).unwrap().as_str(), text);
    }
}
