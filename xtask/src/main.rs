//! Writes the files that follow from the tables of the crate `oaiq`: `npm run generate`. A test fails if one of them differs.

mod events_md;
mod gtm_tpl;
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

/// Replaces what is between `start` and the next `end`. Panics if one of them is missing.
fn replace_region(file: &str, start: &str, end: &str, text: &str) -> String {
    let (before, rest) = file
        .split_once(start)
        .unwrap_or_else(|| panic!("no marker {start:?}"));
    let (_, after) = rest
        .split_once(end)
        .unwrap_or_else(|| panic!("no {end:?} after {start:?}"));
    format!("{before}{start}{text}{end}{after}")
}

fn outputs() -> Vec<Output> {
    let output = |path: &'static str, text| Output { path, text };
    let gtm_template = gtm_tpl::template(&read("gtm/template.tpl"));
    let gtm_container = gtm_tpl::container(&read("gtm/container.json"), &gtm_template);
    vec![
        output("www/pixel/debug-events.gen.js", pixel_js::debug_events()),
        output("www/pixel/protocol.gen.js", pixel_js::protocol()),
        output("www/consent/views.gen.js", pixel_js::views()),
        output("www/fields/data-types.gen.js", pixel_js::data_types()),
        output("www/types/protocol.gen.d.ts", pixel_js::types()),
        output("www/helpers/currencies.gen.js", layer_js::currencies()),
        output("www/layer/schema.gen.js", layer_js::schema()),
        output("www/inspector/model/schema.gen.js", inspector_js::schema()),
        output("tests/types/schema.gen.ts", schema_ts::schema()),
        output("docs/events.md", events_md::events(&read("docs/events.md"))),
        output("gtm/template.tpl", gtm_template),
        output("gtm/container.json", gtm_container),
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
