// node fuzz/seeds.mjs: writes fuzz/corpus/, the seeds of the fuzz targets, from the recorded visits in tests/conformance/.
// The seeds are not committed.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname);
const recordings = join(root, "tests/conformance");
const NOW_MS = 1_800_000_000_000;

/** @type {Record<string, Set<string>>} */
const seeds = {
  call: new Set(),
  recover_record: new Set(),
  raw_json: new Set(),
  sdk_batch: new Set(),
  conversions_body: new Set(),
  image_tag: new Set(),
  relay_batch: new Set(),
};

/** A call with time, address and referrer, as the script passes it. */
const callText = (call, url = "https://shop.example.test/checkout") =>
  JSON.stringify([NOW_MS, url, "", ...call]);

/** The lines of the target `call` (fuzz/src/lib.rs). */
const scriptOf = ({ queue = [], steps = [], url }) => {
  const lines = queue.map((call) => callText(call, url));
  lines.push("!replayed", "!paint");
  for (const step of steps) {
    if (step.wait) lines.push(`!wait ${step.wait}`, "!respond 200");
    if (step.call) lines.push(callText(step.call, url));
    if (step.hide) lines.push("!hide");
  }
  return lines.join("\n");
};

/** Recordings have placeholders where values differ from one recording to the next. */
const withoutPlaceholders = (value) =>
  JSON.parse(
    JSON.stringify(value)
      .replace(/"<ms>"/g, NOW_MS)
      .replace(
        /<uuid:(\d+)>/g,
        (_, n) => `${n.padStart(8, "0")}-0000-4000-8000-000000000000`,
      )
      .replace(/"<[^">]*>"/g, '"x"'),
  );

const addEvent = (event) => {
  const { type, id, timestamp_ms, data, ...rest } = event;
  seeds.raw_json.add(
    [type, data, rest].map((part) => JSON.stringify(part)).join("\n"),
  );
  seeds.conversions_body.add(
    JSON.stringify({
      events: [{ id, type, timestamp_ms, action_source: "web", ...rest, data }],
      validate_only: true,
    }),
  );
  const query = new URLSearchParams({ pid: "P", event: type, event_id: id });
  for (const [name, value] of Object.entries(data ?? {}))
    query.set(name, typeof value === "object" ? JSON.stringify(value) : value);
  seeds.image_tag.add(query.toString());
};

for (const file of readdirSync(recordings)) {
  if (!file.endsWith(".json")) continue;
  const { visit, expected } = JSON.parse(
    readFileSync(join(recordings, file), "utf8"),
  );
  if (!visit) continue;
  seeds.call.add(scriptOf(visit));
  for (const call of visit.queue ?? [])
    seeds.raw_json.add(JSON.stringify(call));
  for (const [pixel, { batches = [] }] of Object.entries(
    withoutPlaceholders(expected?.pixels ?? {}),
  ))
    for (const { events = [], obref, oppref, user } of batches) {
      const batch = JSON.stringify({ obref, events, oppref, user });
      seeds.sdk_batch.add(batch);
      seeds.relay_batch.add(batch);
      seeds.recover_record.add(JSON.stringify({ pixel, oppref, events }));
      events.forEach(addEvent);
    }
}

for (const [target, texts] of Object.entries(seeds)) {
  const folder = join(root, "fuzz/corpus", target);
  mkdirSync(folder, { recursive: true });
  [...texts].forEach((text, i) =>
    writeFileSync(join(folder, `seed-${i}`), text),
  );
  console.log(`${target}: ${texts.size} seeds`);
}
