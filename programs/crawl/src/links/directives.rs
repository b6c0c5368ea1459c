//! What a page asks of crawlers: `meta name=robots` and the `X-Robots-Tag` header. Whether it is
//! obeyed is not decided here.

/// What a page asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// Its links are not to be followed.
    pub nofollow: bool,
    /// It is not to be shown in an index.
    pub noindex: bool,
}

/// Directives with a value, whose name in a header is not that of a crawler.
const WITH_VALUE: &[&str] =
    &["unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"];

impl Directives {
    /// Adds what an `X-Robots-Tag` header says to `agent`, or to all.
    ///
    /// # Examples
    /// ```
    /// let mut directives = crawl::links::Directives::default();
    /// directives.header("otherbot: noindex, nofollow", "millstream");
    /// assert!(!directives.nofollow && !directives.noindex);
    /// directives.header("millstream: noindex", "millstream");
    /// assert!(directives.noindex);
    /// ```
    pub fn header(&mut self, value: &str, agent: &str) {
        // A name holds for what follows it, up to the next name.
        let mut is_ours = true;
        for part in value.split(',') {
            let directive = match part.split_once(':') {
                Some((name, _))
                    if WITH_VALUE
                        .iter()
                        .any(|known| name.trim_ascii().eq_ignore_ascii_case(known)) =>
                {
                    continue;
                }
                // The rest of a date with a comma in it: `unavailable_after: Fri, 25 Jun 2027
                // 15:00:00 GMT`.
                Some((name, _)) if !is_name(name.trim_ascii()) => continue,
                Some((name, directive)) => {
                    let name = name.trim_ascii();
                    is_ours =
                        name.eq_ignore_ascii_case(agent) || name.eq_ignore_ascii_case("robots");
                    directive
                }
                None => part,
            };
            if is_ours {
                self.add(directive);
            }
        }
    }

    /// Adds what a `meta` element says, if its name is `robots` or the crawler's.
    pub(super) fn meta(&mut self, name: &str, content: &str, agent: &str) {
        let name = name.trim_ascii();
        if name.eq_ignore_ascii_case("robots") || name.eq_ignore_ascii_case(agent) {
            content.split(',').for_each(|directive| self.add(directive));
        }
    }

    fn add(&mut self, directive: &str) {
        match directive.trim_ascii().to_ascii_lowercase().as_str() {
            "nofollow" => self.nofollow = true,
            "noindex" => self.noindex = true,
            "none" => (self.nofollow, self.noindex) = (true, true),
            _ => {}
        }
    }
}

/// Whether a crawler can be called so. A date is not: it has blanks in it, or is a number.
fn is_name(name: &str) -> bool {
    !name.contains(|letter: char| letter.is_ascii_whitespace())
        && name.bytes().any(|byte| !byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_with_commas_names_no_crawler() {
        for date in [
            "Fri, 25 Jun 2027 15:00:00 GMT",
            "Friday, 25-Jun-27 15:00:00 UTC",
            "2027-06-25T15:00:00+00:00",
            "25 Jun 2027, 15:00:00 GMT",
            "June 25, 2027 15:00 PST",
            "Fri, 25 Jun 2027",
        ] {
            for (directive, expected) in
                [("nofollow", (true, false)), ("noindex", (false, true)), ("none", (true, true))]
            {
                let mut read = Directives::default();
                read.header(&format!("unavailable_after: {date}, {directive}"), "millstream");
                assert_eq!((read.nofollow, read.noindex), expected, "{date}, {directive}");
                let mut other = Directives::default();
                other.header(
                    &format!("otherbot: unavailable_after: {date}, {directive}"),
                    "millstream",
                );
                assert_eq!(other, Directives::default(), "{date}: said to somebody else");
            }
        }
    }
}
