use std::fs;
use std::path::PathBuf;

use super::reference::KEYS;
use super::*;

/// The configuration of the documentation, without NATS.
const DOCUMENTED: &str = r#"
listen = "127.0.0.1:8790"            # what browsers and the site's backend reach
metrics_listen = "127.0.0.1:9790"    # /metrics, /live, /ready; never public
origins = ["https://shop.example"]   # pages that may send
trusted_proxies = ["127.0.0.1/32"]   # whose X-Forwarded-For and Forwarded are believed
limit_per_address = 600              # requests a minute; 0 is none

[paths]
prefix = "/oaiq/"                    # oaiq.min.js, v1/sdk/events, v1/events, pixel-config/v1

[[pixel]]
id = "my-pixel"
key_file = "key"                     # the Conversions API key; relative to this file

[backend]
key_file = "backend-key"             # what the site's own servers send as Bearer

[upstream]
url = "https://bzr.openai.com"
max_batch = 100

[store]
path = "relay.sqlite"
max_bytes = "4GiB"

[hold]                               # wait for the other half of a conversion
order_created = "60s"

[trust]                              # default: browser
subscription_created = "backend"

[cookie]
domain = "shop.example"

[consent]
gpc = "deny"                         # or "opt-out", or "ignore"

[nats]                               # left out: one machine
urls = ["nats://127.0.0.1:4222"]
stream = "oaiq"
replicas = 3
"#;

fn write(name: &str, text: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("oaiq-relay-config-{}-{name}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let file = dir.join("relay.toml");
    fs::write(&file, text).unwrap();
    file
}

fn error(name: &str, text: &str) -> String {
    let file = write(name, text);
    let error = Config::load(&file).unwrap_err().to_string();
    for line in error.lines().filter(|line| line.contains(": ")) {
        assert!(
            line.contains("relay.toml") || line.starts_with(' '),
            "{line}"
        );
    }
    error
}

/// The documented file with one text replaced.
fn documented_with(old: &str, new: &str) -> String {
    assert!(DOCUMENTED.contains(old), "{old}");
    DOCUMENTED.replace(old, new)
}

#[test]
fn documented_file_works_as_it_stands() {
    let file = write("documented", DOCUMENTED);
    let config = Config::load(&file).unwrap();
    assert_eq!(config.origins.0[0].as_str(), "https://shop.example");
    assert_eq!(config.hold_of("order_created"), Duration::from_secs(60));
    assert_eq!(config.hold_of("lead_created"), Duration::ZERO);
    assert_eq!(config.trust_of("subscription_created"), Trust::Backend);
    assert_eq!(config.trust_of("order_created"), Trust::Browser);
    assert_eq!(config.store.max_bytes, Bytes(4 << 30));
    assert_eq!(
        config.resolve(&config.store.path),
        file.with_file_name("relay.sqlite")
    );
    assert_eq!(config.nats.unwrap().replicas, 3);

    fs::write(file.with_file_name("key"), "sk-openai\n").unwrap();
    fs::write(file.with_file_name("backend-key"), "own\n").unwrap();
    let config = Config::load(&file).unwrap();
    let keys = config.load_keys(&file).unwrap();
    assert_eq!(keys.pixels["my-pixel"].expose(), "sk-openai");
    assert!(keys.backend.as_ref().unwrap().matches("own"));
    assert!(!format!("{keys:?}").contains("sk-openai"));
}

#[test]
fn reference_states_the_defaults() {
    let minimal =
        "origins = [\"https://shop.example\"]\n[[pixel]]\nid = \"my-pixel\"\nkey_file = \"key\"\n";
    let from_defaults = Config::load(&write("minimal", minimal)).unwrap();
    // Only what is required is uncommented.
    let reference = reference::as_toml()
        .replace("#: origins", "origins")
        .replace("#: [[pixel]]", "[[pixel]]")
        .replace("#: id", "id")
        .replacen("#: key_file = \"key\"", "key_file = \"key\"", 1);
    let file = write("reference", &reference);
    let mut from_reference = Config::load(&file).unwrap();
    from_reference.dir.clone_from(&from_defaults.dir);
    assert_eq!(format!("{from_reference:?}"), format!("{from_defaults:?}"));
}

#[test]
fn reference_has_every_key() {
    // With every key set, no field keeps its `None` or empty value.
    let all = reference::as_toml()
        .replace("#: ", "")
        .replace("key_env = \"OPENAI_ADS_KEY\"", "")
        .replace("key_env = \"OAIQ_BACKEND_KEY\"", "")
        .replace("trusted_proxies = []", "trusted_proxies = [\"10.0.0.1\"]");
    let config = Config::load(&write("all", &all)).unwrap();
    let shown = format!("{config:?}");
    assert_eq!(
        shown.matches("None").count(),
        shown.matches("key_env: None").count(),
        "{shown}"
    );
    // Field names that `Debug` shows, against the table.
    for name in [
        "listen",
        "metrics_listen",
        "origins",
        "trusted_proxies",
        "forwarded_header",
        "limit_per_address",
        "trust_timeout",
        "drain_timeout",
        "log",
        "prefix",
        "host",
        "pixel_dist",
        "id",
        "key_file",
        "url",
        "config_url",
        "max_batch",
        "timeout",
        "backoff_min",
        "backoff_max",
        "probe_interval",
        "path",
        "max_bytes",
        "set",
        "domain",
        "gpc",
        "urls",
        "stream",
        "replicas",
    ] {
        assert!(shown.contains(&format!("{name}: ")), "{name}");
        assert!(KEYS.iter().any(|key| key.name == name), "{name}");
    }
    for key in KEYS {
        assert!(key.doc.ends_with('.'), "{}", key.name);
    }
}

#[test]
fn missing_key_is_named_with_what_to_write() {
    let text = error("missing", "[[pixel]]\nid = \"p\"\nkey_file = \"key\"\n");
    assert!(
        text.contains("origins: it is missing; write origins = [\"https://shop.example\"]"),
        "{text}"
    );
    let text = error("no-pixel", "origins = [\"https://shop.example\"]\n");
    assert!(
        text.contains("pixel: it is missing; write a section [[pixel]]"),
        "{text}"
    );
    let text = error(
        "no-id",
        "origins = [\"https://shop.example\"]\n[[pixel]]\nkey_file = \"key\"\n",
    );
    assert!(
        text.contains("pixel.0.id: it is missing; write id = \"my-pixel\""),
        "{text}"
    );
}

#[test]
fn unknown_key_is_named_with_the_known_ones() {
    let text = error("unknown", &documented_with("max_batch", "batch"));
    assert!(
        text.contains("upstream.batch: there is no such key; known here: url"),
        "{text}"
    );
    let text = error("unknown-top", &format!("key = 1\n{DOCUMENTED}"));
    assert!(
        text.contains("key: there is no such key") && text.contains("store"),
        "{text}"
    );
}

#[test]
fn wrong_value_is_named_with_what_to_write() {
    for (old, new, expected) in [
        (
            "\"4GiB\"",
            "\"much\"",
            "store.max_bytes: \"much\" is not a size: write",
        ),
        (
            "\"60s\"",
            "\"soon\"",
            "hold.order_created: \"soon\" is not a time span: write",
        ),
        ("\"60s\"", "\"8d\"", "hold.order_created: OpenAI refuses"),
        (
            "max_batch = 100",
            "max_batch = \"x\"",
            "upstream.max_batch: ",
        ),
        (
            "max_batch = 100",
            "max_batch = 1001",
            "upstream.max_batch: it must be 1 to 1000",
        ),
        (
            "[\"https://shop.example\"]",
            "[\"shop.example\"]",
            "origins.0: \"shop.example\" is not an origin",
        ),
        (
            "[\"https://shop.example\"]",
            "[\"https://shop.example/a\"]",
            "origins.0: ",
        ),
        ("[\"https://shop.example\"]", "[]", "origins: it is empty"),
        (
            "127.0.0.1/32",
            "localhost",
            "trusted_proxies.0: \"localhost\" is neither",
        ),
        ("prefix = \"/oaiq/\"", "prefix = \"oaiq\"", "paths.prefix: "),
        ("gpc = \"deny\"", "gpc = \"no\"", "consent.gpc: "),
        (
            "subscription_created = \"backend\"",
            "subscription_created = \"me\"",
            "trust.subscription_created: ",
        ),
        (
            "order_created = ",
            "Order = ",
            "hold.Order: no event can have this name",
        ),
        (
            "domain = \"shop.example\"",
            "domain = \"other.example\"",
            "cookie.domain: no origin has a host in",
        ),
        (
            "domain = \"shop.example\"",
            "domain = \"example\"",
            "cookie.domain: \"example\" is not a domain that can have cookies",
        ),
        ("https://bzr.openai.com", "bzr.openai.com", "upstream.url: "),
        ("key_file = \"key\"", "", "pixel.0: write either key_file"),
        (
            "127.0.0.1:9790",
            "127.0.0.1:8790",
            "metrics_listen: it is the same",
        ),
        (
            "id = \"my-pixel\"",
            "id = \"my-pixel",
            "relay.toml: TOML parse error at line 12",
        ),
    ] {
        let text = error("wrong", &documented_with(old, new));
        assert!(text.contains(expected), "{new}: {text}");
    }
}

#[test]
fn every_mistake_is_reported_at_once() {
    let text = documented_with("prefix = \"/oaiq/\"", "prefix = \"oaiq\"")
        .replace("max_batch = 100", "max_batch = 0");
    let text = error("two", &text);
    assert!(
        text.contains("paths.prefix") && text.contains("upstream.max_batch"),
        "{text}"
    );
}

#[test]
fn missing_file_is_reported_with_the_command_that_prints_one() {
    let error = Config::load(Path::new("/nowhere/relay.toml"))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("/nowhere/relay.toml: it does not exist; `oaiq-relay config`"),
        "{error}"
    );
}

#[test]
fn unusable_key_is_reported_by_its_file() {
    let file = write(
        "keys",
        &documented_with(
            "key_file = \"backend-key\"",
            "key_env = \"OAIQ_NO_SUCH_VARIABLE\"",
        ),
    );
    let config = Config::load(&file).unwrap();
    fs::write(file.with_file_name("key"), "two words").unwrap();
    let error = config.load_keys(&file).unwrap_err().to_string();
    assert!(
        error.contains("pixel.0 (\"my-pixel\"): the key in") && error.contains("has spaces"),
        "{error}"
    );
    assert!(
        error.contains(
            "backend: the environment variable OAIQ_NO_SUCH_VARIABLE (key_env) is not set"
        ),
        "{error}"
    );
    assert!(!error.contains("two words"), "{error}");

    let file = write("same-keys", DOCUMENTED);
    for name in ["key", "backend-key"] {
        fs::write(file.with_file_name(name), "same").unwrap();
    }
    let error = Config::load(&file)
        .unwrap()
        .load_keys(&file)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("backend: its key is the key of a pixel"),
        "{error}"
    );
}

#[test]
fn origin_has_no_default_port() {
    let origin: Origin = "https://Shop.example:443".parse().unwrap();
    assert_eq!(origin.as_str(), "https://shop.example");
    let origin: Origin = "http://localhost:8787".parse().unwrap();
    assert_eq!(
        (origin.as_str(), origin.host()),
        ("http://localhost:8787", "localhost")
    );
    assert_eq!(
        Origin::of_url("https://a.example/b?c#d").unwrap().as_str(),
        "https://a.example"
    );
    assert_eq!(Origin::of_url("about:blank"), None);
}
