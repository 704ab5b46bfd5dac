// Boils one visit down to what must agree between two implementations, and leaves out what a race may move: in which
// request a diagnostic rides, and when the pixel's settings arrive.

const DIAGNOSTIC = "oai::diagnostic";
const IDENTITY = ["obref", "oppref", "user"];
const QUERY = ["pid", "st", "sv", "t", "ec"];

const identityIn = (body) =>
  IDENTITY.filter((part) => body?.[part] !== undefined);
const eventsIn = (request) => request.body?.events ?? [];

/** `name`: the visit's; only those called config-… wait long enough to say what the settings were. */
export const essence = (seen, name) => {
  const posts = seen.requests.filter(({ method }) => method === "POST");
  return {
    pixels: pixelsIn(posts, name.startsWith("config-")),
    malformed: posts.filter(isMalformed).length,
    settings_fetched: seen.requests
      .filter(({ config }) => config)
      .map(({ config }) => config),
    cookies: seen.cookies
      .filter((cookie) => /^__(oppref|obref|oaiq)/.test(cookie.name))
      .sort((one, other) => one.name.localeCompare(other.name)),
    consent_storage: Object.fromEntries(
      Object.entries({
        ...seen.storage?.local,
        ...seen.storage?.session,
      }).filter(
        ([key]) => key === "oaiq_consent" || key.startsWith("oaiq_cs:"),
      ),
    ),
    surface: seen.surface,
    page_errors: seen.console
      .filter(({ level }) => level === "pageerror" || level === "harness")
      .map(({ text }) => text),
  };
};

/** Per pixel the batches that hold measured events, and the sum of its diagnostics. */
const pixelsIn = (posts, withSettings) => {
  const pixels = {};
  for (const request of posts) {
    const pixel = (pixels[request.query?.pid ?? "none"] ??= {
      batches: [],
      diagnostics: null,
    });
    const measured = eventsIn(request).filter(
      ({ type }) => type !== DIAGNOSTIC,
    );
    if (measured.length > 0)
      pixel.batches.push({
        sent_by: request.via,
        outcome: request.outcome,
        content_type: request.content_type,
        referer: request.referer,
        events: measured,
        ...Object.fromEntries(
          identityIn(request.body).map((part) => [part, request.body[part]]),
        ),
      });
    if (request.outcome === "fail") continue;
    for (const { type, data } of eventsIn(request))
      if (type === DIAGNOSTIC)
        pixel.diagnostics = added(pixel.diagnostics, data, request.body);
  }
  for (const pixel of Object.values(pixels)) {
    pixel.batches = withoutRepeatedFailures(pixel.batches);
    if (!withSettings) delete pixel.diagnostics?.settings;
  }
  return pixels;
};

const isMalformed = (request) => {
  const { query } = request;
  return (
    Number(query?.ec) !== eventsIn(request).length ||
    QUERY.some((key) => !query?.[key]) ||
    query.st !== "oaiq-web" ||
    eventsIn(request).some((event) => event.timestamp_ms !== "<ms>")
  );
};

/** A failed request and its retry carry the same events: keeps the failure once. */
const withoutRepeatedFailures = (batches) => {
  const texts = batches.map((batch) => JSON.stringify(batch));
  return batches.filter(
    (batch, i) =>
      batch.outcome !== "fail" || !texts.slice(0, i).includes(texts[i]),
  );
};

/** The sum of a pixel's diagnostics so far and one more. */
const added = (sum, data, body) => {
  const out = sum ?? {
    dropped_event_count: 0,
    reasons: {},
    names: {},
    phases: {},
    details: {},
    identity_while_denied: 0,
  };
  const count = (counts, key, by) => {
    counts[key] = (counts[key] ?? 0) + by;
  };
  out.dropped_event_count += data.dropped_event_count ?? 0;
  for (const [kind, from] of [
    ["reasons", data.dropped_event_reason_counts],
    ["names", data.dropped_event_name_counts],
    ["phases", data.dropped_event_phase_counts],
  ])
    for (const [key, by] of Object.entries(from ?? {}))
      count(out[kind], key, by);
  for (const detail of data.dropped_event_details ?? [])
    count(
      out.details,
      `${detail.reason} ${detail.code} ${detail.field}`,
      detail.count,
    );
  if (typeof data.consent === "boolean") out.consent = data.consent;
  if (data.is_first_visit_in_session) out.first_visit = true;
  if (data.is_first_consent_grant_in_session) out.first_consent_grant = true;
  if (data.config) out.settings = data.config;
  if (data.consent === false)
    out.identity_while_denied += identityIn(body).length;
  return out;
};

const isObject = (value) => typeof value === "object" && value !== null;

/** Where `got` falls short of `wanted`, a line each; the global may carry more than the vendor's does. */
export const differences = (wanted, got, path = "") => {
  if (path === "/surface/keys")
    return (wanted ?? [])
      .filter((key) => !got?.includes(key))
      .map((key) => `${path}: no ${key}`);
  if (isObject(wanted) && isObject(got))
    return [...new Set([...Object.keys(wanted), ...Object.keys(got)])].flatMap(
      (key) => differences(wanted[key], got[key], `${path}/${key}`),
    );
  return wanted === got
    ? []
    : [`${path}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`];
};
