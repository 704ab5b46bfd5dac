// Written by `npm run generate` from src/.

/** Digits after the decimal point by ISO 4217, for currencies that do not have 2. */
export const CURRENCY_DIGITS = new Map([
  ["BIF", 0],
  ["CLP", 0],
  ["DJF", 0],
  ["GNF", 0],
  ["ISK", 0],
  ["JPY", 0],
  ["KMF", 0],
  ["KRW", 0],
  ["PYG", 0],
  ["RWF", 0],
  ["UGX", 0],
  ["UYI", 0],
  ["VND", 0],
  ["VUV", 0],
  ["XAF", 0],
  ["XOF", 0],
  ["XPF", 0],
  ["BHD", 3],
  ["IQD", 3],
  ["JOD", 3],
  ["KWD", 3],
  ["LYD", 3],
  ["OMR", 3],
  ["TND", 3],
  ["CLF", 4],
  ["UYW", 4],
]);

/** Events that should count once however often their page is reloaded. */
export const ONE_TIME_EVENTS = new Set([
  "order_created",
  "subscription_created",
  "trial_started",
  "registration_completed",
  "lead_created",
  "appointment_scheduled",
]);

/** The names that a page uses for the visitor's fields, by their keys on the pixel's wire. */
export const USER_FIELDS = new Map([
  ["eid", "external_id_sha256"],
  ["co", "country"],
  ["ct", "city"],
  ["rg", "region"],
  ["pc", "postal_code"],
  ["em", "email_sha256"],
  ["ph", "phone_number_sha256"],
  ["fn", "first_name_sha256"],
  ["ln", "last_name_sha256"],
]);

/** Violations in words, by their code in diagnostics and the path of the field. */
export const DIAGNOSED_VIOLATIONS = new Map([
  [
    "custom_event_name_required custom_event_name",
    "custom_event_name must be set, because custom events need a name of their own",
  ],
  [
    "invalid_amount data.amount",
    "data.amount must be a whole number in the currency's minor unit: for example 2599 for USD 25.99",
  ],
  [
    "invalid_amount data.contents[].amount",
    "an item's amount must be a whole number in the currency's minor unit: for example 2599 for USD 25.99",
  ],
  [
    "invalid_custom_event_name custom_event_name",
    "custom_event_name must be 1 to 64 letters, digits, _ or -, starting and ending with a letter or digit",
  ],
  [
    "invalid_field_type custom_event_name",
    "custom_event_name must be a string",
  ],
  ["invalid_field_type data", "data must be an object"],
  [
    "invalid_field_type data.contents",
    "data.contents must be an array of objects",
  ],
  [
    "invalid_field_type data.contents[].content_type",
    "an item's content_type must be a string",
  ],
  [
    "invalid_field_type data.contents[].currency",
    "an item's currency must be a string",
  ],
  [
    "invalid_field_type data.contents[].quantity",
    "an item's quantity must be a whole number",
  ],
  ["invalid_field_type data.currency", "data.currency must be a string"],
  ["invalid_field_type data.type", "data.type must be a string"],
  ["invalid_field_type opt_out", "opt_out must be true or false"],
  [
    "missing_currency data.contents[].currency",
    "an item's currency must be set, because there is an amount",
  ],
  [
    "missing_currency data.currency",
    "data.currency must be set, because there is an amount",
  ],
  ["missing_required_field data", "data must be an object"],
  ["missing_required_field data.type", "data.type must be set"],
  ["unknown_event_type type", "no event has this name"],
]);

/**
 * The code of a violation in `/events.json`: `faults[].code`.
 *
 * @typedef {(
 *   | "unknown_event_name"
 *   | "missing_data"
 *   | "missing_field"
 *   | "missing_custom_event_name"
 *   | "empty_custom_event_name"
 *   | "invalid_custom_event_name"
 *   | "reserved_custom_event_name"
 *   | "custom_event_name_not_string"
 *   | "wrong_type"
 *   | "not_integer"
 *   | "amount_not_integer"
 *   | "missing_currency"
 *   | "not_string"
 *   | "not_object"
 *   | "invalid_currency"
 *   | "unknown_field"
 *   | "empty_string"
 *   | "wrong_shape"
 *   | "custom_event_name_not_allowed"
 *   | "event_too_large"
 * )} ViolationCode
 */
