//! Every key of the configuration: what `oaiq-relay config` prints, and what error messages suggest.

use std::fmt::Write;

/// A key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The section, such as `store`; empty for the keys before the first section.
    pub section: &'static str,
    /// The name in that section.
    pub name: &'static str,
    /// A value, as TOML. It is the default, if there is one.
    pub example: &'static str,
    /// Whether `example` is the default. Other keys are required, or off unless set.
    pub is_default: bool,
    /// What it means, in complete sentences.
    pub doc: &'static str,
}

const fn key(
    section: &'static str,
    name: &'static str,
    example: &'static str,
    doc: &'static str,
) -> Key {
    Key {
        section,
        name,
        example,
        is_default: true,
        doc,
    }
}

const fn optional(
    section: &'static str,
    name: &'static str,
    example: &'static str,
    doc: &'static str,
) -> Key {
    Key {
        is_default: false,
        ..key(section, name, example, doc)
    }
}

/// All keys, in the order of the file.
pub const KEYS: &[Key] = &[
    key(
        "",
        "listen",
        r#""127.0.0.1:8790""#,
        "The address that browsers and the site's own servers reach, usually behind a proxy that has the certificate.",
    ),
    key(
        "",
        "metrics_listen",
        r#""127.0.0.1:9790""#,
        "The address of /metrics, /live and /ready. Never make it public.",
    ),
    optional(
        "",
        "origins",
        r#"["https://shop.example"]"#,
        "Required. The origins of the pages that may send events: scheme and host, without a path. Requests of other pages are refused.",
    ),
    key(
        "",
        "trusted_proxies",
        "[]",
        "The proxies whose X-Forwarded-For and Forwarded are believed: IP addresses or ranges, such as \"127.0.0.1/32\". The visitor's address is the rightmost one that none of them has added.",
    ),
    key(
        "",
        "forwarded_header",
        r#""any""#,
        "Which of the two headers your proxy sets: \"x-forwarded-for\", \"forwarded\", or \"any\". With \"any\", a request with both that name different visitors has no address, because one of them is forged.",
    ),
    key(
        "",
        "limit_per_address",
        "600",
        "How many requests a minute one address may send; 0 means no limit. An IPv6 address counts with its /64 network.",
    ),
    key(
        "",
        "trust_timeout",
        r#""1d""#,
        "How long a browser's event with trust \"backend\" waits for the same event from the backend before it is dropped; at most 6 days.",
    ),
    key(
        "",
        "drain_timeout",
        r#""10s""#,
        "How long a stop waits for requests in progress and for events that are due. What is left is kept in the store.",
    ),
    key(
        "",
        "log",
        r#""text""#,
        "The form of the log: \"text\" or \"json\". It never contains identifiers of visitors.",
    ),
    key(
        "paths",
        "prefix",
        r#""/oaiq/""#,
        "Where the relay is on its host. Below it are oaiq.min.js, v1/sdk/events, v1/events, v1/forget and pixel-config/v1.",
    ),
    optional(
        "paths",
        "host",
        r#""events.shop.example""#,
        "The host under which browsers reach the relay, if it is not the host of your pages. `oaiq-relay check` tells whether Safari treats its cookies well.",
    ),
    optional(
        "paths",
        "pixel_dist",
        r#""dist""#,
        "A directory with a build of the pixel, to serve instead of the build inside this program. Relative to this file.",
    ),
    optional(
        "pixel",
        "id",
        r#""my-pixel""#,
        "Required. The pixel's ID. Write one section [[pixel]] for each pixel; events of other pixels are refused.",
    ),
    optional(
        "pixel",
        "key_file",
        r#""key""#,
        "A file with the pixel's key of the Conversions API. Relative to this file.",
    ),
    optional(
        "pixel",
        "key_env",
        r#""OPENAI_ADS_KEY""#,
        "Instead of key_file: the name of an environment variable with the key.",
    ),
    optional(
        "backend",
        "key_file",
        r#""backend-key""#,
        "A file with the key that the site's own servers send as Bearer. Make one up: openssl rand -hex 32. Without this section, no server may send events.",
    ),
    optional(
        "backend",
        "key_env",
        r#""OAIQ_BACKEND_KEY""#,
        "Instead of key_file: the name of an environment variable with the key.",
    ),
    key(
        "upstream",
        "url",
        r#""https://bzr.openai.com""#,
        "The host of the Conversions API. Events go to v1/events below it.",
    ),
    key(
        "upstream",
        "config_url",
        r#""https://bzrcdn.openai.com/pixel-config/v1""#,
        "Where the settings of pixels come from. They are cached for 5 minutes.",
    ),
    key(
        "upstream",
        "max_batch",
        "100",
        "The most events of one request, 1 to 1000.",
    ),
    key(
        "upstream",
        "timeout",
        r#""30s""#,
        "How long a request to OpenAI may take.",
    ),
    key(
        "upstream",
        "backoff_min",
        r#""1s""#,
        "How long to wait after the first failed request. The wait doubles with each further failure, and is varied at random.",
    ),
    key(
        "upstream",
        "backoff_max",
        r#""5m""#,
        "The longest wait between two attempts.",
    ),
    key(
        "upstream",
        "probe_interval",
        r#""1m""#,
        "How often to try a pixel whose key OpenAI refuses.",
    ),
    key(
        "store",
        "path",
        r#""relay.sqlite""#,
        "The file of undelivered events, clicks and dead letters. Relative to this file. Only the relay's user should read it.",
    ),
    key(
        "store",
        "max_bytes",
        r#""4GiB""#,
        "The most bytes of data in that file. When it is full, the relay answers 503 and is not ready, and still delivers.",
    ),
    optional(
        "hold",
        "order_created",
        r#""60s""#,
        "How long an event of this name waits for its other half, from the browser or the backend, so that both go as one. Write one line for each event name; a custom event has its own name.",
    ),
    optional(
        "trust",
        "subscription_created",
        r#""backend""#,
        "Who is trusted for events of this name: \"browser\" (the default), or \"backend\": a browser's event is forwarded only after the backend has sent the same one.",
    ),
    key(
        "cookie",
        "set",
        "true",
        "Whether answers set the cookies __oppref and __obref, so that browsers keep them as long as cookies of your server.",
    ),
    optional(
        "cookie",
        "domain",
        r#""shop.example""#,
        "The domain of these cookies: the widest one that all your pages share. Without it, they belong to the relay's host alone.",
    ),
    key(
        "consent",
        "gpc",
        r#""deny""#,
        "What Global Privacy Control (Sec-GPC: 1) means: \"deny\" (nothing is stored or forwarded), \"opt-out\" (events carry opt_out), or \"ignore\".",
    ),
    optional(
        "nats",
        "urls",
        r#"["nats://127.0.0.1:4222"]"#,
        "For relays on several machines: the NATS servers, as nats://HOST:4222, or tls://HOST:4222 for TLS. Leave the section out on one machine.",
    ),
    optional(
        "nats",
        "stream",
        r#""oaiq""#,
        "The name of the JetStream stream, and the first part of the names of its key-value buckets; \"oaiq\" unless set. Relays with the same name work together.",
    ),
    optional(
        "nats",
        "replicas",
        "3",
        "How many NATS servers store each event, 1 to 5; 3 unless set.",
    ),
    optional(
        "nats",
        "credentials_file",
        r#""relay.creds""#,
        "A file with the credentials that NATS asks for (.creds: a JWT and a key). Relative to this file. A name and a password go into urls: nats://NAME:PASSWORD@HOST:4222.",
    ),
    optional(
        "nats",
        "ca_file",
        r#""ca.pem""#,
        "A file with the certificate authority that has signed the certificates of the NATS servers. Without it, that of the system is used.",
    ),
];

/// The key at this path, such as `pixel.0.id`.
pub fn find(path: &str) -> Option<Key> {
    let parts: Vec<&str> = path
        .split('.')
        .filter(|part| part.parse::<usize>().is_err())
        .collect();
    let (section, name) = match parts[..] {
        [name] => ("", name),
        [section, name] => (section, name),
        _ => return None,
    };
    // Event names are free.
    let is_free = matches!(section, "hold" | "trust");
    KEYS.iter()
        .find(|key| key.section == section && (key.name == name || is_free))
        .map(|key| match is_free {
            true => Key {
                name: KEYS
                    .iter()
                    .find(|known| known.section == section && known.name == name)
                    .map_or(key.name, |known| known.name),
                ..*key
            },
            false => *key,
        })
}

/// The names that are known next to this key, and at the top also the sections.
pub fn siblings(path: &str) -> Vec<&'static str> {
    let section = path
        .split('.')
        .rev()
        .skip(1)
        .find(|part| part.parse::<usize>().is_err())
        .unwrap_or_default();
    let mut names: Vec<&str> = KEYS
        .iter()
        .filter(|key| key.section == section)
        .map(|key| key.name)
        .collect();
    if section.is_empty() {
        names.extend(
            KEYS.iter()
                .map(|key| key.section)
                .filter(|name| !name.is_empty()),
        );
        names.dedup();
    }
    names
}

/// The width of comments.
const WIDTH: usize = 100;

/// A configuration file with all keys: defaults as they are, the others as comments.
pub fn as_toml() -> String {
    let mut out = format!(
        "The configuration of oaiq-relay {}. Every key can also be an environment variable, which wins: {}LISTEN, {}STORE__PATH and so on. A line that begins with #: is not set unless you remove the #:.",
        env!("CARGO_PKG_VERSION"),
        super::ENV_PREFIX,
        super::ENV_PREFIX,
    );
    out = as_comment(&out);
    let mut section = "";
    for key in KEYS {
        // Writing to a String cannot fail.
        if key.section != section {
            section = key.section;
            let has_default = KEYS
                .iter()
                .any(|other| other.section == section && other.is_default);
            let header = match section {
                "pixel" => "[[pixel]]".to_owned(),
                other => format!("[{other}]"),
            };
            let mark = if has_default { "" } else { "#: " };
            let _ = write!(out, "\n{mark}{header}\n");
        }
        let _ = write!(out, "\n{}", as_comment(key.doc));
        let mark = if key.is_default { "" } else { "#: " };
        let _ = writeln!(out, "{mark}{} = {}", key.name, key.example);
    }
    out
}

/// Breaks a text into lines that begin with `# `.
fn as_comment(text: &str) -> String {
    let mut out = String::new();
    let mut line = String::from("#");
    for word in text.split(' ') {
        if line.len() + 1 + word.len() > WIDTH {
            out += &line;
            out.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line += word;
    }
    out + &line + "\n"
}
