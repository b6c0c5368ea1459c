//! The `srcset` attribute, as WHATWG parses it: addresses may have commas inside, descriptors may
//! have them in parentheses.

/// The addresses of the candidates, whatever their descriptors say.
pub(super) fn urls(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = value;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|letter: char| is_space(letter) || letter == ',');
        if rest.is_empty() {
            return None;
        }
        let (url, after) = rest.split_at(rest.find(is_space).unwrap_or(rest.len()));
        let bare = url.trim_end_matches(',');
        // Commas at its end are the end of the candidate as well.
        rest = if bare.len() == url.len() { skip_descriptors(after) } else { after };
        Some(bare)
    })
}

fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\x0C' | '\r')
}

/// What follows the comma that ends a candidate.
fn skip_descriptors(text: &str) -> &str {
    let mut inside = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => inside = true,
            ')' => inside = false,
            ',' if !inside => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::urls;

    #[test]
    fn candidates_end_where_browsers_end_them() {
        let cases: [(&str, &[&str]); 11] = [
            ("", &[]),
            (" , ,", &[]),
            ("a", &["a"]),
            ("a 1x, b 2x", &["a", "b"]),
            ("a,b", &["a,b"]),
            ("a, b", &["a", "b"]),
            ("a,,, b", &["a", "b"]),
            ("a 1x,b 2x", &["a", "b"]),
            ("data:,x 1x, /i,w_1,h_2/b.jpg 100w", &["data:,x", "/i,w_1,h_2/b.jpg"]),
            ("a (1x, c), b", &["a", "b"]),
            ("\n a\t1x\n,\n b ", &["a", "b"]),
        ];
        for (value, wanted) in cases {
            assert_eq!(urls(value).collect::<Vec<_>>(), wanted, "{value:?}");
        }
    }
}
