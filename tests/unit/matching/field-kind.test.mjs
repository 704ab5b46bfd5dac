// Which kinds of value a field is for (www/matching/field-kind.js, www/matching/words.js).
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { kindsOf } from "./fixtures.mjs";

/** Switches off the possible email address of every text field, and says nothing else. */
const plain = { autocomplete: "section-none" };

/** @param {[hint: string, kinds: string][]} cases */
const testHints = (cases, given = plain) => {
  for (const [hint, kinds] of cases)
    for (const place of ["name", "id", "text"])
      test(`"${hint}" as ${place} means ${kinds}`, () => {
        const description =
          place === "text"
            ? { ...given, texts: [hint] }
            : { ...given, [place]: hint };
        assert.equal(kindsOf(description), kinds);
      });
};

describe("a hint for an email address", () => {
  testHints([
    ["email", "email"],
    ["E-Mail-Adresse", "email"],
    ["e_mail", "email"],
    ["E mail", "email"],
    ["uemail", "email"],
    ["email1", "email"],
    ["emailAddress", "email"],
    ["customer_email", "email"],
    ["mail address", "email"],
    ["メールアドレス", "email"],
    ["이메일 주소", "email"],
    ["emails", "nothing"],
    ["myemail", "nothing"],
    ["Mailadresse", "nothing"],
    ["Correo electrónico", "nothing"],
    ["mail", "nothing"],
  ]);
});

describe("a hint for a phone number", () => {
  testHints([
    ["phone", "phone"],
    ["telephone", "phone"],
    ["Mobile number", "phone"],
    ["Contact number", "phone"],
    ["contactNumber", "phone"],
    ["Cell", "phone"],
    ["Tel.", "phone"],
    ["Téléphone", "phone"],
    ["Teléfono", "phone"],
    ["電話番号", "phone"],
    ["휴대폰", "phone"],
    ["전화번호", "phone"],
    ["Telefon", "nothing"],
    ["Handy", "nothing"],
    ["cellar", "nothing"],
  ]);
});

describe("a hint for a name", () => {
  testHints([
    ["fname", "first name"],
    ["fn", "first name"],
    ["First Name:", "first name"],
    ["First name *", "first name"],
    ["givenName", "first name"],
    ["forename", "first name"],
    ["billing_first_name", "first name"],
    ["shipping[first_name]", "first name"],
    ["contact[first_name]", "nothing"],
    ["billingfirstname", "nothing"],
    ["your first name", "nothing"],
    ["Vorname", "nothing"],
    ["last-name", "last name"],
    ["Surname", "last name"],
    ["ln", "last name"],
    ["familyName", "last name"],
    ["billingLastName", "last name"],
    ["Full name", "full name"],
    ["customer_name", "full name"],
    [" Your name ", "full name"],
    ["First Last Name", "full name"],
    ["name first last", "full name"],
    ["Name", "full name"],
    ["Name ", "nothing"],
    ["Company name", "nothing"],
    ["Your full name", "nothing"],
  ]);

  test("is nothing outside a form", () => {
    for (const name of ["first_name", "last_name", "full_name"])
      assert.equal(kindsOf({ ...plain, name, hasForm: false }), "nothing");
  });

  test("of a part of the name beats one of the whole", () => {
    assert.equal(
      kindsOf({ ...plain, name: "full_name", id: "first_name" }),
      "first name",
    );
  });

  test("counts in no element but text, hidden, select and textarea", () => {
    const name = "first_name";
    for (const given of [
      { type: "hidden" },
      { type: "select-one" },
      { type: "textarea" },
    ])
      assert.equal(kindsOf({ ...plain, name, ...given }), "first name");
    assert.equal(kindsOf({ name, type: "email" }), "email");
    assert.equal(kindsOf({ name, type: "tel" }), "phone");
    assert.equal(kindsOf({ name, type: "search" }), "nothing");
  });
});

describe("a hint for a place", () => {
  testHints([
    ["country", "country"],
    ["Country code", "country"],
    ["País", "country"],
    ["国家", "country"],
    ["Pays", "nothing"],
    ["City", "city"],
    ["Your town", "city"],
    ["Locality", "city"],
    ["capacity", "nothing"],
    ["billing_state", "region"],
    ["shippingProvince", "region"],
    ["Region", "region"],
    ["estate", "nothing"],
    ["ZIP", "postal code"],
    ["zipcode", "postal code"],
    ["Postcode", "postal code"],
    ["post code", "postal code"],
    ["p-code", "postal code"],
    ["Código postal", "postal code"],
    ["postal", "postal code"],
    ["Postal address", "nothing"],
    ["shipping pin code", "postal code"],
    ["shippingpincode", "nothing"],
    ["pin code", "nothing"],
  ]);

  test("is nothing together with another kind of place or name", () => {
    assert.equal(kindsOf({ texts: ["City, State"] }), "nothing");
    assert.equal(kindsOf({ texts: ["Country/Region"] }), "nothing");
    assert.equal(kindsOf({ name: "first_name", id: "city" }), "nothing");
    assert.equal(kindsOf({ type: "tel", texts: ["ZIP / City"] }), "nothing");
  });

  test("stays beside a full name, a phone number or a possible email address", () => {
    assert.equal(
      kindsOf({ texts: ["City and mobile"] }),
      "possible email, phone, city",
    );
    assert.equal(
      kindsOf({ name: "name", id: "city" }),
      "possible email, full name, city",
    );
  });

  test("of a postal code takes the field from phone numbers", () => {
    assert.equal(kindsOf({ type: "tel", name: "zip" }), "postal code");
  });

  test("counts in number fields only for a postal code", () => {
    assert.equal(kindsOf({ type: "number", name: "zip" }), "postal code");
    assert.equal(kindsOf({ type: "number", name: "city" }), "nothing");
    assert.equal(kindsOf({ type: "number", name: "phone" }), "nothing");
  });

  test("is nothing if name or ID say that it is of someone else", () => {
    for (const name of [
      "store_city",
      "merchantCountry",
      "phone_country",
      "organization-state",
    ])
      assert.doesNotMatch(kindsOf({ name }), /city|country|region/);
    assert.equal(
      kindsOf({ ...plain, texts: ["Region"], name: "locale" }),
      "nothing",
    );
  });

  test("is nothing if it says itself that it is of someone else", () => {
    assert.equal(kindsOf({ ...plain, texts: ["Shop region"] }), "nothing");
    assert.equal(
      kindsOf({ ...plain, texts: ["Locale"], name: "postal_code" }),
      "postal code",
    );
  });

  test("is nothing beside the hint of an address line", () => {
    for (const text of [
      "Address",
      "customer address",
      "Street address",
      "customer_billing_address",
      "Full Address ",
    ])
      assert.equal(
        kindsOf({ ...plain, name: "city", texts: [text] }),
        "nothing",
      );
    assert.equal(
      kindsOf({ ...plain, name: "city", texts: ["My address"] }),
      "city",
    );
    assert.equal(
      kindsOf({ name: "address", autocomplete: "address-level2" }),
      "nothing",
    );
    assert.equal(
      kindsOf({ name: "city", autocomplete: "street-address" }),
      "nothing",
    );
  });
});

describe("autocomplete", () => {
  for (const [autocomplete, kinds] of [
    ["email", "email"],
    ["section-x shipping email", "email"],
    ["billing work tel-national", "phone"],
    ["tel-local", "phone"],
    ["BILLING Family-Name webauthn", "last name"],
    ["given-name", "first name"],
    ["name", "full name"],
    ["country-name", "country"],
    ["address-level3", "city"],
    ["address-level1", "region"],
    ["postal-code", "postal code"],
    ["username", "email"],
    ["email username", "email"],
    ["email shipping", "nothing"],
    ["section- given-name", "nothing"],
    ["home billing postal-code", "nothing"],
    ["additional-name", "nothing"],
    ["organization", "nothing"],
    ["on", "possible email"],
    ["OFF", "possible email"],
    ["", "possible email"],
    ["on off", "nothing"],
  ])
    test(`"${autocomplete}" means ${kinds}`, () => {
      assert.equal(kindsOf({ autocomplete }), kinds);
    });

  test("beats hints", () => {
    assert.equal(kindsOf({ autocomplete: "email", name: "phone" }), "email");
    assert.equal(kindsOf({ autocomplete: "tel", name: "email" }), "phone");
    assert.equal(
      kindsOf({ autocomplete: "family-name", name: "first_name" }),
      "last name",
    );
    assert.equal(
      kindsOf({ autocomplete: "address-level2", name: "store_city" }),
      "city",
    );
  });

  test("counts only in an element that fits", () => {
    assert.equal(kindsOf({ autocomplete: "tel", type: "email" }), "nothing");
    assert.equal(
      kindsOf({ autocomplete: "given-name", hasForm: false }),
      "nothing",
    );
    assert.equal(kindsOf({ autocomplete: "tel", type: "search" }), "nothing");
  });

  for (const token of [
    "current-password",
    "new-password",
    "one-time-code",
    "cc-name",
    "cc-csc",
    "cc-exp-month",
    "transaction-amount",
  ])
    test(`"${token}" among others hides the field`, () => {
      assert.equal(
        kindsOf({
          type: "email",
          name: "email",
          autocomplete: `billing ${token.toUpperCase()} webauthn`,
        }),
        "nothing",
      );
    });
});

describe("the type of an input", () => {
  test("email means an email address, tel a phone number", () => {
    assert.equal(kindsOf({ type: "email" }), "email");
    assert.equal(kindsOf({ type: "tel" }), "phone");
  });

  test("decides less than inputmode in a text field", () => {
    assert.equal(kindsOf({ inputMode: "email" }), "email");
    assert.equal(kindsOf({ inputMode: " TEL " }), "possible email, phone");
    assert.equal(kindsOf({ type: "search", inputMode: "email" }), "nothing");
  });

  test("hidden, or an element other than input, has no possible email address", () => {
    for (const given of [
      { type: "hidden" },
      { type: "textarea" },
      { type: "select-one" },
    ])
      assert.equal(kindsOf(given), "nothing");
  });

  test("hidden with the state of OAuth is nothing", () => {
    assert.equal(kindsOf({ type: "hidden", name: "state" }), "nothing");
    assert.equal(kindsOf({ type: "hidden", id: "state" }), "nothing");
    assert.equal(kindsOf({ type: "hidden", name: "billing_state" }), "region");
    assert.equal(kindsOf({ ...plain, name: "state" }), "region");
  });
});

describe("a field", () => {
  test("of somebody else is nothing", () => {
    for (const hint of [
      "friend_email",
      "Gift recipient phone",
      "referralEmail",
      "Invitees' email",
      "seller_city",
      "customer-service email",
      "thirdParty phone",
      "SKUs",
    ])
      assert.equal(kindsOf({ type: "email", texts: [hint] }), "nothing");
  });

  test("with a secret is nothing, unless it is a visible email field", () => {
    for (const hint of [
      "password",
      "passcode",
      "pass code",
      "One-time code",
      "one time passcode",
      "Verification code",
      "OTP",
      "cvc",
      "credit card",
      "card_number",
      "cc-exp",
      "SSN",
      "Date of birth",
      "birthDate",
      "court date",
      "case details",
      "medical history",
      "diagnosis",
    ]) {
      assert.equal(kindsOf({ texts: [hint], type: "tel" }), "nothing");
      assert.equal(kindsOf({ texts: [hint], name: "email" }), "email");
      assert.equal(
        kindsOf({ texts: [hint], name: "email", type: "hidden" }),
        "nothing",
      );
    }
  });

  test("of a credit card's holder is no secret, but gives no name", () => {
    assert.equal(
      kindsOf({ texts: ["Credit card holder name"], name: "phone" }),
      "possible email, phone",
    );
    assert.equal(
      kindsOf({ ...plain, texts: ["Name on credit card"], name: "name" }),
      "nothing",
    );
    assert.equal(
      kindsOf({ ...plain, texts: ["Credit card name"], name: "first_name" }),
      "nothing",
    );
  });

  test("of a payment gives a name only if it is marked as billing or shipping", () => {
    const id = "payment-first";
    assert.equal(kindsOf({ ...plain, id, name: "first_name" }), "nothing");
    assert.equal(
      kindsOf({ ...plain, id, name: "billing_first_name" }),
      "first name",
    );
    assert.equal(
      kindsOf({ id, autocomplete: "shipping given-name" }),
      "first name",
    );
    assert.equal(kindsOf({ id, autocomplete: "given-name" }), "nothing");
  });

  test("is unusable if one of its hints has more than 256 characters", () => {
    const longest = "x".repeat(256);
    for (const place of ["name", "id"]) {
      assert.equal(kindsOf({ type: "email", [place]: longest }), "email");
      assert.equal(
        kindsOf({ type: "email", [place]: `${longest}x` }),
        "nothing",
      );
    }
    assert.equal(kindsOf({ type: "email", texts: [longest] }), "email");
    assert.equal(
      kindsOf({ type: "email", texts: ["a", `${longest}x`] }),
      "nothing",
    );
  });
});
