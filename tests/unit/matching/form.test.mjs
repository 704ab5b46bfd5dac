// What forms give, and what is held after actions and scans (www/matching/form.js, www/matching/merge.js).
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { context, form, reading, sha256, take, userOf } from "./fixtures.mjs";
import { PLACES } from "../../../www/matching/field-kind.js";
import { readField } from "../../../www/matching/form.js";
import {
  addItems,
  createHeld,
  fillFrom,
  takeForm,
  takeOwn,
  takePlace,
  trim,
} from "../../../www/matching/merge.js";

const emails = (...names) => names.map((name) => sha256(`${name}@x.test`));
const [ada, bob, cy, dee] = emails("ada", "bob", "cy", "dee");
const email = (value, given) => ({
  name: "email",
  type: "email",
  value: value && `${value}@x.test`,
  ...given,
});
const phone = (value) => ({ name: "phone", value });
const named = (name, value, given) => ({ name, value, ...given });
const any = (value, given) => ({ value: value && `${value}@x.test`, ...given });

/** What `fm` is after an action on a form with these fields. */
const given = (...fields) => {
  const held = createHeld();
  take(held, form(...fields));
  return userOf(held)?.fm ?? {};
};
const fill = (held, owner, options) =>
  fillFrom(held, reading(owner, { isScan: true, ...options }, held));

describe("a form", () => {
  test("gives three email addresses and two phone numbers, known ones first", () => {
    assert.deepEqual(given(any("ada"), email("bob"), any("cy"), email("dee")), {
      em: [bob, dee, ada],
    });
    assert.deepEqual(
      given(phone("4155550101"), phone("4155550102"), phone("4155550103")),
      { ph: [sha256("4155550101"), sha256("4155550102")] },
    );
  });

  test("gives each value once", () => {
    assert.deepEqual(given(email("ada"), email("ADA"), any("ada")), {
      em: [ada],
    });
  });

  test("gives nothing from an email field whose value is none", () => {
    assert.deepEqual(
      given(named("email", "4155550134", { texts: ["Email or phone"] })),
      {},
    );
  });

  test("gives no hash from a field that is not for it", () => {
    assert.deepEqual(given(named("token", "ab".repeat(32))), {});
  });

  test("gives no place if it has two countries", () => {
    assert.deepEqual(
      given(
        named("shipping_country", "us"),
        named("city", "Boston"),
        named("billing_country", "de"),
        email("ada"),
      ),
      { em: [ada] },
    );
    assert.deepEqual(
      given(named("country", "us"), named("billing_country", "USA")),
      { co: "us" },
    );
  });

  test("gives the first of several cities, address-level2 before others", () => {
    assert.deepEqual(given(named("city", "Rome"), named("town", "Oslo")), {
      ct: "rome",
    });
    assert.deepEqual(
      given(
        named("city", "Rome"),
        named("x", "Oslo", { autocomplete: "address-level2" }),
      ),
      { ct: "oslo" },
    );
  });

  test("gives no first name if it has two, and keeps the last name", () => {
    assert.deepEqual(
      given(
        named("first_name", "Ada"),
        named("fname", "Bob"),
        named("last_name", "Muster"),
        named("surname", " MUSTER"),
      ),
      { ln: sha256("muster") },
    );
  });

  test("gives a full name only if no field for a part of the name gave one", () => {
    const full = named("full_name", "Bob Builder");
    assert.deepEqual(given(full, named("first_name", "Ada")), {
      fn: sha256("ada"),
    });
    assert.deepEqual(given(full, named("first_name", "")), {
      fn: sha256("bob"),
      ln: sha256("builder"),
    });
  });

  test("gives a confirmation only if no field before it contradicts", () => {
    const confirmation = (value) => email(value, { id: "confirm_email" });
    assert.deepEqual(given(email("ada"), confirmation("bob")), { em: [ada] });
    assert.deepEqual(given(email(""), confirmation("bob")), { em: [bob] });
    assert.deepEqual(given(confirmation("bob"), email("ada")), {
      em: [ada, bob],
    });
  });

  test("is looked at up to the fifteenth field of each element and type", () => {
    const others = Array.from({ length: 15 }, (_, i) => named(`q${i}`, ""));
    assert.deepEqual(given(...others, named("city", "Paris"), email("ada")), {
      em: [ada],
    });
    assert.deepEqual(given(...others.slice(1), named("city", "Paris")), {
      ct: "paris",
    });
  });

  test("for a payment gives only names marked as billing or shipping", () => {
    const held = createHeld();
    take(
      held,
      form(
        named("first_name", "Bob"),
        named("x", "Muster", { autocomplete: "billing family-name" }),
      ),
      { isPayment: true },
    );
    assert.deepEqual(userOf(held), { fm: { ln: sha256("muster") } });
  });
});

describe("a scan", () => {
  const scanned = (...fields) => {
    const held = createHeld();
    const owner = form(...fields);
    held.current = owner;
    take(held, owner, { isScan: true });
    return userOf(held)?.fm ?? {};
  };

  test("reads no text field that may hold an email address, and no confirmation", () => {
    assert.deepEqual(
      scanned(any("ada"), email("bob", { id: "verify" }), email("cy")),
      { em: [cy] },
    );
  });

  test("adds other forms where there is room, and the places of one form only", () => {
    const held = createHeld();
    const first = form(email("ada"), named("city", "Paris"));
    held.current = first;
    take(held, first, { isScan: true });
    fill(held, form(email("bob"), phone("4155550134"), named("zip", "00100")));
    fill(held, form(email("cy"), named("first_name", "Cy")));
    fill(held, form(email("dee")));
    assert.deepEqual(userOf(held).fm, {
      em: [ada, bob, cy],
      ph: [sha256("4155550134")],
      fn: sha256("cy"),
      ct: "paris",
    });
  });

  test("forgets what an untouched form no longer has", () => {
    const held = createHeld();
    const owner = form(
      email("ada"),
      named("first_name", "Ada"),
      named("city", "Rome"),
    );
    held.current = owner;
    take(held, owner, { isScan: true });
    for (const it of owner.inputs) it.value = "";
    take(held, owner, { isScan: true });
    assert.deepEqual(userOf(held).fm, { em: [ada] });
  });

  test("forgets nothing of a submitted form that the page has emptied", () => {
    const held = createHeld();
    const owner = form(
      email("ada"),
      any("bob"),
      named("first_name", "Ada"),
      named("country", "de"),
      named("city", "Berlin"),
    );
    take(held, owner);
    const before = userOf(held);
    assert.deepEqual(before.fm.em, [ada, bob]);
    take(held, owner, { isScan: true });
    assert.deepEqual(userOf(held), before);
    for (const it of owner.inputs) it.value = "";
    // the country goes back to what the page had selected
    owner.inputs[3].value = "us";
    take(held, owner, { isScan: true });
    assert.deepEqual(userOf(held), before);
  });

  test("takes what the visitor has typed since a form was submitted", () => {
    const held = createHeld();
    const owner = form(email("ada"), any("bob"), named("city", "Rome"));
    take(held, owner);
    owner.inputs[0].value = "cy@x.test";
    owner.inputs[2].value = "Oslo";
    take(held, owner, { isScan: true });
    assert.deepEqual(userOf(held).fm, { em: [cy, bob], ct: "oslo" });
  });

  test("drops the names of a form that has become one for a payment, but not those of another", () => {
    const held = createHeld();
    const owner = form(named("first_name", "Ada"));
    held.current = owner;
    take(held, owner, { isScan: true });
    fill(held, form(named("last_name", "Muster")), { isPayment: true });
    assert.deepEqual(userOf(held).fm, { fn: sha256("ada") });
    take(held, owner, { isScan: true, isPayment: true });
    assert.equal(userOf(held), null);
  });
});

describe("an action", () => {
  test("adds the steps of a checkout up", () => {
    const held = createHeld();
    take(held, form(email("ada")));
    take(held, form(named("first_name", "Ada"), named("last_name", "M")));
    take(held, form(named("city", "Rome"), named("zip", "00100")));
    assert.deepEqual(userOf(held).fm, {
      em: [ada],
      fn: sha256("ada"),
      ln: sha256("m"),
      ct: "rome",
      pc: "00100",
    });
  });

  test("replaces all values of the kinds that the form gives", () => {
    const held = createHeld();
    take(held, form(email("ada"), email("bob"), phone("4155550134")));
    take(held, form(email("cy")));
    assert.deepEqual(userOf(held).fm, {
      em: [cy],
      ph: [sha256("4155550134")],
    });
  });

  test("replaces all places if the form has a field for any", () => {
    const held = createHeld();
    take(held, form(named("city", "Rome"), named("zip", "00100")));
    take(held, form(named("country", "de")));
    assert.deepEqual(userOf(held).fm, { co: "de" });
  });

  test("forgets an emptied name or place, but no emptied email address", () => {
    const held = createHeld();
    const owner = form(
      email("ada"),
      named("first_name", "Ada"),
      named("zip", "1"),
    );
    take(held, owner);
    for (const it of owner.inputs) it.value = "";
    take(held, owner);
    assert.deepEqual(userOf(held).fm, { em: [ada] });
  });

  test("forgets a name whose field is for something else by now", () => {
    const held = createHeld();
    const owner = form(email("ada"), named("first_name", "Ada"));
    take(held, owner);
    owner.inputs[1].name = "nickname";
    take(held, owner);
    assert.deepEqual(userOf(held).fm, { em: [ada] });
  });

  test("on a form that gives nothing changes nothing, unless it is the current one", () => {
    const held = createHeld();
    const owner = form(named("city", "Rome"));
    take(held, owner);
    take(held, form(named("zip", "")));
    assert.deepEqual(userOf(held).fm, { ct: "rome" });
    owner.inputs[0].value = "";
    take(held, owner);
    assert.equal(userOf(held), null);
  });

  test("on a form for a payment drops the names of all forms", () => {
    const held = createHeld();
    take(held, form(email("ada"), named("first_name", "Ada")));
    take(held, form(phone("4155550134")), { isPayment: true });
    assert.deepEqual(userOf(held).fm, {
      em: [ada],
      ph: [sha256("4155550134")],
    });
  });
});

describe("a single field", () => {
  const change = (held, owner, at = 0) => {
    const input = owner.inputs[at];
    const { element } = input;
    const items = readField(input, context(held));
    const gavePlace = held.fm.some(
      (it) => it.element === element && it.key !== "em" && it.key !== "ph",
    );
    const kinds = gavePlace ? PLACES : 0;
    takeForm(held, owner, { items, kinds, elements: [element] }, false, true);
  };

  test("replaces its own earlier value, also by none", () => {
    const held = createHeld();
    const owner = form(email("ada"), email("bob"));
    change(held, owner, 1);
    change(held, owner, 0);
    assert.deepEqual(userOf(held).fm, { em: [ada, bob] });
    owner.inputs[0].value = "cy@x.test";
    change(held, owner, 0);
    assert.deepEqual(userOf(held).fm, { em: [cy, bob] });
    owner.inputs[0].value = "";
    change(held, owner, 0);
    assert.deepEqual(userOf(held).fm, { em: [bob] });
  });

  test("of another form replaces all values of its kind", () => {
    const held = createHeld();
    take(held, form(email("ada"), email("bob"), phone("4155550134")));
    change(held, form(email("cy")));
    assert.deepEqual(userOf(held).fm, {
      em: [cy],
      ph: [sha256("4155550134")],
    });
  });

  test("of another form that is empty changes nothing", () => {
    const held = createHeld();
    take(held, form(email("ada")));
    change(held, form(email("")));
    assert.deepEqual(userOf(held).fm, { em: [ada] });
  });

  test("for a place outside forms replaces all places", () => {
    const held = createHeld();
    const zip = form(named("zip", "00100"));
    change(held, zip);
    change(held, form(named("city", "Rome")));
    assert.deepEqual(userOf(held).fm, { ct: "rome" });
    change(held, zip);
    zip.inputs[0].value = "";
    change(held, zip);
    assert.equal(userOf(held), null);
  });
});

describe("what the site gives itself", () => {
  const own = (members) => `,"user":{"in":{${members}}}`;

  test("comes first, and counts", () => {
    const held = createHeld();
    takeOwn(held, own(`"ct":"Boston","em":"${dee}","fn":"${sha256("dee")}"`));
    take(
      held,
      form(
        email("ada"),
        email("bob"),
        email("cy"),
        named("first_name", "Bob"),
        named("last_name", "Builder"),
        named("city", "Paris"),
      ),
    );
    trim(held);
    assert.deepEqual(Object.keys(userOf(held)), ["in", "fm"]);
    assert.deepEqual(userOf(held), {
      in: { ct: "Boston", em: dee, fn: sha256("dee") },
      fm: { em: [ada, bob], ln: sha256("builder"), ct: "paris" },
    });
  });

  test("is not sent twice, and counts as not found until the site gives another", () => {
    const held = createHeld();
    take(held, form(email("ada"), email("bob")));
    takeOwn(held, own(`"em":"${ada}"`));
    trim(held);
    assert.deepEqual(userOf(held).fm, { em: [bob] });
    // the form seems to have no email address
    take(held, form(email("ada"), phone("4155550134")));
    assert.deepEqual(userOf(held).fm.em, [bob]);
    takeOwn(held, "");
    take(held, form(email("ada")));
    assert.deepEqual(userOf(held).fm.em, [bob]);
    takeOwn(held, own(`"em":"${cy}"`));
    take(held, form(email("ada")));
    assert.deepEqual(userOf(held).fm.em, [ada]);
  });
});

describe("the parts of user data", () => {
  const items = (...values) =>
    values.map((value) => ({ key: "em", value, letter: "x", element: {} }));

  test("send each value once, in the first part that has it", () => {
    const held = createHeld();
    addItems(held, "js", items(ada, bob));
    addItems(held, "ht", items(bob, cy));
    takePlace(held, { key: "pc", value: "00100" });
    take(held, form(email("ada"), named("city", "Rome")));
    trim(held);
    assert.deepEqual(userOf(held), {
      fm: { em: [ada], ct: "rome" },
      js: { em: [bob] },
      ht: { em: [cy], pc: "00100" },
    });
  });

  test("send each place once, whatever it is", () => {
    const held = createHeld();
    takePlace(held, { key: "ct", value: "oslo" });
    assert.deepEqual(userOf(held), { ht: { ct: "oslo" } });
    takePlace(held, { key: "pc", value: "00100" });
    assert.deepEqual(userOf(held), { ht: { pc: "00100" } });
    take(held, form(named("zip", "0250")));
    assert.deepEqual(userOf(held), { fm: { pc: "0250" } });
  });

  test("lose their last values when an earlier part takes the room, for good", () => {
    const held = createHeld();
    addItems(held, "js", items(cy));
    addItems(held, "ht", items(dee));
    take(held, form(email("ada"), email("bob")));
    trim(held);
    assert.deepEqual(userOf(held), {
      fm: { em: [ada, bob] },
      js: { em: [cy] },
    });
    take(held, form(email("ada")));
    trim(held);
    assert.deepEqual(userOf(held), { fm: { em: [ada] }, js: { em: [cy] } });
  });

  test("take new values only while there is room, and in front if they are newer", () => {
    const held = createHeld();
    addItems(held, "js", items(ada));
    addItems(held, "js", items(bob, cy), true);
    addItems(held, "js", items(dee), true);
    assert.deepEqual(userOf(held), { js: { em: [bob, cy, ada] } });
  });

  test("are left out if they are empty", () => {
    const held = createHeld();
    assert.equal(userOf(held), null);
    addItems(held, "ht", items(ada));
    assert.deepEqual(Object.keys(userOf(held)), ["ht"]);
  });

  test("have places as JSON strings", () => {
    const held = createHeld();
    take(held, form(named("city", 'Say "\\hi"\u0007')));
    assert.deepEqual(userOf(held).fm, { ct: 'say "\\hi"\u0007' });
  });
});
