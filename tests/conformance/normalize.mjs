// Reduces a visit to what two implementations must agree on. Leaves out what depends on races: which request carries a
// diagnostic, and when the pixel config arrives.

const DIAGNOSTIC = "oai::diagnostic";
/**
 * @typedef {import("./player.mjs").Observation} Observation
 * @typedef {import("./player.mjs").ObservedRequest} ObservedRequest
 *
 * @typedef {object} DiagnosticSum
 * @property {number} dropped_event_count
 * @property {Record<string, number>} reasons
 * @property {Record<string, number>} names
 * @property {Record<string, number>} phases
 * @property {Record<string, number>} details
 * @property {number} identity_while_denied
 * @property {boolean} [consent]
 * @property {boolean} [first_visit]
 * @property {boolean} [first_consent_grant]
 * @property {unknown} [settings]
 *
 * @typedef {object} NormalPixel
 * @property {Record<string, any>[]} batches
 * @property {DiagnosticSum | null} diagnostics
 */

const IDENTITY = ["obref", "oppref", "user"];
const QUERY = ["pid", "st", "sv", "t", "ec"];

/** @param {Record<string, any> | undefined} body */
const identityIn = (body) =>
  IDENTITY.filter((member) => body?.[member] !== undefined);
/**
 * @param {ObservedRequest} request
 * @returns {Record<string, any>[]}
 */
const eventsIn = (request) => request.body?.events ?? [];

/**
 * @param {Observation} seen
 * @param {string} name of the visit; only those named config-... wait long enough to report the pixel config
 */
export const normalize = (seen, name) => {
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

/**
 * The batches of measured events and the sum of the diagnostics, by pixel.
 *
 * @param {ObservedRequest[]} posts
 * @param {boolean} withConfig
 */
const pixelsIn = (posts, withConfig) => {
  /** @type {Record<string, NormalPixel>} */
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
          identityIn(request.body).map((member) => [
            member,
            request.body[member],
          ]),
        ),
      });
    if (request.outcome === "fail") continue;
    for (const { type, data } of eventsIn(request))
      if (type === DIAGNOSTIC)
        pixel.diagnostics = sum(pixel.diagnostics, data, request.body);
  }
  for (const pixel of Object.values(pixels)) {
    pixel.batches = withoutRepeatedFailures(pixel.batches);
    if (!withConfig) delete pixel.diagnostics?.settings;
  }
  return pixels;
};

/** @param {ObservedRequest} request */
const isMalformed = (request) => {
  const { query } = request;
  return (
    Number(query?.ec) !== eventsIn(request).length ||
    QUERY.some((key) => !query?.[key]) ||
    query.st !== "oaiq-web" ||
    eventsIn(request).some((event) => event.timestamp_ms !== "<ms>")
  );
};

/**
 * Removes repeated failures: a failed request and its retry carry the same events.
 *
 * @param {Record<string, any>[]} batches
 */
const withoutRepeatedFailures = (batches) => {
  const texts = batches.map((batch) => JSON.stringify(batch));
  return batches.filter(
    (batch, i) =>
      batch.outcome !== "fail" || !texts.slice(0, i).includes(texts[i]),
  );
};

/**
 * Adds a diagnostic to the sum of a pixel's diagnostics so far.
 *
 * @param {DiagnosticSum | null} total
 * @param {Record<string, any>} data of the diagnostic
 * @param {Record<string, any>} body of the request
 */
const sum = (total, data, body) => {
  /** @type {DiagnosticSum} */
  const out = total ?? {
    dropped_event_count: 0,
    reasons: {},
    names: {},
    phases: {},
    details: {},
    identity_while_denied: 0,
  };
  /**
   * @param {Record<string, number>} counts
   * @param {string} key
   * @param {number} by
   */
  const count = (counts, key, by) => {
    counts[key] = (counts[key] ?? 0) + by;
  };
  out.dropped_event_count += data.dropped_event_count ?? 0;
  /** @type {[Record<string, number>, Record<string, number> | undefined][]} */
  const tables = [
    [out.reasons, data.dropped_event_reason_counts],
    [out.names, data.dropped_event_name_counts],
    [out.phases, data.dropped_event_phase_counts],
  ];
  for (const [counts, more] of tables)
    for (const [key, by] of Object.entries(more ?? {})) count(counts, key, by);
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

/**
 * @param {any} value
 * @returns {value is Record<string, any>}
 */
const isObject = (value) => typeof value === "object" && value !== null;

/**
 * Differences, one line each. The global may have more properties than the vendor's has.
 *
 * @param {any} expected
 * @param {any} actual
 * @returns {string[]}
 */
export const diff = (expected, actual, path = "") => {
  if (path === "/surface/keys")
    return (expected ?? [])
      .filter((/** @type {string} */ key) => !actual?.includes(key))
      .map((/** @type {string} */ key) => `${path}: no ${key}`);
  if (isObject(expected) && isObject(actual))
    return [
      ...new Set([...Object.keys(expected), ...Object.keys(actual)]),
    ].flatMap((key) => diff(expected[key], actual[key], `${path}/${key}`));
  return expected === actual
    ? []
    : [
        `${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`,
      ];
};
