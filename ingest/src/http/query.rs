//! Parses a URL's query.

/// The decoded pairs of a query, in their order. Any text is a valid query: wrong percent-encoding and invalid UTF-8 are
/// handled as in the [URL standard].
///
/// [URL standard]: https://url.spec.whatwg.org/#urlencoded-parsing
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Parses the text after the `?`.
    pub fn parse(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The first value with this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The first value with this name, unless it is empty.
    pub fn get_non_empty(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_the_first_of_a_name_wins() {
        let query = Query::parse("a%5Bb%5D=x+y%26&pid=1&pid=2&empty=");
        assert_eq!(query.get("a[b]"), Some("x y&"));
        assert_eq!(query.get("pid"), Some("1"));
        assert_eq!(query.get("empty"), Some(""));
        assert_eq!(query.get_non_empty("empty"), None);
        assert_eq!(query.get("absent"), None);
    }
}
