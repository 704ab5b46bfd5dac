//! What the pixel's scripts share with the module. The build inlines the constants.

use oaiq::host::{DebugEvent, HostCall, send_flags};
use oaiq::protocol;
use oaiq::schema::events::{DataShape, EVENTS, VIEWS};

use crate::HEADER;

/// www/pixel/debug-events.gen.js
pub fn debug_events() -> String {
    let mut out = format!(
        "{HEADER}\n/** The numbers of the debug events, which `DebugEvent` in src/host.rs describes. */\n"
    );
    for (number, event) in DebugEvent::ALL.iter().enumerate() {
        let name = screaming_snake(&format!("{event:?}"));
        out += &format!("export const {name} = {number};\n");
    }
    out
}

/// `ClickId` as `CLICK_ID`.
fn screaming_snake(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if i > 0 && c.is_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

/// www/pixel/protocol.gen.js
pub fn protocol() -> String {
    let string_calls = HostCall::ALL.iter().filter(|call| call.returns_string());
    [
        HEADER,
        "\n/** The version of the vendor's script whose protocol this is. */\n",
        &format!("export const PROTOCOL_VERSION = \"{}\";\n", protocol::VERSION),
        "\n/** localStorage: the prefix of the keys of outbox records. The rest of a key is the record's name. */\n",
        &format!("export const OUTBOX_PREFIX = \"{}\";\n", protocol::OUTBOX_PREFIX),
        "\n/** localStorage: the key of an outbox record that could not be read. */\n",
        &format!("export const OUTBOX_CORRUPT_KEY = \"{}\";\n", protocol::OUTBOX_CORRUPT_KEY),
        "\n/** How many host calls return a string. They come first. */\n",
        &format!("export const STRING_CALLS = {};\n", string_calls.count()),
        "\n/** Flags of a request (`send_flags` in src/host.rs). Its number follows them. */\n",
        &format!("export const VIA_WORKER = {};\n", send_flags::VIA_WORKER),
        &format!("export const UNLOADING = {};\n", send_flags::UNLOADING),
        &format!("export const ANONYMOUS = {};\n", send_flags::ANONYMOUS),
        &format!("export const MAY_HAVE_USER = {};\n", send_flags::MAY_HAVE_USER),
        &format!("export const FLAG_BITS = {};\n", send_flags::BITS),
    ]
    .concat()
}

/// www/consent/views.gen.js
pub fn views() -> String {
    let names = VIEWS.map(|name| name.as_str()).join("|");
    format!(
        "{HEADER}
/** Matches the name of a view as JSON, at the end of a text or before an object. */
export const VIEW = /\"({names})\"({{|$)/;\n"
    )
}

/// www/fields/data-types.gen.js
pub fn data_types() -> String {
    let mut out = format!(
        "{HEADER}\n/** The `type` of the data of each event that the submit of a form may measure: it needs neither contents nor a name. */\nexport const DATA_TYPES = {{\n"
    );
    for (name, shape) in &EVENTS {
        let (name, data_type) = (name.as_str(), shape.name().as_str());
        if matches!(shape, DataShape::CustomerAction | DataShape::PlanEnrollment) {
            out += &format!("  {name}: \"{data_type}\",\n");
        }
    }
    out + "};\n"
}

/// www/types/protocol.gen.d.ts
pub fn types() -> String {
    let mut out = format!(
        "{HEADER}
type StringCall = (number: any, a: any, b: any) => string | null | undefined;
type NumberCall = (number: any, a: any, b: any) => unknown;

/** In the order of `HostCall` in src/host.rs. */
export type HostCalls = [\n"
    );
    for call in HostCall::ALL {
        let kind = if call.returns_string() {
            "StringCall"
        } else {
            "NumberCall"
        };
        out += &format!("  {call:?}: {kind},\n");
    }
    out + "];\n"
}
