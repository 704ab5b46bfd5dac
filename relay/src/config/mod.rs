//! The configuration: one TOML file, and environment variables that override it.
//!
//! [`reference`] documents every key. A mistake is reported with the file, the key and what to write.

mod error;
pub mod reference;
mod types;

use std::collections::{BTreeMap, HashSet};
use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use oaiq_ingest::rules;
use serde::Deserialize;

pub use error::ConfigError;
pub use types::{
    Bytes, ForwardedHeader, Gpc, IpRange, List, LogFormat, Origin, Period, Secret, Trust,
};

/// The prefix of environment variables. `__` separates a section from its key.
pub const ENV_PREFIX: &str = "OAIQ_RELAY_";

/// The most events of one request to the Conversions API.
const MAX_BATCH: usize = 1_000;

/// The longest time that an event may be held. The API refuses events that are 7 days old.
const MAX_HOLD: Duration = Duration::from_secs(6 * 24 * 60 * 60);

/// The configuration of a relay. [`reference`] says what each key means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "`reference` documents each key")]
pub struct Config {
    #[serde(default = "defaults::listen")]
    pub listen: SocketAddr,
    #[serde(default = "defaults::metrics_listen")]
    pub metrics_listen: SocketAddr,
    pub origins: List<Origin>,
    #[serde(default)]
    pub trusted_proxies: List<IpRange>,
    #[serde(default)]
    pub forwarded_header: ForwardedHeader,
    #[serde(default = "defaults::limit_per_address")]
    pub limit_per_address: u32,
    #[serde(default = "defaults::trust_timeout")]
    pub trust_timeout: Period,
    #[serde(default = "defaults::drain_timeout")]
    pub drain_timeout: Period,
    #[serde(default)]
    pub log: LogFormat,
    #[serde(default)]
    pub paths: Paths,
    pub pixel: Vec<Pixel>,
    pub backend: Option<Backend>,
    #[serde(default)]
    pub upstream: Upstream,
    #[serde(default)]
    pub store: Store,
    #[serde(default)]
    pub hold: BTreeMap<String, Period>,
    #[serde(default)]
    pub trust: BTreeMap<String, Trust>,
    #[serde(default)]
    pub cookie: Cookie,
    #[serde(default)]
    pub consent: Consent,
    pub nats: Option<Nats>,
    /// The directory of the file, against which relative paths are resolved.
    #[serde(skip)]
    pub dir: PathBuf,
}

/// `[paths]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "`reference` documents each key")]
pub struct Paths {
    pub prefix: String,
    pub host: Option<String>,
    pub pixel_dist: Option<PathBuf>,
}

/// `[[pixel]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "`reference` documents each key")]
pub struct Pixel {
    pub id: String,
    pub key_file: Option<PathBuf>,
    pub key_env: Option<String>,
}

/// `[backend]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "`reference` documents each key")]
pub struct Backend {
    pub key_file: Option<PathBuf>,
    pub key_env: Option<String>,
}

/// `[upstream]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "`reference` documents each key")]
pub struct Upstream {
    pub url: String,
    pub config_url: String,
    pub max_batch: usize,
    pub timeout: Period,
    pub backoff_min: Period,
    pub backoff_max: Period,
    pub probe_interval: Period,
}

/// `[store]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "`reference` documents each key")]
pub struct Store {
    pub path: PathBuf,
    pub max_bytes: Bytes,
}

/// `[cookie]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "`reference` documents each key")]
pub struct Cookie {
    pub set: bool,
    pub domain: Option<String>,
}

/// `[consent]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "`reference` documents each key")]
pub struct Consent {
    pub gpc: Gpc,
}

/// `[nats]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "`reference` documents each key")]
pub struct Nats {
    pub urls: List<String>,
    #[serde(default = "defaults::nats_stream")]
    pub stream: String,
    #[serde(default = "defaults::nats_replicas")]
    pub replicas: usize,
    pub credentials_file: Option<PathBuf>,
    pub ca_file: Option<PathBuf>,
}

/// Default values that are not those of their types.
mod defaults {
    use super::{Duration, Period, SocketAddr};

    pub fn listen() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 8790))
    }
    pub fn metrics_listen() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 9790))
    }
    pub const fn limit_per_address() -> u32 {
        600
    }
    pub const fn trust_timeout() -> Period {
        Period(Duration::from_secs(24 * 60 * 60))
    }
    pub const fn drain_timeout() -> Period {
        Period(Duration::from_secs(10))
    }
    pub fn nats_stream() -> String {
        "oaiq".to_owned()
    }
    pub const fn nats_replicas() -> usize {
        3
    }
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            prefix: "/oaiq/".to_owned(),
            host: None,
            pixel_dist: None,
        }
    }
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            url: "https://bzr.openai.com".to_owned(),
            config_url: "https://bzrcdn.openai.com/pixel-config/v1".to_owned(),
            max_batch: 100,
            timeout: Period(Duration::from_secs(30)),
            backoff_min: Period(Duration::from_secs(1)),
            backoff_max: Period(Duration::from_secs(5 * 60)),
            probe_interval: Period(Duration::from_secs(60)),
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            path: "relay.sqlite".into(),
            max_bytes: Bytes(4 << 30),
        }
    }
}

impl Default for Cookie {
    fn default() -> Self {
        Self {
            set: true,
            domain: None,
        }
    }
}

/// The keys that the configuration names.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The Conversions API key of each pixel.
    pub pixels: BTreeMap<String, Secret>,
    /// What the site's own servers send as Bearer.
    pub backend: Option<Secret>,
}

impl Config {
    /// Reads the file and the environment, and checks all values.
    ///
    /// # Errors
    /// All mistakes that were found, each with the key and what to write.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text =
            fs::read_to_string(file).map_err(|error| ConfigError::unreadable(file, &error))?;
        let env = Env::prefixed(ENV_PREFIX)
            .ignore(&["config"])
            .split("__")
            .global();
        let figment = Figment::new().merge(Toml::string(&text)).merge(env);
        let mut config: Self = figment
            .extract()
            .map_err(|error| ConfigError::from_figment(file, &error))?;
        config.dir = file.parent().map(Path::to_owned).unwrap_or_default();
        let mistakes = config.mistakes();
        if !mistakes.is_empty() {
            return Err(ConfigError::new(file, mistakes));
        }
        Ok(config)
    }

    /// Reads the keys from their files and environment variables.
    ///
    /// # Errors
    /// A key that cannot be read, by the name of its configuration key.
    pub fn load_keys(&self, file: &Path) -> Result<Keys, ConfigError> {
        let mut mistakes = Vec::new();
        let mut read = |key: &str, from_file: Option<&Path>, from_env: Option<&str>| {
            self.read_key(from_file, from_env)
                .map_err(|mistake| mistakes.push(format!("{key}: {mistake}")))
                .ok()
        };
        let mut pixels = BTreeMap::new();
        for (i, pixel) in self.pixel.iter().enumerate() {
            let name = format!("pixel.{i} ({:?})", pixel.id);
            if let Some(key) = read(&name, pixel.key_file.as_deref(), pixel.key_env.as_deref()) {
                pixels.insert(pixel.id.clone(), key);
            }
        }
        let backend = self.backend.as_ref().and_then(|backend| {
            read(
                "backend",
                backend.key_file.as_deref(),
                backend.key_env.as_deref(),
            )
        });
        if let Some(backend) = &backend
            && pixels.values().any(|key| key == backend)
        {
            mistakes.push(
                "backend: its key is the key of a pixel; make up a key of its own, so that a leak of one does not expose the other: `openssl rand -hex 32 > backend-key`"
                    .to_owned(),
            );
        }
        if mistakes.is_empty() {
            Ok(Keys { pixels, backend })
        } else {
            Err(ConfigError::new(file, mistakes))
        }
    }

    fn read_key(&self, file: Option<&Path>, variable: Option<&str>) -> Result<Secret, String> {
        let (text, origin) = match (file, variable) {
            (Some(file), None) => {
                let path = self.resolve(file);
                let text = fs::read_to_string(&path).map_err(|error| {
                    format!(
                        "cannot read key_file {}: {error}; write the key into that file, and let only the relay's user read it",
                        path.display()
                    )
                })?;
                (text, path.display().to_string())
            }
            (None, Some(variable)) => {
                let text = env::var(variable).map_err(|_| {
                    format!("the environment variable {variable} (key_env) is not set; set it to the key")
                })?;
                (text, format!("the environment variable {variable}"))
            }
            _ => {
                return Err("write either key_file = \"FILE\" or key_env = \"VARIABLE\"".to_owned());
            }
        };
        Secret::new(text.trim()).map_err(|mistake| format!("the key in {origin} {mistake}"))
    }

    /// A path of the configuration, relative to its file.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.dir.join(path)
    }

    /// How long an event of this name is held.
    pub fn hold_of(&self, name: &str) -> Duration {
        self.hold.get(name).map_or(Duration::ZERO, |hold| hold.0)
    }

    /// Who is trusted for an event of this name.
    pub fn trust_of(&self, name: &str) -> Trust {
        self.trust.get(name).copied().unwrap_or_default()
    }

    /// Everything that parses but cannot work.
    fn mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut require = |is_right: bool, mistake: &dyn Fn() -> String| {
            if !is_right {
                found.push(mistake());
            }
        };
        require(!self.origins.0.is_empty(), &|| {
            "origins: it is empty; write the origins of your pages, such as origins = [\"https://shop.example\"]".to_owned()
        });
        require(
            self.listen != self.metrics_listen || self.listen.port() == 0,
            &|| {
                "metrics_listen: it is the same as listen; choose another port, which is not public"
                    .to_owned()
            },
        );
        let prefix = &self.paths.prefix;
        let is_prefix = prefix.starts_with('/')
            && prefix.ends_with('/')
            && !prefix.contains("//")
            && prefix
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte));
        require(is_prefix, &|| {
            format!(
                "paths.prefix: {prefix:?} must begin and end with a slash and consist of letters, digits and - _ . ~; write prefix = \"/oaiq/\""
            )
        });
        require(!self.pixel.is_empty(), &|| {
            "pixel: there is none; write a section [[pixel]] with id = \"PIXEL-ID\" and key_file = \"FILE\"".to_owned()
        });
        let mut ids = HashSet::new();
        for (i, pixel) in self.pixel.iter().enumerate() {
            require(
                (1..=rules::MAX_PIXEL_ID_BYTES).contains(&pixel.id.len()),
                &|| {
                    format!(
                        "pixel.{i}.id: it must have 1 to {} bytes; copy it from OpenAI's ads manager",
                        rules::MAX_PIXEL_ID_BYTES
                    )
                },
            );
            require(ids.insert(&pixel.id), &|| {
                format!(
                    "pixel.{i}.id: {:?} is listed twice; remove one of the two sections",
                    pixel.id
                )
            });
            require(pixel.key_file.is_some() != pixel.key_env.is_some(), &|| {
                format!(
                    "pixel.{i}: write either key_file = \"FILE\" or key_env = \"VARIABLE\", the key of the Conversions API for pixel {:?}",
                    pixel.id
                )
            });
        }
        if let Some(backend) = &self.backend {
            require(
                backend.key_file.is_some() != backend.key_env.is_some(),
                &|| {
                    "backend: write either key_file = \"FILE\" or key_env = \"VARIABLE\", the key that your own servers send".to_owned()
                },
            );
        }
        for (key, url) in [
            ("upstream.url", &self.upstream.url),
            ("upstream.config_url", &self.upstream.config_url),
        ] {
            let parsed = url::Url::parse(url);
            let is_http = parsed.is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.query().is_none()
                    && url.fragment().is_none()
            });
            require(is_http && !url.ends_with('/'), &|| {
                format!(
                    "{key}: {url:?} must be a URL that begins with https:// and has no slash at its end"
                )
            });
        }
        let upstream = &self.upstream;
        require((1..=MAX_BATCH).contains(&upstream.max_batch), &|| {
            format!("upstream.max_batch: it must be 1 to {MAX_BATCH}; write max_batch = 100")
        });
        require(
            !upstream.backoff_min.0.is_zero() && upstream.backoff_min.0 <= upstream.backoff_max.0,
            &|| {
                "upstream.backoff_min: it must be longer than 0 and at most backoff_max; write backoff_min = \"1s\"".to_owned()
            },
        );
        require(!upstream.timeout.0.is_zero(), &|| {
            "upstream.timeout: it must be longer than 0; write timeout = \"30s\"".to_owned()
        });
        require(self.store.max_bytes.0 >= 1 << 20, &|| {
            "store.max_bytes: it must be at least 1MiB; write max_bytes = \"4GiB\"".to_owned()
        });
        for (name, hold) in &self.hold {
            require(is_event_name(name), &|| unknown_event("hold", name));
            require(hold.0 <= MAX_HOLD, &|| {
                format!(
                    "hold.{name}: OpenAI refuses events that are older than 7 days; write at most \"6d\""
                )
            });
        }
        for name in self.trust.keys() {
            require(is_event_name(name), &|| unknown_event("trust", name));
        }
        require(self.trust_timeout.0 <= MAX_HOLD, &|| {
            "trust_timeout: OpenAI refuses events that are older than 7 days; write at most \"6d\""
                .to_owned()
        });
        if let Some(nats) = &self.nats {
            require(!nats.urls.0.is_empty(), &|| {
                "nats.urls: it is empty; write the addresses of the NATS servers, such as urls = [\"nats://127.0.0.1:4222\"], or leave the section [nats] out".to_owned()
            });
            for url in &nats.urls.0 {
                let parsed = url::Url::parse(url);
                let is_nats = parsed.is_ok_and(|url| {
                    matches!(url.scheme(), "nats" | "tls") && url.host_str().is_some()
                });
                require(is_nats, &|| {
                    format!(
                        "nats.urls: {:?} is not the address of a NATS server; write nats://HOST:4222, or tls://HOST:4222 for TLS",
                        without_password(url)
                    )
                });
            }
            let is_name = (1..=32).contains(&nats.stream.len())
                && nats
                    .stream
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            require(is_name, &|| {
                format!(
                    "nats.stream: {:?} must consist of 1 to 32 letters, digits, - and _; write stream = \"oaiq\"",
                    nats.stream
                )
            });
            require((1..=5).contains(&nats.replicas), &|| {
                "nats.replicas: NATS stores 1 to 5 copies; write replicas = 3".to_owned()
            });
        }
        if let Some(domain) = &self.cookie.domain {
            require(is_cookie_domain(domain), &|| {
                format!(
                    "cookie.domain: {domain:?} is not a domain that can have cookies; write your site's domain, such as \"shop.example\""
                )
            });
            let covers = |origin: &Origin| covers_host(domain, origin.host());
            require(self.origins.0.iter().any(covers), &|| {
                format!(
                    "cookie.domain: no origin has a host in {domain:?}; write the domain of the hosts in origins"
                )
            });
        }
        found
    }
}

/// The address of a NATS server, which may have a name and a password before its host.
fn without_password(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, host)| host)
}

/// Whether events may have this name: a standard event's, or a custom event's own.
fn is_event_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=64).contains(&name.len())
        && name != "custom"
        && name
            .bytes()
            .all(|byte| is_inner(byte) || b"_-".contains(&byte))
        && name.bytes().next().is_some_and(is_inner)
        && name.bytes().last().is_some_and(is_inner)
}

fn unknown_event(section: &str, name: &str) -> String {
    format!(
        "{section}.{name}: no event can have this name; write an event's name, such as order_created, or the own name of a custom event in lowercase"
    )
}

/// Whether a browser takes cookies for this domain: not for a public suffix, such as `co.uk`.
fn is_cookie_domain(domain: &str) -> bool {
    let is_name = !domain.is_empty()
        && domain.parse::<std::net::IpAddr>().is_err()
        && domain
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        && !domain.starts_with('.')
        && !domain.ends_with('.');
    is_name && psl::suffix_str(domain).is_some_and(|suffix| suffix.len() < domain.len())
}

/// Whether a cookie of the domain is sent to the host: <https://www.rfc-editor.org/rfc/rfc6265#section-5.1.3>.
pub fn covers_host(domain: &str, host: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests;
