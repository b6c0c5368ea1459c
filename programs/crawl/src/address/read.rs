//! Reads an address from text: of an absolute URL, or of a link on a page.

use encoding_rs::Encoding;

use super::{Address, AddressError, Canonical, canonical, plain, tracking};

impl Address {
    /// The address that an absolute URL names.
    ///
    /// # Errors
    /// The text is not an absolute URL, is none of `http` and `https`, has no host, or is longer
    /// than [`Self::MAX_INPUT`].
    pub fn parse(text: &str, canonical: &Canonical) -> Result<Self, AddressError> {
        let text = bounded(text)?;
        match plain::absolute(text) {
            Some(address) => Ok(tracking::clean(address, canonical)),
            None => canonical::parse(None, text, None, canonical),
        }
    }

    /// The address that a link on this page leads to.
    ///
    /// # Errors
    /// As of [`Address::parse`]; a link such as `mailto:` or `javascript:` is
    /// [`AddressError::NotHttp`].
    ///
    /// # Cost
    /// One allocation. Links with percent signs, dot segments, spaces, or anything but ASCII are
    /// parsed by the rules of WHATWG, which costs several times as much.
    pub fn join(&self, href: &str, canonical: &Canonical) -> Result<Self, AddressError> {
        let href = bounded(href)?;
        match plain::join(self, href) {
            Some(address) => Ok(tracking::clean(address, canonical)),
            None => canonical::parse(Some(self), href, None, canonical),
        }
    }

    /// As [`Address::join`], for a link in a document that is not UTF-8: browsers write what is not
    /// ASCII in the query in the document's encoding.
    ///
    /// # Errors
    /// As of [`Address::join`].
    ///
    /// # Examples
    /// ```
    /// use crawl::address::{Address, Canonical};
    ///
    /// let page = Address::parse("http://example.com/", &Canonical::default())?;
    /// let link = page.join_encoded("/ü?ü", encoding_rs::WINDOWS_1252, &Canonical::default())?;
    /// assert_eq!(link.as_str(), "http://example.com/%C3%BC?%FC");
    /// # Ok::<(), crawl::address::AddressError>(())
    /// ```
    pub fn join_encoded(
        &self,
        href: &str,
        encoding: &'static Encoding,
        canonical: &Canonical,
    ) -> Result<Self, AddressError> {
        if href.is_ascii() {
            return self.join(href, canonical);
        }
        canonical::parse(Some(self), bounded(href)?, Some(encoding), canonical)
    }
}

/// The text without the spaces and control characters around it, which WHATWG ignores.
fn bounded(text: &str) -> Result<&str, AddressError> {
    let text = text.trim_matches(|letter: char| letter <= ' ');
    if text.len() > Address::MAX_INPUT { Err(AddressError::TooLong) } else { Ok(text) }
}
