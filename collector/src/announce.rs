//! What the collector says when it starts.

use std::io::{self, Write};
use std::net::SocketAddr;

use crate::Folders;
use crate::options::Host;

/// Where to find what, for a person to click on.
pub fn addresses(host: Host, port: u16) -> String {
    let base = match host {
        Host::Address(address) if !address.is_unspecified() => {
            format!("http://{}", SocketAddr::new(address, port))
        }
        _ => format!("http://localhost:{port}"),
    };
    let mut text = format!(
        "\
Shop, as if by an ad click   {base}/shop/?oppref=demo-click-1
Inspector                    {base}/inspector
Events endpoint              {base}/v1/sdk/events
"
    );
    if let Host::Address(address) = host
        && !address.is_loopback()
    {
        text.push_str("Other machines that reach this address get in.\n");
    }
    text
}

/// Prints to standard output. That nobody reads there is no reason to stop.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// What is not where the options say, and what to do about it. The collector runs all the same:
/// who only wants the endpoint needs neither.
pub fn missing(folders: &Folders) -> Vec<String> {
    let mut warnings = Vec::new();
    if !folders.pixel_dist.join("oaiq.min.js").is_file() {
        warnings.push(format!(
            "there is no oaiq.min.js in {}, so the pages have no pixel: run `npm run build`, or name the folder with --pixel-dist",
            folders.pixel_dist.display()
        ));
    }
    if !folders.www.is_dir() {
        warnings.push(format!(
            "there is no folder {}, so there is no shop and no inspector: start in the project's folder, or name it with --www",
            folders.www.display()
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_stands_for_all_is_shown_as_one_that_a_browser_opens() {
        let text = addresses(Host::Address([0, 0, 0, 0].into()), 80);
        assert!(text.contains("http://localhost:80/inspector"), "{text}");
        assert!(text.contains("Other machines"), "{text}");
    }

    #[test]
    fn an_ipv6_address_stands_in_brackets() {
        let text = addresses(Host::Address("::1".parse().unwrap()), 8787);
        assert!(text.contains("http://[::1]:8787/inspector"), "{text}");
        assert!(!text.contains("Other machines"), "{text}");
    }

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        let nowhere = Folders {
            pixel_dist: "no/such/dist".into(),
            www: "no/such/www".into(),
        };
        let warnings = missing(&nowhere);
        assert!(warnings[0].contains("npm run build"), "{warnings:?}");
        assert!(warnings[1].contains("--www"), "{warnings:?}");
    }
}
