//! What the collector says when it starts and when it stops.

use std::io::{self, Write};
use std::path::{self, Path};

use crate::Config;
use crate::http::assets::Assets;

/// Where to find what, for a person to click on, and where the events are kept.
pub fn started(config: &Config, data: &Path, kept: usize) -> String {
    let base = config.listening.first().map_or("", String::as_str);
    let pixel = config.pixels.first().map_or("PIXEL", String::as_str);
    let key = match config.key {
        Some(_) => "with the key that was given",
        None => "with any key",
    };
    let mut text = format!(
        "\
Shop, as if by an ad click   {base}/shop/?oppref=demo-click-1
Inspector                    {base}/inspector
Events endpoint              {base}/v1/sdk/events
Conversions API              {base}/v1/events?pid={pixel}, {key}
Events are kept in           {}, which has {}
",
        absolute(data),
        events(kept),
    );
    if !config.is_loopback {
        text.push_str("Other machines that reach this address get in.\n");
    }
    text
}

/// That all is written.
pub fn stopped(data: &Path, kept: usize) -> String {
    format!("Stopped; {} kept in {}\n", events(kept), absolute(data))
}

/// A file as it is found from every folder.
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

/// Prints to standard output. That nobody reads there is no reason to stop.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// What is not where the options say, and what to do about it. The collector runs all the same:
/// who only wants the endpoint needs neither.
pub fn missing_assets(assets: &Assets) -> Vec<String> {
    let mut warnings = Vec::new();
    if !assets.has_sdk() {
        warnings.push(match &assets.sdk {
            Some(folder) => format!(
                "there is no oaiq.min.js in {}, so the pages have no pixel: run `npm run build`, or name the folder with --pixel-dist",
                folder.display()
            ),
            None => "this program was built without the pixel, so the pages have none: name a folder with --pixel-dist, or run `npm run build` in the project and install this program again".to_owned(),
        });
    }
    let missing = assets.missing();
    if !missing.is_empty() {
        warnings.push(format!(
            "there is no {}: run `npm run build` in the project, or name the folder that has both with --www",
            missing.join(" and no ")
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
    fn an_address_that_stands_for_all_is_shown_as_one_that_a_browser_opens() {
        let text = banner(ListenHost::Address([0, 0, 0, 0].into()), 80);
        assert!(text.contains("http://localhost:80/inspector"), "{text}");
        assert!(text.contains("Other machines"), "{text}");
    }

    #[test]
    fn an_ipv6_address_stands_in_brackets() {
        let text = banner(ListenHost::Address("::1".parse().unwrap()), 8787);
        assert!(text.contains("http://[::1]:8787/inspector"), "{text}");
        assert!(!text.contains("Other machines"), "{text}");
        assert!(text.contains("a.sqlite, which has 1 event\n"), "{text}");
    }

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        let nowhere = Assets {
            sdk: Some("no/such/dist".into()),
            shop: Some("no/such/www".into()),
            inspector: Some("no/such/www".into()),
        };
        let warnings = missing_assets(&nowhere);
        assert!(warnings[0].contains("npm run build"), "{warnings:?}");
        assert!(
            warnings[1].contains("no shop and no inspector") && warnings[1].contains("--www"),
            "{warnings:?}"
        );
    }
}
