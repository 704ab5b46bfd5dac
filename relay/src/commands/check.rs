//! `oaiq-relay check`: whether the relay can work, and what to do if not.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytesize::ByteSize;
use serde_json::json;

use crate::clock::Clock;
use crate::cluster;
use crate::config::{Config, Keys, Origin, covers_host};
use crate::forward::{Answer, RawResponse, Upstream};
use crate::http::assets::{Assets, SCRIPT};
use crate::store::schema::{self, IfMissing};

/// A clock may be wrong by this much without a remark.
const GOOD_CLOCK: Duration = Duration::from_secs(30);

/// From here on, OpenAI may refuse events as too new.
const BAD_CLOCK: Duration = Duration::from_secs(5 * 60);

/// How long one request of a check may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The results of all checks.
#[derive(Debug, Default)]
pub struct Report(Vec<Finding>);

#[derive(Debug)]
struct Finding {
    kind: Kind,
    about: String,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Good,
    Remark,
    Problem,
}

impl Report {
    /// How many checks have failed.
    pub fn problems(&self) -> usize {
        let problems = self
            .0
            .iter()
            .filter(|finding| finding.kind == Kind::Problem);
        problems.count()
    }

    fn add(&mut self, kind: Kind, about: impl Into<String>, text: impl Into<String>) {
        self.0.push(Finding {
            kind,
            about: about.into(),
            text: text.into(),
        });
    }

    fn good(&mut self, about: impl Into<String>, text: impl Into<String>) {
        self.add(Kind::Good, about, text);
    }

    fn remark(&mut self, about: impl Into<String>, text: impl Into<String>) {
        self.add(Kind::Remark, about, text);
    }

    fn problem(&mut self, about: impl Into<String>, text: impl Into<String>) {
        self.add(Kind::Problem, about, text);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for Finding { kind, about, text } in &self.0 {
            let mark = match kind {
                Kind::Good => "ok     ",
                Kind::Remark => "note   ",
                Kind::Problem => "PROBLEM",
            };
            writeln!(f, "{mark}  {about}: {text}")?;
        }
        Ok(())
    }
}

/// Runs all checks that make sense with this configuration.
pub async fn check(file: &Path) -> Report {
    let mut report = Report::default();
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(error) => {
            report.problem("configuration", error.to_string());
            return report;
        }
    };
    report.good("configuration", format!("{} can be used", file.display()));
    check_files(&mut report, &config);
    check_store(&mut report, &config);
    check_cookies(&mut report, &config);
    check_nats(&mut report, &config).await;
    match config.load_keys(file) {
        Ok(keys) => check_openai(&mut report, &config, &keys).await,
        Err(error) => report.problem("keys", error.to_string()),
    }
    check_hosts(&mut report, &config).await;
    report
}

fn check_files(report: &mut Report, config: &Config) {
    let dist = config
        .paths
        .pixel_dist
        .as_ref()
        .map(|dir| config.resolve(dir));
    match Assets::load(dist.as_deref()) {
        Ok(assets) if assets.has_script() => {
            let prefix = &config.paths.prefix;
            let version = assets.version();
            report.good(
                "pixel",
                format!("{prefix}{SCRIPT}, or {prefix}{version}/{SCRIPT}, which browsers may keep for a year"),
            );
        }
        Ok(_) => report.problem(
            "pixel",
            "this program was built without it: run `npm run build` before `cargo install`, or set paths.pixel_dist",
        ),
        Err(error) => report.problem("pixel", format!("paths.pixel_dist cannot be read: {error}")),
    }
}

fn check_store(report: &mut Report, config: &Config) {
    let path = config.resolve(&config.store.path);
    if let Err(error) = schema::open(&path, IfMissing::Create) {
        report.problem("store", error.to_string());
        return;
    }
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let used = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
    let wanted = config.store.max_bytes.0.saturating_sub(used);
    match fs4::available_space(dir) {
        Ok(free) if free < wanted => report.problem(
            "disk",
            format!(
                "{} may grow by {}, but the disk has only {} left: free some space, or lower store.max_bytes",
                path.display(),
                ByteSize(wanted),
                ByteSize(free)
            ),
        ),
        Ok(free) => report.good(
            "disk",
            format!("{} can be written, and the disk has {} left", path.display(), ByteSize(free)),
        ),
        Err(error) => report.problem("disk", format!("cannot tell the free space: {error}")),
    }
}

async fn check_nats(report: &mut Report, config: &Config) {
    let Some(nats) = &config.nats else { return };
    match cluster::check(config, nats).await {
        Ok(servers) if servers < nats.replicas => report.problem(
            "NATS",
            format!(
                "nats.replicas is {}, but NATS has {servers} servers: start more servers of the same cluster, or set replicas = {servers}",
                nats.replicas
            ),
        ),
        Ok(servers) if nats.replicas < 3 => report.remark(
            "NATS",
            format!("JetStream can be used, with {servers} servers. With {} copies, the death of one server stops or loses events: start 3 servers and set replicas = 3", nats.replicas),
        ),
        Ok(servers) => report.good(
            "NATS",
            format!("JetStream can be used, with {servers} servers, and stores {} copies", nats.replicas),
        ),
        Err(error) => report.problem("NATS", error),
    }
}

fn check_cookies(report: &mut Report, config: &Config) {
    if !config.cookie.set {
        report.remark(
            "cookies",
            "cookie.set is false: Safari deletes the click's cookie after 7 days, or after 24 hours",
        );
        return;
    }
    let hosts: BTreeSet<&str> = config.origins.0.iter().map(Origin::host).collect();
    match &config.cookie.domain {
        Some(domain) => {
            let outside: Vec<&str> = hosts.into_iter().filter(|host| !covers_host(domain, host)).collect();
            match outside.is_empty() {
                true => report.good("cookies", format!("cookies of {domain} reach all origins")),
                false => report.remark(
                    "cookies",
                    format!("pages of {} do not see cookies of {domain}: their clicks are cookies of their own host", outside.join(", ")),
                ),
            }
        }
        None if hosts.len() > 1 => report.remark(
            "cookies",
            "without cookie.domain, each host has cookies of its own: a click on one is not known on another. Set the domain that they share",
        ),
        None => report.good("cookies", "they belong to the host of your pages"),
    }
}

async fn check_openai(report: &mut Report, config: &Config, keys: &Keys) {
    let timeout = config.upstream.timeout.0.min(TIMEOUT);
    let upstream = match Upstream::new(&config.upstream.url, &config.upstream.config_url, timeout) {
        Ok(upstream) => upstream,
        Err(error) => return report.problem("OpenAI", error),
    };
    if keys.backend.is_none() {
        report.remark("backend", "without [backend], only pages can send events");
    }
    let mut date = None;
    for (pixel, key) in &keys.pixels {
        let about = format!("key of {pixel}");
        let event = json!({
            "type": "page_viewed",
            "id": "oaiq-relay-check",
            "timestamp_ms": Clock::default().now_ms(),
            "action_source": "web",
            "source_url": config.origins.0[0].as_str(),
            "data": { "type": "contents" },
        });
        let body =
            json!({ "validate_only": true, "integration_source": "oaiq-relay", "events": [event] });
        match upstream.post(pixel, key, body.to_string()).await {
            Ok(response) => {
                judge_key(report, about, &response);
                date = date.or(response.date);
            }
            Err(why) => {
                report.problem(about, format!("{} cannot be reached: {why}. Check the network, the firewall and upstream.url", config.upstream.url));
                // The others would wait as long.
                break;
            }
        }
    }
    if let Some(date) = date.and_then(|date| httpdate::parse_http_date(&date).ok()) {
        judge_clock(report, date, SystemTime::now());
    }
}

fn judge_key(report: &mut Report, about: String, response: &RawResponse) {
    match response.answer(1) {
        Answer::Accepted => report.good(about, "OpenAI accepts it"),
        Answer::TryLater { why, .. } => report.problem(about, format!("{why}: try again later")),
        Answer::Refused(reason) => {
            let advice = match reason.status {
                401 => {
                    "put the key of the Conversions API, with the right to send events, into key_file"
                }
                403 => {
                    "check that the pixel's ID is right, and that the key belongs to the same ad account"
                }
                _ => "check upstream.url",
            };
            report.problem(
                about,
                format!(
                    "OpenAI answers {}: {} {advice}",
                    reason.status, reason.message
                ),
            );
        }
        Answer::Invalid(named) => {
            let message = named
                .into_values()
                .next()
                .map_or_else(String::new, |reason| reason.message);
            report.problem(about, unexpected(&message));
        }
        Answer::OneIsInvalid(reason) | Answer::TooLarge(reason) => {
            report.problem(about, unexpected(&reason.message));
        }
    }
}

fn unexpected(message: &str) -> String {
    format!(
        "OpenAI refuses the test event: {message} If this machine's clock is right, OpenAI's rules have changed: look for a newer version"
    )
}

fn judge_clock(report: &mut Report, openai: SystemTime, here: SystemTime) {
    let difference = match here.duration_since(openai) {
        Ok(ahead) => ahead,
        Err(behind) => behind.duration(),
    };
    let text = format!("it differs from OpenAI's by {} s", difference.as_secs());
    if difference <= GOOD_CLOCK {
        report.good("clock", text);
    } else if difference <= BAD_CLOCK {
        report.remark(
            "clock",
            format!("{text}: switch on time synchronization (timedatectl set-ntp true)"),
        );
    } else {
        let now = here
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        report.problem("clock", format!("{text} (here: {now}), so events get wrong times or are refused: switch on time synchronization (timedatectl set-ntp true)"));
    }
}

/// Whether pages reach the relay, and whether Safari keeps its cookies.
async fn check_hosts(report: &mut Report, config: &Config) {
    let client = match reqwest::Client::builder().timeout(TIMEOUT).build() {
        Ok(client) => client,
        Err(error) => return report.problem("route", error.to_string()),
    };
    for origin in &config.origins.0 {
        let relay = match &config.paths.host {
            Some(host) => match origin.as_str().split_once("://") {
                Some((scheme, _)) => format!("{scheme}://{host}"),
                None => continue,
            },
            None => origin.as_str().to_owned(),
        };
        let url = format!("{relay}{}{SCRIPT}", config.paths.prefix);
        match client.get(&url).send().await {
            Ok(response) if response.status().is_success() => {
                report.good("route", format!("{url} answers"));
            }
            Ok(response) => report.problem(
                "route",
                format!("{url} answers {}: let your proxy pass this path on to {}", response.status(), config.listen),
            ),
            Err(_) => report.problem(
                "route",
                format!("{url} does not answer: start the relay (`oaiq-relay serve`), and let your proxy pass this path on to {}", config.listen),
            ),
        }
        match &config.paths.host {
            Some(host) if host != origin.host() => check_safari(report, origin.host(), host),
            _ => report.good("Safari", format!("cookies live as long as they should on {}, because the relay is under a path of the page's own host", origin.host())),
        }
    }
}

/// What DNS says about a host.
#[derive(Debug, Default, PartialEq, Eq)]
struct Resolved {
    canonical: Option<String>,
    addresses: Vec<IpAddr>,
}

fn resolve(host: &str) -> Option<Resolved> {
    let hints = dns_lookup::AddrInfoHints {
        // AI_CANONNAME, the same on all systems.
        flags: 0x2,
        socktype: 1,
        ..Default::default()
    };
    let mut resolved = Resolved::default();
    for info in dns_lookup::getaddrinfo(Some(host), None, Some(hints))
        .ok()?
        .flatten()
    {
        resolved.addresses.push(info.sockaddr.ip());
        resolved.canonical = resolved.canonical.or(info.canonname);
    }
    (!resolved.addresses.is_empty()).then_some(resolved)
}

fn check_safari(report: &mut Report, page: &str, relay: &str) {
    match (resolve(page), resolve(relay)) {
        (Some(page_dns), Some(relay_dns)) => match safari_caps(relay, &page_dns, &relay_dns) {
            None => report.good("Safari", format!("cookies of {relay} live as long as they should on {page}")),
            Some(why) => report.problem("Safari", format!("{why}, so Safari deletes cookies that {relay} sets on {page} after 7 days: let the relay answer under a path of {page}, or give both the same network")),
        },
        (page_dns, _) => {
            let unknown = if page_dns.is_none() { page } else { relay };
            report.problem("DNS", format!("{unknown} has no address: check its DNS entry"));
        }
    }
}

/// Why Safari caps the life of cookies that `relay` sets in answers to subresources of the page: the host is a CNAME into
/// another registrable domain, or its address is in another network.
fn safari_caps(relay: &str, page_dns: &Resolved, relay_dns: &Resolved) -> Option<String> {
    let registrable =
        |host: &str| psl::domain_str(host.trim_end_matches('.')).map(str::to_ascii_lowercase);
    if let Some(canonical) = &relay_dns.canonical
        && registrable(canonical) != registrable(relay)
    {
        return Some(format!(
            "{relay} is a CNAME of {canonical}, which is another site"
        ));
    }
    let shares = |relay: &IpAddr| {
        page_dns
            .addresses
            .iter()
            .any(|page| shares_network(*page, *relay))
    };
    let other = relay_dns
        .addresses
        .iter()
        .find(|address| !shares(address))?;
    Some(format!(
        "{relay} has the address {other}, whose first half no address of the page shares"
    ))
}

/// Whether the first 16 bits (IPv4) or 64 bits (IPv6) are the same.
fn shares_network(one: IpAddr, two: IpAddr) -> bool {
    match (one, two) {
        (IpAddr::V4(one), IpAddr::V4(two)) => one.octets()[..2] == two.octets()[..2],
        (IpAddr::V6(one), IpAddr::V6(two)) => one.segments()[..4] == two.segments()[..4],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(canonical: Option<&str>, addresses: &[&str]) -> Resolved {
        Resolved {
            canonical: canonical.map(ToOwned::to_owned),
            addresses: addresses
                .iter()
                .map(|address| address.parse().unwrap())
                .collect(),
        }
    }

    #[test]
    fn safari_caps_cookies_of_other_networks_and_other_sites() {
        let page = dns(None, &["203.0.113.1", "2001:db8:1:2::1"]);
        let caps =
            |relay: Resolved| safari_caps("events.shop.example", &page, &relay).unwrap_or_default();
        assert_eq!(caps(dns(None, &["203.0.200.9"])), "");
        assert_eq!(
            caps(dns(
                Some("relay.shop.example"),
                &["203.0.113.9", "2001:db8:1:2:3::"]
            )),
            ""
        );
        assert!(
            caps(dns(Some("x.cdn.example"), &["203.0.113.9"]))
                .contains("is a CNAME of x.cdn.example")
        );
        assert!(caps(dns(None, &["203.1.113.9"])).contains("203.1.113.9"));
        assert!(caps(dns(None, &["203.0.113.9", "2001:db8:1:3::1"])).contains("2001:db8:1:3::1"));
    }

    #[test]
    fn clock_is_judged_by_its_difference() {
        let openai = UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        for (difference, problems, mark) in [(20, 0, "ok"), (60, 0, "note"), (400, 1, "PROBLEM")] {
            for here in [
                openai + Duration::from_secs(difference),
                openai - Duration::from_secs(difference),
            ] {
                let mut report = Report::default();
                judge_clock(&mut report, openai, here);
                assert_eq!(report.problems(), problems);
                assert!(report.to_string().starts_with(mark), "{report}");
            }
        }
    }
}
