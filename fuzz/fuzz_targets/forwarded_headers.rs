//! Any headers of a client behind a trusted proxy that appends the client's address, one header a line: the relay takes that
//! address or none.
#![no_main]

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use oaiq_relay::config::{ForwardedHeader, IpRange};
use oaiq_relay::http::client_address::client_address;

libfuzzer_sys::fuzz_target!(|input: (bool, bool, Vec<u8>, Vec<u8>)| {
    let (uses_forwarded, appends, own, other) = input;
    let client: IpAddr = [198, 51, 100, 9].into();
    let trusted: [IpRange; 1] = ["10.0.0.0/8".parse().unwrap()];
    let names = [
        HeaderName::from_static("x-forwarded-for"),
        HeaderName::from_static("forwarded"),
    ];
    let [own_name, other_name] = match uses_forwarded {
        true => [&names[1], &names[0]],
        false => [&names[0], &names[1]],
    };
    let hop: &[u8] = match uses_forwarded {
        true => b"for=198.51.100.9",
        false => b"198.51.100.9",
    };
    let mut headers = HeaderMap::new();
    let mut add = |name: &HeaderName, bytes: &[u8]| {
        if let Ok(value) = HeaderValue::from_bytes(bytes) {
            headers.append(name.clone(), value);
        }
    };
    if appends && HeaderValue::from_bytes(&own).is_ok() {
        add(own_name, &[own.as_slice(), b", ", hop].concat());
    } else {
        add(own_name, &own);
        add(own_name, hop);
    }
    add(other_name, &other);
    let found = client_address([10, 0, 0, 1].into(), &headers, &trusted, ForwardedHeader::Any);
    assert!(found.address.is_none_or(|address| address == client), "{found:?} from {headers:?}");
});
