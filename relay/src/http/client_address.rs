//! The visitor's address behind proxies.
//!
//! Every proxy adds the address that it sees at the right of `X-Forwarded-For` or `Forwarded`; everything further left may
//! be the client's invention. So only the rightmost address counts that no trusted proxy has added for another trusted
//! proxy.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

use crate::config::{ForwardedHeader, IpRange};

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Who has sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    /// The visitor's address, if it is known for certain.
    pub address: Option<IpAddr>,
    /// The address whose requests are counted together.
    pub counted_as: IpAddr,
}

/// The address of the client behind `peer`.
pub fn client_address(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: &[IpRange],
    which: ForwardedHeader,
) -> ClientAddress {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|IpRange(net)| contains(net, address));
    let address = if is_trusted(peer) {
        let x_forwarded_for = || client_of(x_forwarded_for(headers), is_trusted);
        let forwarded = || client_of(forwarded(headers), is_trusted);
        match which {
            ForwardedHeader::XForwardedFor => x_forwarded_for(),
            ForwardedHeader::Forwarded => forwarded(),
            ForwardedHeader::Any => {
                let has = |name: &HeaderName| headers.contains_key(name);
                match (has(&X_FORWARDED_FOR), has(&header::FORWARDED)) {
                    (true, false) => x_forwarded_for(),
                    (false, true) => forwarded(),
                    // A proxy sets one of them and passes the other one on as the client has sent it.
                    (true, true) => {
                        x_forwarded_for().filter(|address| forwarded() == Some(*address))
                    }
                    (false, false) => None,
                }
            }
        }
    } else {
        Some(peer)
    };
    ClientAddress {
        address,
        counted_as: counted_as(address.unwrap_or(peer)),
    }
}

/// One customer usually has a /64 network of IPv6, and may use any address in it.
fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

fn contains(net: &IpNet, address: IpAddr) -> bool {
    net.contains(&address)
}

/// The rightmost address that is not trusted; the leftmost one, if all are. `None` if something that is no address comes
/// first.
fn client_of(hops: Vec<Option<IpAddr>>, is_trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let mut client = None;
    for hop in hops.into_iter().rev() {
        let address = hop?;
        client = Some(address);
        if !is_trusted(address) {
            break;
        }
    }
    client
}

/// The values of all headers with this name, in their order. `None` for one that is not ASCII.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = Option<&'a str>> {
    headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().ok())
}

/// The hops in `X-Forwarded-For`.
fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let hops = values(headers, &X_FORWARDED_FOR).flat_map(|value| match value {
        Some(value) => parts(value.split(',')).map(parse_address).collect(),
        None => vec![None],
    });
    hops.collect()
}

/// The hops in `Forwarded`.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let hops = values(headers, &header::FORWARDED).flat_map(|value| {
        match value.and_then(|value| split_unquoted(value, ',')) {
            Some(elements) => elements.into_iter().map(forwarded_for).collect(),
            None => vec![None],
        }
    });
    hops.collect()
}

fn parts<'a>(parts: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    parts.map(str::trim).filter(|part| !part.is_empty())
}

/// Splits at a separator outside quoted strings. `None` if a quoted string does not end: a client could otherwise hide what a
/// proxy appends in a string of its own.
fn split_unquoted(text: &str, separator: char) -> Option<Vec<&str>> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    let split: Vec<&str> = parts(text.split(|c: char| {
        if std::mem::take(&mut is_escaped) {
            return false;
        }
        match c {
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted => is_escaped = true,
            _ => {}
        }
        c == separator && !is_quoted
    }))
    .collect();
    (!is_quoted).then_some(split)
}

/// The address in one element of `Forwarded`: `for=192.0.2.43;proto=http`, `for="[2001:db8::17]:4711"`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut fors = split_unquoted(element, ';')?
        .into_iter()
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("for")
                .then_some(value.trim())
        });
    let value = fors.next()?;
    if fors.next().is_some() {
        return None;
    }
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?,
        None => value,
    };
    parse_address(value)
}

/// An address with or without a port: `192.0.2.43`, `192.0.2.43:80`, `2001:db8::17`, `[2001:db8::17]`, `[2001:db8::17]:80`.
fn parse_address(text: &str) -> Option<IpAddr> {
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    let address: IpAddr = if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let is_valid = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        address
            .parse::<Ipv6Addr>()
            .ok()
            .filter(|_| is_valid)?
            .into()
    } else {
        match text.split_once(':') {
            Some((address, port)) if !port.contains(':') => {
                address.parse().ok().filter(|_| is_port(port))?
            }
            _ => text.parse().ok()?,
        }
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    const PROXY: &str = "10.0.0.1";

    fn address_of(peer: &str, headers: &[(&str, &str)], which: ForwardedHeader) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        let trusted: Vec<IpRange> = ["10.0.0.0/8", "2001:db8:ffff::/48"]
            .map(|net| net.parse().unwrap())
            .into();
        client_address(peer.parse().unwrap(), &map, &trusted, which)
            .address
            .map(|address| address.to_string())
    }

    fn found(peer: &str, headers: &[(&str, &str)]) -> Option<String> {
        address_of(peer, headers, ForwardedHeader::Any)
    }

    #[test]
    fn headers_of_an_untrusted_peer_are_ignored() {
        let forged = [
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "for=192.0.2.1"),
        ];
        assert_eq!(
            found("198.51.100.9", &forged).as_deref(),
            Some("198.51.100.9")
        );
        assert_eq!(
            found("::ffff:198.51.100.9", &[]).as_deref(),
            Some("198.51.100.9")
        );
    }

    #[test]
    fn rightmost_untrusted_address_counts() {
        for (value, expected) in [
            ("192.0.2.1, 198.51.100.9", Some("198.51.100.9")),
            ("192.0.2.1, 198.51.100.9, 10.2.3.4", Some("198.51.100.9")),
            ("198.51.100.9:4711", Some("198.51.100.9")),
            ("2001:db8::9", Some("2001:db8::9")),
            ("[2001:db8::9]:4711, 2001:db8:ffff::1", Some("2001:db8::9")),
            ("198.51.100.9, ,", Some("198.51.100.9")),
            ("10.9.9.9, 10.8.8.8", Some("10.9.9.9")),
            ("192.0.2.1, unknown", None),
            ("192.0.2.1, unknown, 10.1.1.1", None),
            ("192.0.2.1, 198.51.100.9:99999", None),
            ("", None),
        ] {
            assert_eq!(
                found(PROXY, &[("x-forwarded-for", value)]).as_deref(),
                expected,
                "{value}"
            );
        }
        let two = [
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-for", "198.51.100.9"),
        ];
        assert_eq!(found(PROXY, &two).as_deref(), Some("198.51.100.9"));
    }

    #[test]
    fn forwarded_header_is_read_by_its_grammar() {
        for (value, expected) in [
            ("for=192.0.2.1, for=198.51.100.9", Some("198.51.100.9")),
            (
                "proto=http;FOR=\"198.51.100.9:80\";by=10.0.0.1",
                Some("198.51.100.9"),
            ),
            ("for=\"[2001:db8::9]:4711\"", Some("2001:db8::9")),
            (
                "for=192.0.2.1, host=\"a, for=192.0.2.7\";for=198.51.100.9",
                Some("198.51.100.9"),
            ),
            ("for=198.51.100.9;for=192.0.2.1", None),
            ("for=_hidden", None),
            ("for=\"192.0.2.1", None),
            ("proto=http", None),
        ] {
            assert_eq!(
                found(PROXY, &[("forwarded", value)]).as_deref(),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn disagreeing_headers_are_not_believed() {
        let both = [
            ("x-forwarded-for", "198.51.100.9"),
            ("forwarded", "for=192.0.2.1"),
        ];
        assert_eq!(found(PROXY, &both), None);
        let agreeing = [
            ("x-forwarded-for", "198.51.100.9"),
            ("forwarded", "for=198.51.100.9"),
        ];
        assert_eq!(found(PROXY, &agreeing).as_deref(), Some("198.51.100.9"));
        let known = ForwardedHeader::XForwardedFor;
        assert_eq!(
            address_of(PROXY, &both, known).as_deref(),
            Some("198.51.100.9")
        );
        let known = ForwardedHeader::Forwarded;
        assert_eq!(
            address_of(PROXY, &both, known).as_deref(),
            Some("192.0.2.1")
        );
    }

    #[test]
    fn ipv6_addresses_of_one_network_are_counted_together() {
        let counted = |peer: &str| {
            client_address(
                peer.parse().unwrap(),
                &HeaderMap::new(),
                &[],
                ForwardedHeader::Any,
            )
            .counted_as
        };
        assert_eq!(counted("2001:db8:1:2::3"), counted("2001:db8:1:2:ffff::4"));
        assert_ne!(counted("2001:db8:1:2::3"), counted("2001:db8:1:3::3"));
        assert_eq!(counted("198.51.100.9").to_string(), "198.51.100.9");
    }

    #[test]
    fn quoted_string_of_a_client_does_not_hide_what_the_proxy_appends() {
        for forged in [
            "for=192.0.2.1;x=\"",
            "for=192.0.2.1;x=\"\\",
            "for=\"192.0.2.1",
        ] {
            for own in ["for=198.51.100.9", "for=\"198.51.100.9:80\""] {
                let value = format!("{forged}, {own}");
                assert_eq!(found(PROXY, &[("forwarded", &value)]), None, "{value}");
            }
        }
    }

    fn any_hop() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<[u8; 4]>().prop_map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
            any::<[u8; 16]>().prop_map(|bytes| Ipv6Addr::from(bytes).to_string()),
            "[ -~]{0,20}",
            Just("10.0.0.7".to_owned()),
        ]
    }

    proptest! {
        // A client connects from 198.51.100.9 to a proxy that appends that address, and sends headers of its own.
        #[test]
        fn forged_address_is_never_taken(
            forged in prop::collection::vec(any_hop(), 0..5),
            forged_other in prop::option::of("[ -~]{0,40}"),
            proxies in 0..3_usize,
            uses_forwarded: bool,
            appends: bool,
        ) {
            let mut hops = forged;
            hops.push("198.51.100.9".to_owned());
            hops.extend((0..proxies).map(|i| format!("10.0.0.{i}")));
            let own = if uses_forwarded {
                let (forged, own) = hops.split_at(hops.len() - proxies - 1);
                let forged = forged.iter().map(|hop| format!("for={hop}")).collect::<Vec<_>>().join(", ");
                let own = own.iter().map(|hop| format!("for={hop}")).collect::<Vec<_>>().join(", ");
                // Some proxies append to the client's header, others add one.
                match appends {
                    true => vec![("forwarded", [forged, own].join(", "))],
                    false => vec![("forwarded", forged), ("forwarded", own)],
                }
            } else {
                vec![("x-forwarded-for", hops.join(", "))]
            };
            let mut headers: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
            if let Some(other) = &forged_other {
                headers.push((if uses_forwarded { "x-forwarded-for" } else { "forwarded" }, other));
            }
            let found = found(PROXY, &headers);
            prop_assert!(found.is_none() || found.as_deref() == Some("198.51.100.9"), "{:?} from {:?}", found, headers);
            if forged_other.is_none() && !(uses_forwarded && appends) {
                prop_assert_eq!(found.as_deref(), Some("198.51.100.9"));
            }
        }

        #[test]
        fn arbitrary_headers_never_panic(one in "[ -~]{0,60}", two in "[ -~]{0,60}") {
            found(PROXY, &[("x-forwarded-for", &one), ("forwarded", &two)]);
        }
    }
}
