import { isSessionMarker } from "./diagnostic-facts.js";
import { element } from "./element.js";
import { formatBytes, formatTime, isoTime, plural, shorten } from "./format.js";
import { jsonPanel } from "./json-panel.js";
import { isDiagnostic } from "./kind.js";

/** One request: its header, and an empty list that takes its events. `entries`: those of the request, at least one. */
export function batchCard(entries) {
  const request = withoutEvent(entries[0]);
  const title = `Request ${request.batch}`;
  const titleId = `batch-${request.batch}`;
  const json = jsonPanel(request, title);
  const head = element(
    "div",
    { class: "batch-head" },
    element("h2", { id: titleId }, title),
    element("code", { "data-field": "pixel" }, String(request.pixel)),
    request.stripped === true ? strippedBadge(entries) : identity(request),
    requestFacts(request, json.button),
  );
  const list = element("ol", { class: "events" });
  const card = element(
    "li",
    {
      class: "batch",
      "data-batch": request.batch,
      "data-pixel": request.pixel,
      "data-stripped": request.stripped === true,
    },
    element("article", { "aria-labelledby": titleId }, head, json.panel, list),
  );
  return { card, head, list };
}

function requestFacts(request, button) {
  const fact = (field, text) =>
    element("span", { "data-field": field }, String(text));
  return element(
    "span",
    { class: "request-facts" },
    fact("transport", request.transport),
    fact("size", plural(request.batch_size, "event")),
    // An image tag has no body.
    request.bytes > 0 ? fact("bytes", formatBytes(request.bytes)) : undefined,
    element(
      "time",
      {
        "data-field": "received",
        datetime: isoTime(request.received_ms),
        title: "When the collector received it",
      },
      formatTime(request.received_ms),
    ),
    button,
  );
}

/** What the request's entries share. */
function withoutEvent(entry) {
  const request = { ...entry };
  delete request.seq;
  delete request.event;
  return request;
}

function identity({ oppref, obref, user }) {
  return element(
    "ul",
    { class: "identity", "aria-label": "Identity sent" },
    reference("click", oppref),
    reference("browser", obref),
    userFields(user),
  );
}

function reference(name, value) {
  if (value === undefined) return absent(name);
  return element(
    "li",
    { "data-identity": name, "data-present": "true" },
    `${name} `,
    element("code", { title: String(value) }, shorten(String(value))),
  );
}

/** What the wire's short names stand for. */
const USER_FIELDS = new Map([
  ["eid", "external id"],
  ["co", "country"],
  ["ct", "city"],
  ["rg", "region"],
  ["pc", "postal code"],
  ["em", "email"],
  ["ph", "phone number"],
  ["fn", "first name"],
  ["ln", "last name"],
]);

function userFields(user) {
  const names = Object.keys(user?.in ?? {});
  if (names.length === 0) return absent("user");
  return element(
    "li",
    { "data-identity": "user", "data-present": "true" },
    "user",
    ...names.flatMap((name) => [
      " ",
      element(
        "code",
        { "data-user-field": name, title: USER_FIELDS.get(name) },
        name,
      ),
    ]),
  );
}

function absent(name) {
  return element(
    "li",
    { "data-identity": name, "data-present": "false" },
    `no ${name}`,
  );
}

function strippedBadge(entries) {
  return element(
    "span",
    {
      class: "stripped",
      "data-field": "stripped",
      title: "Neither click nor browser nor user came with it",
    },
    element("strong", {}, "stripped"),
    ` ${whyStripped(entries)}`,
  );
}

/**
 * The request does not say why, but what is in it does. The pixel strips a request when consent is denied or when every event
 * marks the session; others may have had nothing to send.
 */
function whyStripped(entries) {
  const diagnostics = entries
    .map(({ event }) => event)
    .filter(isDiagnostic)
    .map(({ data }) => data ?? {});
  if (diagnostics.some(({ consent }) => consent === false)) {
    return "consent is denied";
  }
  if (
    diagnostics.length === entries.length &&
    diagnostics.every(isSessionMarker)
  ) {
    return "session markers only";
  }
  return entries[0].transport === "image"
    ? "image tag without a click"
    : "nothing identifies the visitor";
}
