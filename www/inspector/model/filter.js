import { isDiagnostic, kindOf } from "./kind.js";
import { refusedCount } from "./refusals.js";

/**
 * Whether an entry is to be seen: each word of `text` stands in a value that was sent, or in `shown`.
 * Refused calls stay when internal events are hidden: they are conversions that went missing.
 */
export function entryFilter(text, showInternal) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return (entry, shown) => {
    if (!showInternal && isOnlyInternal(entry.event)) return false;
    if (words.length === 0) return true;
    const searched = [shown, ...values(entry)].join(" ").toLowerCase();
    return words.every((word) => searched.includes(word));
  };
}

/** All values in `sent`, at any depth. Its keys are the same in every entry, and would match everywhere. */
function values(sent) {
  if (sent === null || typeof sent !== "object") return [sent];
  return Object.values(sent).flatMap(values);
}

function isOnlyInternal(event) {
  if (kindOf(event) !== "internal") return false;
  return !isDiagnostic(event) || refusedCount(event.data) === 0;
}
