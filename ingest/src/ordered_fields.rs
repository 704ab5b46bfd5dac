//! The fields of a JSON object in their original order, duplicates included.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// Names and values, in the order of the text. A map would drop duplicates, and with them unchecked values.
#[derive(Debug)]
pub struct OrderedFields<V>(pub Vec<(String, V)>);

impl<V> OrderedFields<V> {
    /// The value with this name. The last of several wins, as in JavaScript.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.0
            .iter()
            .rev()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The names that occur more than once.
    pub fn duplicates(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let mut duplicates: Vec<_> = names
            .windows(2)
            .filter_map(|pair| (pair[0] == pair[1]).then_some(pair[0]))
            .collect();
        duplicates.dedup();
        duplicates
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for OrderedFields<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for InOrder<V> {
            type Value = OrderedFields<V>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<OrderedFields<V>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(OrderedFields(fields))
            }
        }

        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_names_are_listed() {
        let fields: OrderedFields<u8> = serde_json::from_str(r#"{"b":1,"a":2,"b":3}"#).unwrap();
        assert_eq!(fields.get("b"), Some(&3));
        assert_eq!(fields.get("c"), None);
        assert_eq!(fields.duplicates(), ["b"]);
    }
}
