//! Documents in all character sets.

use super::{html, of, texts};

fn title(content_type: &str, body: impl AsRef<[u8]>) -> Option<String> {
    of(content_type, body).title
}

fn in_utf_16(text: &str) -> Vec<u8> {
    [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

#[test]
fn the_mark_counts_before_the_header_before_the_page_before_a_guess() {
    let utf8 = "<title>ü</title>".as_bytes();
    let latin = b"<title>\xFC</title>".as_slice();
    let marked = [b"\xEF\xBB\xBF", utf8].concat();
    let meta = |charset: &str, body: &[u8]| {
        [format!("<meta charset={charset}>").as_bytes(), body].concat()
    };

    assert_eq!(title("text/html; charset=iso-8859-1", &marked).as_deref(), Some("ü"));
    assert_eq!(
        title("text/html; charset=koi8-r", in_utf_16("<title>ü</title>")).as_deref(),
        Some("ü")
    );
    assert_eq!(title("text/html; charset=\"ISO-8859-1\"", latin).as_deref(), Some("ü"));
    assert_eq!(title("text/html;charset=iso-8859-1", meta("utf-8", latin)).as_deref(), Some("ü"));
    assert_eq!(title("text/html", meta("windows-1252", latin)).as_deref(), Some("ü"));
    assert_eq!(title("text/html", meta("'koi8-r'", b"<title>\xC1</title>")).as_deref(), Some("а"));
    assert_eq!(title("text/html", utf8).as_deref(), Some("ü"));
    assert_eq!(title("text/html; charset=nonsense", utf8).as_deref(), Some("ü"));
}

#[test]
fn a_page_may_name_its_character_set_in_several_ways() {
    let sjis = b"<title>\x93\xFA\x96{</title>".as_slice();
    for head in [
        "<meta charset=shift_jis>",
        "<META  CharSet = 'Shift_JIS' />",
        "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=shift_jis\">",
        "<meta content='text/html;charset=\"sjis\"' http-equiv=content-type>",
        "<?xml version='1.0' encoding='shift_jis'?>",
        "<!-- <meta charset=utf-8> --><meta name=x><meta charset=shift_jis>",
    ] {
        assert_eq!(
            title("text/html", [head.as_bytes(), sjis].concat()).as_deref(),
            Some("日本"),
            "{head}"
        );
    }
    // It says UTF-16, but could be read, so it is not.
    assert_eq!(title("text/html", "<meta charset=utf-16><title>ü</title>").as_deref(), Some("ü"));
}

#[test]
fn what_names_nothing_is_guessed() {
    let text = "Съешь же ещё этих мягких французских булок да выпей чаю";
    let (bytes, _, _) = encoding_rs::WINDOWS_1251.encode(text);
    let body = [b"<html><title>", bytes.as_ref(), b"</title>"].concat();
    assert_eq!(title("text/html", body).as_deref(), Some(text));
    let late = format!("<html>{}<meta charset=koi8-r><title>ü</title>", " ".repeat(2_000));
    assert_eq!(title("text/html", late).as_deref(), Some("ü"));
}

#[test]
fn links_of_other_character_sets_are_encoded_as_browsers_do() {
    let found =
        of("text/html; charset=iso-8859-1", b"<a href='/\xFC?\xFC'><a href='/&uuml;?a=&euro;'>");
    assert_eq!(texts(&found), ["/%C3%BC?%FC", "/%C3%BC?a=%80"]);
    let found = html("<a href='/ü?ü'>");
    assert_eq!(texts(&found), ["/%C3%BC?%C3%BC"]);
}

#[test]
fn broken_text_breaks_nothing() {
    let found = of("text/html; charset=utf-8", b"<title>a\xFFb</title><a href='/\xFF'><a href=ok>");
    assert_eq!(found.title.as_deref(), Some("a\u{fffd}b"));
    assert_eq!(texts(&found).last(), Some(&"/dir/ok"));
    let mut cut = in_utf_16("<a href=x>");
    cut.pop();
    assert!(html(&cut).is_complete);
}
