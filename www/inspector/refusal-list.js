import { element } from "./element.js";
import { plural } from "./format.js";
import { explainRefusals, refusedNames } from "./refusals.js";

/** The refused calls of one diagnostic, a sentence each. */
export function refusalList(data) {
  const refusals = explainRefusals(data);
  const allNamed = refusals.every(({ name }) => name !== undefined);
  return element(
    "ul",
    { class: "refusals", "aria-label": "Refused calls" },
    ...refusals.map(refusalItem),
    allNamed
      ? undefined
      : element(
          "li",
          {},
          element("span", {}, "Refused in all: ", code(refusedNames(data))),
        ),
  );
}

function refusalItem({ count, reason, code: fault, field, name, words }) {
  return element(
    "li",
    {
      class: "refusal",
      "data-refused-count": count,
      "data-refused-reason": reason,
      "data-refused-code": fault,
      "data-refused-field": field,
      "data-refused-event": name,
    },
    element(
      "span",
      { class: "sentence" },
      ...subject(name, count),
      count === 1 ? " was refused: " : " were refused: ",
      words,
      field === undefined ? undefined : " (",
      field === undefined ? undefined : code(field),
      field === undefined ? undefined : ")",
    ),
    element(
      "span",
      { class: "fault" },
      [reason, fault].filter(Boolean).join(" · "),
    ),
  );
}

function subject(name, count) {
  const calls = count === 1 ? "A call" : plural(count, "call");
  if (name === undefined) return [calls];
  if (name === "unknown") return [`${calls} with an unknown event name`];
  return count === 1 ? [strong(name)] : [`${calls} of `, strong(name)];
}

function strong(text) {
  return element("strong", {}, text);
}

function code(text) {
  return element("code", {}, text);
}
