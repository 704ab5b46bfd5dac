//! `oaiq-relay status`: what is stored.

use std::fmt::Write;
use std::path::Path;

use bytesize::ByteSize;

use super::{format_age, now_ms, open_store};
use crate::config::{Config, Nats};
use crate::store::stats::{PixelStats, stats};

/// What is stored, as text.
///
/// # Errors
/// What went wrong, for the operator.
pub fn status(file: &Path) -> Result<String, String> {
    let (config, connection) = open_store(file)?;
    let stats = stats(&connection, now_ms()).map_err(|error| error.to_string())?;
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{}: {} of {}, clicks: {}",
        config.resolve(&config.store.path).display(),
        ByteSize(stats.bytes),
        ByteSize(config.store.max_bytes.0),
        stats.clicks
    );
    let ids = config.pixel.iter().map(|pixel| &pixel.id);
    let mut ids: Vec<&String> = ids.chain(stats.pixels.keys()).collect();
    ids.sort();
    ids.dedup();
    for id in ids {
        let pixel = stats.pixels.get(id).copied().unwrap_or_default();
        let _ = writeln!(out, "{id}: {}", describe(&pixel));
        if !config.pixel.iter().any(|known| known.id == *id) {
            let _ = writeln!(
                out,
                "  This pixel is not in the configuration: add a section [[pixel]] to deliver its events."
            );
        }
        if pixel.dead > 0 {
            let _ = writeln!(out, "  Why: `oaiq-relay dead list --pixel {id}`.");
        }
    }
    if let Some(nats) = &config.nats {
        let _ = write!(out, "{}", cluster(&config, nats));
    }
    Ok(out)
}

/// What is in the cluster, or why that is not known.
fn cluster(config: &Config, nats: &Nats) -> String {
    let stream = &nats.stream;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let status = match runtime {
        Ok(runtime) => runtime.block_on(crate::cluster::status(config, nats)),
        Err(error) => Err(error.to_string()),
    };
    let status = match status {
        Ok(status) => status,
        Err(error) => return format!("cluster {stream}: {error}\n"),
    };
    let mut out = format!(
        "cluster {stream}: {} clicks, {} links; leader {}, {} of {} further copies up to date\n",
        status.clicks,
        status.links,
        status.leader.as_deref().unwrap_or("not elected"),
        status.current_replicas,
        status.replicas
    );
    for (pixel, count) in &status.pixels {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "cluster {stream}, {pixel}: {} undelivered",
            count.undelivered
        );
    }
    out
}

fn describe(pixel: &PixelStats) -> String {
    let mut text = format!("{} undelivered", pixel.events);
    if pixel.events > 0 {
        text += &format!(
            " ({} waiting for their other half), the oldest since {}",
            pixel.held,
            format_age(pixel.oldest_age_ms)
        );
    }
    text + &format!(", {} dead letters", pixel.dead)
}
