//! The stream and the buckets: creates what is missing, and refuses what has other settings. Nothing that exists is changed.

use std::fmt;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode, kv};

use super::ClusterError;
use super::connect::Connected;
use crate::config::Nats;
use crate::store::schema::IfMissing;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long events are stored. OpenAI takes them for 7 days; on the eighth, the relay makes dead letters of what is left.
const EVENTS_LIFE: Duration = DAY.saturating_mul(8);

/// How long clicks, links and what belongs to a person are stored.
const CLICKS_LIFE: Duration = DAY.saturating_mul(30);

/// A bucket: the second part of its name, and how long it keeps values.
type Bucket = (&'static str, Duration);
const EVENTS: Bucket = ("events", EVENTS_LIFE);
const CLICKS: Bucket = ("clicks", CLICKS_LIFE);
const LINKS: Bucket = ("links", CLICKS_LIFE);
const PEOPLE: Bucket = ("people", CLICKS_LIFE);

/// How long NATS remembers the IDs of messages.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(5 * 60);

/// Why the cluster cannot be used.
#[derive(Debug)]
pub enum SetupError {
    /// NATS does not answer. It may later.
    Unavailable(String),
    /// Something must be changed, here or in NATS.
    Settings(String),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Unavailable(text) | Self::Settings(text) => f.write_str(text),
        }
    }
}

/// Opens stream and buckets.
pub async fn set_up(
    nats: &Nats,
    client: Client,
    jetstream: Context,
    if_missing: IfMissing,
) -> Result<Connected, SetupError> {
    let name = nats.stream.clone();
    let stream = ensure(&jetstream, stream_config(nats), if_missing).await?;
    let events = bucket(&jetstream, nats, EVENTS, if_missing).await?;
    let clicks = bucket(&jetstream, nats, CLICKS, if_missing).await?;
    let links = bucket(&jetstream, nats, LINKS, if_missing).await?;
    let people = bucket(&jetstream, nats, PEOPLE, if_missing).await?;
    Ok(Connected {
        name,
        client,
        jetstream,
        stream,
        events,
        clicks,
        links,
        people,
    })
}

fn stream_config(nats: &Nats) -> Config {
    Config {
        name: nats.stream.clone(),
        description: Some("oaiq-relay: events to deliver".to_owned()),
        subjects: vec![
            format!("{}.events.*", nats.stream),
            format!("{}.erasures", nats.stream),
        ],
        duplicate_window: DUPLICATE_WINDOW,
        ..limits(nats, EVENTS_LIFE)
    }
}

fn bucket_config(nats: &Nats, (what, life): Bucket) -> Config {
    let name = format!("{}-{what}", nats.stream);
    Config {
        // What makes a stream a bucket: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-8.md.
        // Without `allow_direct`: a replica that is behind would say that an event is not there.
        name: format!("KV_{name}"),
        subjects: vec![format!("$KV.{name}.>")],
        description: Some(format!("oaiq-relay: {what}")),
        max_messages_per_subject: 1,
        allow_rollup: true,
        deny_delete: true,
        ..limits(nats, life)
    }
}

fn limits(nats: &Nats, life: Duration) -> Config {
    Config {
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        // Rather refuse than delete what is not delivered.
        discard: DiscardPolicy::New,
        max_age: life,
        num_replicas: nats.replicas,
        max_messages: -1,
        max_bytes: -1,
        max_consumers: -1,
        max_messages_per_subject: -1,
        max_message_size: -1,
        ..Config::default()
    }
}

async fn bucket(
    jetstream: &Context,
    nats: &Nats,
    bucket: Bucket,
    if_missing: IfMissing,
) -> Result<kv::Store, SetupError> {
    ensure(jetstream, bucket_config(nats, bucket), if_missing).await?;
    let name = format!("{}-{}", nats.stream, bucket.0);
    jetstream
        .get_key_value(&name)
        .await
        .map_err(|error| unavailable(&format!("bucket {name}"), &error))
}

async fn ensure(
    jetstream: &Context,
    wanted: Config,
    if_missing: IfMissing,
) -> Result<Stream, SetupError> {
    match find(jetstream, &wanted).await? {
        Some(stream) => Ok(stream),
        None if if_missing == IfMissing::Create => create(jetstream, wanted).await,
        None => Err(SetupError::Settings(format!(
            "the stream {} does not exist in NATS: no relay has been started with this section [nats] yet",
            wanted.name
        ))),
    }
}

/// Whether JetStream answers, and whether the streams that exist have the right settings.
pub async fn check(nats: &Nats, jetstream: &Context) -> Result<(), SetupError> {
    find(jetstream, &stream_config(nats)).await?;
    for bucket in [EVENTS, CLICKS, LINKS, PEOPLE] {
        find(jetstream, &bucket_config(nats, bucket)).await?;
    }
    Ok(())
}

/// The stream, if it exists.
async fn find(jetstream: &Context, wanted: &Config) -> Result<Option<Stream>, SetupError> {
    let name = &wanted.name;
    let found = match jetstream.get_stream(name).await {
        Ok(stream) => stream,
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(answer)
                if answer.error_code() == ErrorCode::STREAM_NOT_FOUND =>
            {
                return Ok(None);
            }
            GetStreamErrorKind::JetStream(answer) if is_disabled(answer.error_code()) => {
                return Err(disabled());
            }
            // Another server of its cluster would have answered.
            _ if !jetstream.client().server_info().jetstream => return Err(disabled()),
            _ => return Err(unavailable(&format!("stream {name}"), &error)),
        },
    };
    let differences = differences(&found.cached_info().config, wanted);
    match differences.is_empty() {
        true => Ok(Some(found)),
        false => Err(SetupError::Settings(format!(
            "the stream {name} in NATS has other settings than this relay needs, and was not changed: {}. Change it with `nats stream edit {name}`, or set another nats.stream",
            differences.join("; ")
        ))),
    }
}

async fn create(jetstream: &Context, wanted: Config) -> Result<Stream, SetupError> {
    let (name, replicas) = (wanted.name.clone(), wanted.num_replicas);
    jetstream.create_stream(wanted).await.map_err(|error| {
        let CreateStreamErrorKind::JetStream(answer) = error.kind() else {
            return match error.kind() {
                CreateStreamErrorKind::JetStreamUnavailable => disabled(),
                _ => unavailable(&format!("stream {name}"), &error),
            };
        };
        match answer.error_code() {
            ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED => SetupError::Settings(format!(
                "NATS cannot store {replicas} copies of the stream {name}, because this server belongs to no cluster: add a section `cluster` to the configuration of {replicas} servers, or set nats.replicas = 1, without protection from a failure"
            )),
            // That may change while the servers start.
            ErrorCode::CLUSTER_NO_PEERS | ErrorCode::INSUFFICIENT_RESOURCES => {
                SetupError::Unavailable(format!(
                    "NATS cannot store {replicas} copies of the stream {name} ({answer}): start {replicas} servers with JetStream that know each other, and check their disks, or set another nats.replicas."
                ))
            }
            code if is_disabled(code) => disabled(),
            // The stream of another set-up, or limits of the account.
            _ if answer.code() < 500 => SetupError::Settings(format!(
                "NATS does not create the stream {name}: {}. Change it there, or set another nats.stream",
                answer
            )),
            _ => unavailable(&format!("stream {name}"), &error),
        }
    })
}

/// What is different, in words.
fn differences(found: &Config, wanted: &Config) -> Vec<String> {
    let mut differences = Vec::new();
    if found.num_replicas != wanted.num_replicas {
        differences.push(format!(
            "it has {} replicas, and nats.replicas is {}",
            found.num_replicas, wanted.num_replicas
        ));
    }
    let mut compare = |what: &str, found: String, wanted: String| {
        if found != wanted {
            differences.push(format!("{what} is {found} instead of {wanted}"));
        }
    };
    compare("retention", debug(found.retention), debug(wanted.retention));
    compare("storage", debug(found.storage), debug(wanted.storage));
    compare("discard", debug(found.discard), debug(wanted.discard));
    let age = |age: Duration| humantime::format_duration(age).to_string();
    compare("the maximum age", age(found.max_age), age(wanted.max_age));
    compare(
        "the number of messages per subject",
        found.max_messages_per_subject.to_string(),
        wanted.max_messages_per_subject.to_string(),
    );
    compare(
        "direct access",
        found.allow_direct.to_string(),
        wanted.allow_direct.to_string(),
    );
    let mut subjects = found.subjects.clone();
    subjects.sort();
    let mut wanted_subjects = wanted.subjects.clone();
    wanted_subjects.sort();
    compare(
        "the list of subjects",
        subjects.join(" "),
        wanted_subjects.join(" "),
    );
    differences
}

fn debug(value: impl fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

fn is_disabled(code: ErrorCode) -> bool {
    code == ErrorCode::JETSTREAM_NOT_ENABLED || code == ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT
}

fn disabled() -> SetupError {
    SetupError::Settings(
        "JetStream is not enabled in NATS: add a section `jetstream { store_dir: DIRECTORY }` to the configuration of each nats-server, and restart them"
            .to_owned(),
    )
}

fn unavailable(what: &str, error: &(dyn std::error::Error + 'static)) -> SetupError {
    SetupError::Unavailable(format!(
        "{}. NATS may be without a majority of its servers: start them.",
        ClusterError::new(&format!("NATS does not answer about the {what}"), error)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::List;

    #[test]
    fn other_settings_are_named_with_both_values() {
        let nats = Nats {
            urls: List(Vec::new()),
            stream: "oaiq".to_owned(),
            replicas: 3,
            credentials_file: None,
            ca_file: None,
        };
        let wanted = stream_config(&nats);
        assert_eq!(differences(&wanted, &wanted), [""; 0]);
        let found = Config {
            num_replicas: 1,
            retention: RetentionPolicy::WorkQueue,
            max_age: DAY,
            ..wanted.clone()
        };
        assert_eq!(
            differences(&found, &wanted),
            [
                "it has 1 replicas, and nats.replicas is 3",
                "retention is workqueue instead of limits",
                "the maximum age is 1day instead of 8days",
            ]
        );
    }
}
