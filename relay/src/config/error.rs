//! Mistakes in the configuration, in words for whoever wrote it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use figment::error::Kind;

use super::reference::{self, Key};

/// What is wrong with the configuration.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError {
    file: PathBuf,
    /// Each names a key and says what to write.
    mistakes: Vec<String>,
}

impl ConfigError {
    pub(super) fn new(file: &Path, mistakes: Vec<String>) -> Self {
        Self {
            file: file.to_owned(),
            mistakes,
        }
    }

    pub(super) fn unreadable(file: &Path, error: &io::Error) -> Self {
        let mistake = match error.kind() {
            io::ErrorKind::NotFound => {
                "it does not exist; `oaiq-relay config` prints a file to begin with".to_owned()
            }
            _ => format!("it cannot be read: {error}"),
        };
        Self::new(file, vec![mistake])
    }

    pub(super) fn from_figment(file: &Path, error: &figment::Error) -> Self {
        Self::new(
            file,
            error
                .clone()
                .into_iter()
                .map(|one| describe(&one))
                .collect(),
        )
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (i, mistake) in self.mistakes.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{}: {mistake}", self.file.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

fn describe(error: &figment::Error) -> String {
    let path = &error.path;
    let from_env = error
        .metadata
        .as_ref()
        .is_some_and(|metadata| metadata.name.contains("environment"));
    let at = |name: Option<&str>| {
        let mut path: Vec<&str> = path.iter().map(String::as_str).collect();
        path.extend(name);
        path.join(".")
    };
    let named = |key: &str| match from_env {
        true => format!(
            "the environment variable {}{}",
            super::ENV_PREFIX,
            key.to_uppercase().replace('.', "__")
        ),
        false => key.to_owned(),
    };
    let write = |key: &str| match reference::find(key) {
        Some(Key { example, name, .. }) => format!("; write {name} = {example}"),
        None => String::new(),
    };
    match &error.kind {
        Kind::MissingField(name) => {
            let key = at(Some(name));
            match reference::find(&key) {
                Some(_) => format!("{key}: it is missing{}", write(&key)),
                None => format!("{key}: it is missing; write a section [[{key}]]"),
            }
        }
        Kind::UnknownField(name, _) => {
            let key = match path.last() == Some(name) {
                true => at(None),
                false => at(Some(name)),
            };
            let known = reference::siblings(&key).join(", ");
            format!("{}: there is no such key; known here: {known}", named(&key))
        }
        // TOML that does not parse: the message has line and column.
        Kind::Message(message) if path.is_empty() => message.trim_end().to_owned(),
        Kind::Message(message) => format!("{}: {message}", named(&at(None))),
        kind => {
            let key = at(None);
            format!("{}: {kind}{}", named(&key), write(&key))
        }
    }
}
