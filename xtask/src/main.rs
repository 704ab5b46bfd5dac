//! Writes the files that follow from the tables of the crate `oaiq`: `npm run generate`. A test fails if one of them differs.

mod events_md;
mod inspector_js;
mod layer_js;
mod pixel_js;
mod schema_ts;

use std::path::{Path, PathBuf};
use std::{fs, io};

/// The first line of generated files.
const HEADER: &str = "// Written by `npm run generate` from src/.\n";

/// A file, or the generated regions of one.
struct Output {
    /// Its path in the repository.
    path: &'static str,
    /// Its whole text, including the parts that are not generated.
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

fn outputs() -> Vec<Output> {
    let output = |path: &'static str, text| Output { path, text };
    vec![
        output("www/pixel/debug-events.gen.js", pixel_js::debug_events()),
        output("www/pixel/protocol.gen.js", pixel_js::protocol()),
        output("www/consent/views.gen.js", pixel_js::views()),
        output("www/types/protocol.gen.d.ts", pixel_js::types()),
        output("www/helpers/currencies.gen.js", layer_js::currencies()),
        output("www/layer/schema.gen.js", layer_js::schema()),
        output("www/inspector/model/schema.gen.js", inspector_js::schema()),
        output("tests/types/schema.gen.ts", schema_ts::schema()),
        output("docs/events.md", events_md::events(&read("docs/events.md"))),
    ]
}

fn main() -> io::Result<()> {
    for Output { path, text } in outputs() {
        if read(path) != text {
            fs::write(root().join(path), text)?;
            println!("{path}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use oaiq::protocol::{OUTBOX_PREFIX, VERSION};

    #[test]
    fn generated_files_are_up_to_date() {
        let differing: Vec<_> = outputs()
            .into_iter()
            .filter(|output| read(output.path) != output.text)
            .map(|output| output.path)
            .collect();
        assert!(
            differing.is_empty(),
            "out of date, run `npm run generate`: {differing:?}"
        );
    }

    #[test]
    fn files_that_cannot_import_a_constant_repeat_it() {
        for (path, text) in [
            // inlined into pages
            ("www/snippet/snippet.js", OUTBOX_PREFIX),
            ("www/snippet/snippet.html", OUTBOX_PREFIX),
            ("docs/protocol.md", VERSION),
            ("docs/upgrading.md", VERSION),
            ("README.md", VERSION),
        ] {
            assert!(read(path).contains(text), "{path} does not contain {text}");
        }
    }
}
