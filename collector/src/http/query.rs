//! A request's query: names and values, decoded.

/// The pairs of a query, in their order. Any text is a query: what is not percent-encoded as it should
/// be, or is not UTF-8, is taken as the [URL standard] takes it.
///
/// [URL standard]: https://url.spec.whatwg.org/#urlencoded-parsing
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what stands after the `?`.
    pub fn parse(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The same, where an empty value counts as none.
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
    fn names_and_values_are_decoded_and_the_first_of_a_name_counts() {
        let query = Query::parse("a%5Bb%5D=x+y%26&pid=1&pid=2&empty=");
        assert_eq!(query.get("a[b]"), Some("x y&"));
        assert_eq!(query.get("pid"), Some("1"));
        assert_eq!(query.get("empty"), Some(""));
        assert_eq!(query.get_non_empty("empty"), None);
        assert_eq!(query.get("absent"), None);
    }
}
