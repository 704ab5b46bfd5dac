import { diagnosticFacts } from "./diagnostic-facts.js";
import { element, unseen } from "./element.js";
import { formatTime, isoTime, pathOf, plural } from "./format.js";
import { jsonPanel } from "./json-panel.js";
import { isDiagnostic, kindOf, nameOf } from "./kind.js";
import { formatMoney } from "./money.js";
import { refusalList } from "./refusal-list.js";
import { refusedCount, refusedPhases } from "./refusals.js";

/** One event as a list item; `repeat`: it has been here before. */
export function eventRow(entry, repeat) {
  const { event } = entry;
  const data = event.data ?? {};
  const refused = isDiagnostic(event) ? refusedCount(data) : 0;
  const name = nameOf(event);
  const json = jsonPanel(event, name);

  return element(
    "li",
    {
      class: "event",
      "data-kind": kindOf(event),
      "data-event-type": event.type,
      "data-event-name": name,
      "data-event-id": event.id,
      "data-transport": entry.transport,
      "data-seq": entry.seq,
      "data-refused": refused || undefined,
      "data-repeat": repeat,
    },
    element(
      "div",
      { class: "row" },
      nameCell(event, name, repeat),
      ...(isDiagnostic(event)
        ? [factsCell(data, refused)]
        : [moneyCell(data), itemsCell(data), pathCell(event)]),
      labelled("id", "id", String(event.id ?? "")),
      timeCell(event.timestamp_ms),
      json.button,
    ),
    refused > 0 ? refusalList(data) : undefined,
    json.panel,
  );
}

function nameCell(event, name, repeat) {
  const type = String(event.type);
  const plan = event.data?.plan_id;
  return element(
    "span",
    { class: "name", "data-field": "name" },
    element("strong", {}, name),
    name === type ? undefined : element("span", { class: "type" }, type),
    plan === undefined
      ? undefined
      : element(
          "span",
          { class: "plan" },
          "plan ",
          element("code", {}, String(plan)),
        ),
    event.opt_out === true
      ? badge("opt out", "Not to be used for personalising ads")
      : undefined,
    repeat
      ? badge(
          "repeat",
          "Seen before: OpenAI keeps the first event of the same pixel, name and id",
        )
      : undefined,
  );
}

function badge(words, title) {
  return element("span", { class: "badge", title }, words);
}

function moneyCell({ amount, currency }) {
  const money = amount === undefined ? "" : formatMoney(amount, currency);
  return labelled("money", "amount", money);
}

function itemsCell({ contents }) {
  return labelled(
    "items",
    undefined,
    Array.isArray(contents) ? plural(contents.length, "item") : "",
  );
}

function pathCell({ source_url: source }) {
  if (source === undefined) return labelled("path", "page", "");
  const cell = labelled("path", "page", pathOf(source));
  cell.title = String(source);
  return cell;
}

function timeCell(ms) {
  return element(
    "time",
    { class: "time", "data-field": "time", datetime: isoTime(ms) },
    unseen("measured "),
    formatTime(ms),
  );
}

/** A cell whose column is said to those who cannot see it. An empty one says nothing. */
function labelled(field, label, text) {
  return element(
    "span",
    { class: field, "data-field": field },
    label && text ? unseen(`${label} `) : undefined,
    text,
  );
}

function factsCell(data, refused) {
  const facts = diagnosticFacts(data).map(({ fact, words }) =>
    element("li", { "data-fact": fact }, words),
  );
  if (refused > 0) {
    const words = `${plural(refused, "call")} refused ${refusedPhases(data)}`;
    facts.unshift(element("li", { "data-fact": "refused" }, words));
  }
  return element("ul", { class: "facts" }, ...facts);
}
