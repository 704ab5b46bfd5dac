//! A person whose data is to be deleted, as an operator names one.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::key::{Link, hex};
use crate::store::forget::Person;

/// Identifiers of one person. All but `obref` may be given as they are, or as the SHA-256 hash that was sent.
#[derive(Debug, Clone, Default, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, default)]
#[group(required = true, multiple = true)]
pub struct Identifiers {
    /// The browser ID: the value of the cookie `__obref`
    #[arg(long, value_name = "ID")]
    pub obref: Option<String>,

    /// Your own ID of the person, or its SHA-256 hash
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,

    /// The email address, or its SHA-256 hash
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,

    /// The phone number with country code, or its SHA-256 hash
    #[arg(long, value_name = "NUMBER")]
    pub phone: Option<String>,
}

impl Identifiers {
    /// How to find the person in the store.
    ///
    /// # Errors
    /// What is wrong with them, without quoting them.
    pub fn person(&self, pixels: Vec<String>) -> Result<Person, String> {
        let mut person = Person {
            pixels,
            ..Person::default()
        };
        if let Some(obref) = &self.obref {
            person.obrefs.push(not_empty("obref", obref)?.to_owned());
        }
        for (name, link, text, normalize) in [
            (
                "external_id",
                Link::ExternalId,
                &self.external_id,
                external_id as fn(&str) -> _,
            ),
            ("email", Link::Email, &self.email, email),
            ("phone", Link::Phone, &self.phone, phone),
        ] {
            let Some(text) = text else { continue };
            let text = not_empty(name, text)?;
            let hash = match oaiq_ingest::rules::is_sha256_hex(text) {
                true => text.to_ascii_lowercase(),
                false => sha256(&normalize(text)?),
            };
            person.hashes.push((link, hash));
        }
        match person.obrefs.is_empty() && person.hashes.is_empty() {
            true => Err("name the person: by obref, external_id, email or phone".to_owned()),
            false => Ok(person),
        }
    }
}

fn not_empty<'a>(name: &str, text: &'a str) -> Result<&'a str, String> {
    match text.trim() {
        "" => Err(format!("{name} is empty")),
        text => Ok(text),
    }
}

fn external_id(text: &str) -> Result<String, String> {
    Ok(text.trim().to_owned())
}

fn email(text: &str) -> Result<String, String> {
    let email = text.trim().to_lowercase();
    match email.split_once('@') {
        Some((name, host)) if !name.is_empty() && !host.is_empty() => Ok(email),
        _ => Err("email is not an email address".to_owned()),
    }
}

/// As the documentation of the Conversions API says: without white space, `( ) . -`, a leading `+` and leading zeroes.
fn phone(text: &str) -> Result<String, String> {
    let digits: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !"().-".contains(*c))
        .collect();
    let digits = digits.trim_start_matches('+').trim_start_matches('0');
    let is_number =
        (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    match is_number {
        true => Ok(digits.to_owned()),
        false => Err("phone is not a phone number with country code".to_owned()),
    }
}

fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(identifiers: Identifiers) -> Vec<(Link, String)> {
        identifiers.person(Vec::new()).unwrap().hashes
    }

    #[test]
    fn identifiers_are_normalized_before_they_are_hashed() {
        let one = hashes(Identifiers {
            email: Some(" Jane@Shop.example ".to_owned()),
            phone: Some("+49 (0491) 123-45.67".to_owned()),
            ..Identifiers::default()
        });
        assert_eq!(one[0], (Link::Email, sha256("jane@shop.example")));
        assert_eq!(one[1], (Link::Phone, sha256("4904911234567")));
        // printf abc | sha256sum
        assert!(sha256("abc").starts_with("ba7816bf8f01cfea"));
    }

    #[test]
    fn hash_is_taken_as_it_is() {
        let hash = "AB".repeat(32);
        let one = hashes(Identifiers {
            external_id: Some(hash.clone()),
            ..Identifiers::default()
        });
        assert_eq!(one, [(Link::ExternalId, hash.to_lowercase())]);
    }

    #[test]
    fn unusable_identifier_is_reported_without_its_value() {
        for (identifiers, expected) in [
            (
                Identifiers {
                    email: Some("jane".to_owned()),
                    ..Identifiers::default()
                },
                "email is not",
            ),
            (
                Identifiers {
                    phone: Some("jane".to_owned()),
                    ..Identifiers::default()
                },
                "phone is not",
            ),
            (
                Identifiers {
                    obref: Some(" ".to_owned()),
                    ..Identifiers::default()
                },
                "obref is empty",
            ),
            (Identifiers::default(), "name the person"),
        ] {
            let error = identifiers.person(Vec::new()).unwrap_err();
            assert!(
                error.starts_with(expected) && !error.contains("jane"),
                "{error}"
            );
        }
    }
}
