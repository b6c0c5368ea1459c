//! Which URLs are one address, which belong to a crawl, and which are traps.

use crawl::address::{Address, AddressError, Canonical, Scope, TrapKind, Traps};
use proptest::prelude::*;

fn address(text: &str) -> Address {
    Address::parse(text, &Canonical::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn urls_of_one_resource_have_one_text() {
    let cases = [
        ("http://example.com", "http://example.com/"),
        ("HTTP://EXAMPLE.com:80/", "http://example.com/"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("https://example.com:80/a", "https://example.com:80/a"),
        ("http://example.com/#top", "http://example.com/"),
        ("http://example.com/?", "http://example.com/"),
        ("http://example.com/?#x", "http://example.com/"),
        ("http://example.com./a", "http://example.com/a"),
        ("http://user:secret@example.com/a", "http://example.com/a"),
        ("http://bücher.example/ü", "http://xn--bcher-kva.example/%C3%BC"),
        ("http://example.com/a/../b/./c", "http://example.com/b/c"),
        ("http://example.com/%7euser/%61?%62=%2f", "http://example.com/~user/a?b=%2F"),
        ("http://example.com/a%2Fb", "http://example.com/a%2Fb"),
        ("http://example.com/a/%2e%2E/b", "http://example.com/b"),
        ("  http://example.com/a\n", "http://example.com/a"),
        ("http://exa\nmple.com/a", "http://example.com/a"),
        ("http:\\\\example.com\\a", "http://example.com/a"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://[0:0:0:0:0:0:0:1]:8080/", "http://[::1]:8080/"),
        ("http://example.com/?b=1&a=2", "http://example.com/?b=1&a=2"),
        ("http://example.com/a+b?c+d", "http://example.com/a+b?c+d"),
    ];
    for (given, wanted) in cases {
        assert_eq!(address(given).as_str(), wanted, "{given}");
    }
}

#[test]
fn what_is_no_http_url_is_refused_with_the_reason() {
    let parse = |text: &str| Address::parse(text, &Canonical::default());
    for text in ["mailto:a@b.c", "javascript:void(0)", "ftp://a/", "file:///etc/passwd", "data:,x"]
    {
        assert_eq!(parse(text), Err(AddressError::NotHttp), "{text}");
    }
    for text in
        ["", "/a", "http://", "http://a b/", "http://exa%00mple/", "http://[::1", "http://a:99999/"]
    {
        assert!(matches!(parse(text), Err(AddressError::Invalid(_))), "{text}: {:?}", parse(text));
    }
    for text in ["http://./", "http://a../"] {
        assert_eq!(parse(text), Err(AddressError::Host), "{text}");
    }
    let long = format!("http://a/{}", "x".repeat(Address::MAX_INPUT));
    assert_eq!(parse(&long), Err(AddressError::TooLong));
}

#[test]
fn links_lead_where_browsers_would_go() {
    let page = address("http://example.com:8080/dir/page.html?q=1");
    let cases = [
        ("", "http://example.com:8080/dir/page.html?q=1"),
        ("#a", "http://example.com:8080/dir/page.html?q=1"),
        ("?", "http://example.com:8080/dir/page.html"),
        ("?r=2", "http://example.com:8080/dir/page.html?r=2"),
        ("x", "http://example.com:8080/dir/x"),
        (" x ", "http://example.com:8080/dir/x"),
        ("./x", "http://example.com:8080/dir/x"),
        ("..", "http://example.com:8080/"),
        ("../../../x", "http://example.com:8080/x"),
        ("/x?y#z", "http://example.com:8080/x?y"),
        ("//other.org/x", "http://other.org/x"),
        ("https://other.org", "https://other.org/"),
        ("http:x", "http://example.com:8080/dir/x"),
        ("a b", "http://example.com:8080/dir/a%20b"),
        ("x'y?x'y", "http://example.com:8080/dir/x'y?x%27y"),
        ("a\\b", "http://example.com:8080/dir/a/b"),
        ("http://example.com:80801/", "!"),
        ("http://example.com:80800x/", "!"),
    ];
    for (href, wanted) in cases {
        let joined = page.join(href, &Canonical::default());
        let text = joined.as_ref().map_or("!", Address::as_str);
        assert_eq!(text, wanted, "{href}");
    }
    assert_eq!(page.join("tel:1", &Canonical::default()), Err(AddressError::NotHttp));
}

#[test]
fn an_address_knows_its_parts() {
    let page = address("https://www.example.co.uk:8443/a/b?c=d");
    assert_eq!(page.origin(), "https://www.example.co.uk:8443");
    assert_eq!((page.host(), page.port(), page.is_https()), ("www.example.co.uk", 8443, true));
    assert_eq!(
        (page.path(), page.query(), page.path_and_query()),
        ("/a/b", Some("c=d"), "/a/b?c=d")
    );
    assert_eq!(page.domain(), "example.co.uk");
    assert_eq!(page.url().as_str(), page.as_str());

    let plain = address("http://localhost/");
    assert_eq!((plain.port(), plain.query(), plain.domain()), (80, None, "localhost"));
    let six = address("http://[::1]:81/x");
    assert_eq!((six.host(), six.port(), six.domain(), six.path()), ("[::1]", 81, "[::1]", "/x"));
    assert_eq!(address("http://10.0.0.1/").domain(), "10.0.0.1");
    assert_eq!(address("http://co.uk/").domain(), "co.uk");
    assert_eq!(address("http://user.github.io/").domain(), "user.github.io");
}

#[test]
fn different_addresses_have_different_keys_and_equal_ones_the_same() {
    assert_eq!(address("http://a.com/%7E").key(), address("http://A.com:80/~#x").key());
    assert_ne!(address("http://a.com/a").key(), address("http://a.com/b").key());
    assert_eq!(address("http://a.com/").key(), twox_hash::XxHash3_128::oneshot(b"http://a.com/"));
}

#[test]
fn a_scope_admits_what_it_says() {
    // Columns: candidate, then page, prefix, host, domain, any.
    let cases = [
        ("http://example.com/docs/a.html", [1, 1, 1, 1, 1]),
        ("http://example.com/docs/", [0, 1, 1, 1, 1]),
        ("https://example.com/docs/b", [0, 1, 1, 1, 1]),
        ("http://www.example.com/docs/b", [0, 1, 1, 1, 1]),
        ("http://example.com/docs", [0, 0, 1, 1, 1]),
        ("http://example.com/docs2/", [0, 0, 1, 1, 1]),
        ("http://example.com:8080/docs/", [0, 0, 0, 1, 1]),
        ("http://blog.example.com/docs/", [0, 0, 0, 1, 1]),
        ("http://notexample.com/docs/", [0, 0, 0, 0, 1]),
        ("http://example.org/docs/", [0, 0, 0, 0, 1]),
    ];
    let seed = address("http://example.com/docs/a.html");
    let scopes = [Scope::Page, Scope::Prefix, Scope::Host, Scope::Domain, Scope::Any];
    for (candidate, wanted) in cases {
        let got = scopes.map(|scope| u8::from(scope.admits(&seed, &address(candidate))));
        assert_eq!(got, wanted, "{candidate}");
    }
}

#[test]
fn no_scope_takes_a_public_suffix_or_an_ip_address_for_a_family() {
    let admits = |one: &str, other: &str| Scope::Domain.admits(&address(one), &address(other));
    assert!(!admits("http://a.co.uk/", "http://b.co.uk/"));
    assert!(!admits("http://10.0.0.1/", "http://11.0.0.1/"));
    assert!(admits("http://10.0.0.1/", "http://10.0.0.1:81/"));
    assert!(!Scope::Host.admits(&address("http://www.com/"), &address("http://com/")));
    assert!(!Scope::Host.admits(&address("http://a.com:443/"), &address("https://a.com:80/")));
}

#[test]
fn traps_are_recognized_by_length_depth_and_circles() {
    let check = |path: &str| Traps::default().check(&address(&format!("http://a.com{path}")));
    for path in ["/", "/a/b/c/", "/a/a/a/", "/2024/01/01/", "/a/b/a/b/c", "/x?y=/a/a/a/a/a/a"] {
        assert_eq!(check(path), Ok(()), "{path}");
    }
    for path in ["/a/a/a/a", "/a/x/a/y/a/z/a", "/a/b/a/b/a/b", "/x/a/b/c/a/b/c/a/b/c/y", "/a/////b"]
    {
        assert_eq!(check(path), Err(TrapKind::Repeats), "{path}");
    }
    let deep: String = (0..21).map(|segment| format!("/{segment}")).collect();
    assert_eq!(check(&deep), Err(TrapKind::Segments));
    assert_eq!(check(&format!("/{}", "x".repeat(2070))), Ok(()));
    assert_eq!(check(&format!("/{}", "x".repeat(2071))), Err(TrapKind::Length));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn a_canonical_text_is_canonical(
        text in "https?://[a-zA-Z0-9.%@:ü-]{1,12}/[a-zA-Z0-9%./?#&=;+ü \\\\-]{0,24}",
        drop_tracking: bool,
    ) {
        let canonical = Canonical { drop_tracking };
        if let Ok(once) = Address::parse(&text, &canonical) {
            let again = Address::parse(once.as_str(), &canonical);
            prop_assert_eq!(again.as_ref(), Ok(&once));
            let url = once.url();
            prop_assert_eq!(url.as_str(), once.as_str());
            prop_assert_eq!(url.host_str(), Some(once.host()));
            prop_assert_eq!(url.port_or_known_default(), Some(once.port()));
            prop_assert_eq!(url.path(), once.path());
            prop_assert_eq!(url.query(), once.query());
        }
    }

    #[test]
    fn no_text_whatever_breaks_it(text: String, href: String) {
        let canonical = Canonical { drop_tracking: true };
        let _ = Address::parse(&text, &canonical);
        let page = address("http://example.com/a/b?c");
        if let Ok(link) = page.join(&href, &canonical) {
            let _ = Traps::default().check(&link);
            let domain = link.domain().to_owned();
            prop_assert!(link.host().ends_with(&domain));
        }
    }
}
