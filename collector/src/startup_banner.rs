//! The output of the program when it starts and stops.

use std::io::{self, Write};
use std::path::{self, Path};

use crate::Config;
use crate::http::assets::Assets;

/// The URLs to open, and the database file.
pub fn started(config: &Config, data: &Path, stored: usize) -> String {
    let base = config.listening.first().map_or("", String::as_str);
    let pixel = config.pixels.first().map_or("PIXEL", String::as_str);
    let key = match config.key {
        Some(_) => "requires the key from --key",
        None => "accepts any key",
    };
    let mut text = format!(
        "\
Shop, with a click ID        {base}/shop/?oppref=demo-click-1
Inspector                    {base}/inspector
Events endpoint              {base}/v1/sdk/events
Conversions API              {base}/v1/events?pid={pixel} ({key})
Database                     {} ({})
",
        absolute(data),
        events(stored),
    );
    if !config.is_loopback {
        text.push_str("Other machines can connect to this address.\n");
    }
    text
}

/// Confirms that all events are written.
pub fn stopped(data: &Path, stored: usize) -> String {
    format!("Stopped. {} stored in {}\n", events(stored), absolute(data))
}

/// The absolute path, for display.
fn absolute(file: &Path) -> String {
    let file = path::absolute(file).unwrap_or_else(|_| file.to_owned());
    file.display().to_string()
}

fn events(count: usize) -> String {
    match count {
        1 => "1 event".to_owned(),
        _ => format!("{count} events"),
    }
}

/// Prints to standard output. Errors are ignored: a closed pipe is no reason to stop.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Warnings about missing pages and a missing pixel. The endpoints work without them.
pub fn missing_assets(assets: &Assets) -> Vec<String> {
    let mut warnings = Vec::new();
    if !assets.has_sdk() {
        warnings.push(match &assets.sdk {
            Some(dir) => format!(
                "{} has no oaiq.min.js, so the pages have no pixel: run `npm run build`, or choose another directory with --pixel-dist",
                dir.display()
            ),
            None => "this program was built without the pixel, so the pages have none: choose a directory with --pixel-dist, or run `npm run build` in the project and reinstall".to_owned(),
        });
    }
    let missing = assets.missing();
    if !missing.is_empty() {
        warnings.push(format!(
            "missing pages: {}. Run `npm run build` in the project, or choose a directory with --www",
            missing.join(" and ")
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ListenHost;
    use std::time::Duration;

    fn banner(host: ListenHost, port: u16) -> String {
        let config = Config {
            assets: Assets::default(),
            pixels: Vec::new(),
            key: None,
            read_timeout: Duration::ZERO,
            listening: vec![host.origin(port)],
            is_loopback: host.is_loopback(),
        };
        started(&config, Path::new("a.sqlite"), 1)
    }

    #[test]
    fn unspecified_address_is_shown_as_localhost() {
        let text = banner(ListenHost::Address([0, 0, 0, 0].into()), 80);
        assert!(text.contains("http://localhost:80/inspector"), "{text}");
        assert!(text.contains("Other machines"), "{text}");
    }

    #[test]
    fn ipv6_address_is_shown_in_brackets() {
        let text = banner(ListenHost::Address("::1".parse().unwrap()), 8787);
        assert!(text.contains("http://[::1]:8787/inspector"), "{text}");
        assert!(!text.contains("Other machines"), "{text}");
        assert!(text.contains("a.sqlite (1 event)\n"), "{text}");
    }

    #[test]
    fn missing_assets_are_reported_with_the_option() {
        let nowhere = Assets {
            sdk: Some("no/such/dist".into()),
            shop: Some("no/such/www".into()),
            inspector: Some("no/such/www".into()),
        };
        let warnings = missing_assets(&nowhere);
        assert!(warnings[0].contains("npm run build"), "{warnings:?}");
        assert!(
            warnings[1].contains("missing pages: shop and inspector")
                && warnings[1].contains("--www"),
            "{warnings:?}"
        );
    }
}
