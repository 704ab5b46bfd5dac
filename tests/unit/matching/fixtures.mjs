// Plain descriptions of fields and forms for the rules of www/matching.
import { createHash } from "node:crypto";

// the scripts take built-ins from it when they load
globalThis.window = {
  // page.mjs replaces it with a clock of its own
  setTimeout: (...given) => globalThis.window.timer?.(...given),
};
export const { normalizeIdentifier } =
  await import("../../../www/pixel/normalize-identifier.js");
const { createReader } = await import("../../../www/matching/values.js");
const { fieldOf } = await import("../../../www/matching/field-kind.js");
const { readForm } = await import("../../../www/matching/form.js");
const { createHeld, takeForm, userMember } =
  await import("../../../www/matching/merge.js");
const words = await import("../../../www/matching/words.js");

/** @param {string} text */
export const sha256 = (text) => createHash("sha256").update(text).digest("hex");

export const readValue = createReader(normalizeIdentifier);

/** The description of a field: an `input` of type `text` in a form, unless `given` says otherwise. */
export const description = (given) => ({
  type: "text",
  hints: [given.name ?? "", given.id ?? "", ...(given.texts ?? [])],
  autocomplete: "",
  inputMode: "",
  hasForm: true,
  ...given,
});

const KIND_NAMES = {
  [words.EMAIL]: "email",
  [words.PHONE]: "phone",
  [words.FIRST_NAME]: "first name",
  [words.LAST_NAME]: "last name",
  [words.FULL_NAME]: "full name",
  [words.COUNTRY]: "country",
  [words.CITY]: "city",
  [words.REGION]: "region",
  [words.POSTAL_CODE]: "postal code",
};

/** What a field is for, in words; an email field says whether an email address is certain. */
export const kindsOf = (given) => {
  const field = fieldOf(description(given));
  if (!field) return "nothing";
  return Object.entries(KIND_NAMES)
    .filter(([bit]) => field & Number(bit))
    .map(([bit, name]) =>
      Number(bit) === words.EMAIL && !(field & words.CERTAIN)
        ? "possible email"
        : name,
    )
    .join(", ");
};

/** A field with a value. */
export const input = (given) => {
  const it = {
    element: {},
    value: "",
    ...given,
    category: given.type ?? "text",
    field: () => fieldOf(description(it)),
    text: () => it.value,
    label: () => it.name ?? "",
  };
  return it;
};

/** A form of fields. */
export const form = (...fields) => {
  const owner = { inputs: fields.map(input) };
  return owner;
};

/** How a form is read for a pixel. */
export const context = (held, given) => ({
  held,
  readValue,
  isScan: false,
  isPayment: false,
  ...given,
});

export const reading = (owner, given, held = createHeld()) =>
  readForm(owner.inputs, context(held, given));

/** What an action of the visitor, or a scan, makes of a form. */
export const take = (held, owner, given) =>
  takeForm(held, owner, reading(owner, given, held), given?.isScan ?? false);

/** The member of a request as an object. */
export const userOf = (held) =>
  JSON.parse(`{"x":0${userMember(held)}}`).user ?? null;

/** Numbers from 0 up to 1, the same in each run. */
export const createRandom = (seed) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};
