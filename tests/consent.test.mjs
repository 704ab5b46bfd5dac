// The decision about consent (www/consent/), and what each source's words mean, without a browser.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  hasUser,
  isInit,
  optedOut,
  pixelOf,
  withUser,
} from "../www/consent/calls.js";
import { decide } from "../www/consent/decision.js";
import { readCommands, readGpp, readTcData } from "../www/consent/reading.js";

const SOURCES = ["google", "tcf", "gpp", "gpc"];
const ANSWERS = [undefined, true, false];

/** All lists of so many things, each of which is one of these. */
const lists = (things, length) =>
  length === 0
    ? [[]]
    : lists(things, length - 1).flatMap((list) =>
        things.map((thing) => [...list, thing]),
      );

const orders = (things) =>
  things.length < 2
    ? [things]
    : things.flatMap((thing) =>
        orders(things.filter((it) => it !== thing)).map((rest) => [
          thing,
          ...rest,
        ]),
      );

const some = (things) =>
  things.reduce((sets, thing) => sets.flatMap((s) => [s, [...s, thing]]), [[]]);

describe("consent", () => {
  for (const named of some(SOURCES).filter((set) => set.length))
    test(`of ${named.join(" and ")}: any denial denies, all must allow, the page's word is the last, in any order`, () => {
      for (const answered of lists(ANSWERS, named.length))
        for (const call of ANSWERS) {
          let expected = "pending";
          if (answered.every((it) => it === true)) expected = "granted";
          if (answered.includes(false)) expected = "denied";
          if (call !== undefined) expected = call ? "granted" : "denied";
          for (const order of orders(named)) {
            const answers = {};
            for (const name of order)
              answers[name] = { measure: answered[named.indexOf(name)] };
            const { state, source } = decide(named, answers, call);
            assert.equal(state, expected, JSON.stringify({ answers, call }));
            const reasons = {
              pending: named.filter((name) => answers[name].measure == null),
              granted: named,
              denied: [named.find((name) => answers[name].measure === false)],
            };
            const reason =
              call === undefined ? reasons[state].join(" ") : "call";
            assert.equal(source, reason);
          }
        }
    });

  test("that nobody has answered is pending", () => {
    assert.deepEqual(decide(["google"], {}, undefined), {
      state: "pending",
      source: "google",
      user: true,
    });
  });

  test("of measuring is not one of user data", () => {
    const answers = { google: { measure: true, user: false } };
    for (const call of [undefined, true])
      assert.deepEqual(
        decide(["google", "gpc"], { ...answers, gpc: { measure: true } }, call)
          .user,
        false,
      );
  });
});

const standard = (given) => ({ kind: "default", given });
const update = (given) => ({ kind: "update", given });
const DENIES = { ad_storage: "denied" };
const GRANTS = { ad_storage: "granted" };

describe("Google Consent Mode", () => {
  for (const [says, commands, place, measure] of [
    ["nothing", [], "", undefined],
    ["a default that denies", [standard(DENIES)], "", undefined],
    ["a default that grants", [standard(GRANTS)], "", true],
    ["an update that grants", [standard(DENIES), update(GRANTS)], "", true],
    ["an update that denies", [standard(GRANTS), update(DENIES)], "", false],
    ["a change of mind", [update(GRANTS), update(DENIES)], "", false],
    [
      "another default behind an update",
      [update(DENIES), standard(GRANTS)],
      "",
      false,
    ],
    [
      "an update of something else",
      [standard(GRANTS), update({ analytics_storage: "denied" })],
      "",
      true,
    ],
    ["a word that is none", [update({ ad_storage: "yes" })], "", undefined],
    [
      "a denial for the visitor's country",
      [standard(GRANTS), standard({ ...DENIES, region: ["DE"] })],
      "DE",
      undefined,
    ],
    [
      "a denial for a part of the country",
      [standard(GRANTS), standard({ ...DENIES, region: ["US-CA"] })],
      "US-CA",
      undefined,
    ],
    [
      "a denial for another part",
      [standard(GRANTS), standard({ ...DENIES, region: ["US-CA"] })],
      "US-NY",
      true,
    ],
    [
      "a denial for another country",
      [standard({ ...DENIES, region: ["DE"] }), standard(GRANTS)],
      "FR",
      true,
    ],
    [
      "a denial for all, not for this country",
      [standard({ ...GRANTS, region: ["US"] }), standard(DENIES)],
      "US-CA",
      true,
    ],
    [
      "a part that counts more than its country",
      [
        standard({ ...GRANTS, region: ["US-CA"] }),
        standard({ ...DENIES, region: ["US"] }),
      ],
      "US-CA",
      true,
    ],
    [
      "a denial for a region, and nobody says where the visitor is",
      [standard({ ...DENIES, region: ["DE"] }), standard(GRANTS)],
      "",
      undefined,
    ],
    [
      "the same the other way round",
      [standard(GRANTS), standard({ ...DENIES, region: ["DE"] })],
      "",
      undefined,
    ],
  ])
    test(`${says}: ${measure}`, () => {
      assert.equal(readCommands(commands, place).measure, measure);
    });

  test("user data may go where it is granted or nobody speaks of it", () => {
    const user = (...commands) => readCommands(commands, "").user;
    assert.equal(user(update(GRANTS)), true);
    assert.equal(user(standard({ ad_user_data: "denied" })), false);
    assert.equal(
      user(
        standard({ ad_user_data: "denied" }),
        update({ ad_user_data: "granted" }),
      ),
      true,
    );
    assert.equal(user(update({ ad_user_data: "denied" })), false);
  });

  test("a default waits as long as it says, an update for nobody", () => {
    const waiting = { ...GRANTS, wait_for_update: 500 };
    assert.equal(readCommands([standard(waiting)], "").wait, 500);
    assert.equal(readCommands([standard(waiting), update(GRANTS)], "").wait, 0);
    const elsewhere = standard({ ...waiting, region: ["DE"] });
    assert.equal(readCommands([elsewhere, standard(GRANTS)], "FR").wait, 0);
  });
});

const tc = (more) => ({
  eventStatus: "tcloaded",
  gdprApplies: true,
  purpose: { consents: { 1: true, 7: true } },
  vendor: { consents: { 12: true } },
  ...more,
});

describe("TCF", () => {
  for (const [says, data, vendor, measure] of [
    ["nothing", undefined, "", undefined],
    ["that the law does not apply", { gdprApplies: false }, "", true],
    [
      "that the visitor is being asked",
      tc({ eventStatus: "cmpuishown" }),
      "",
      undefined,
    ],
    ["both purposes", tc(), "", true],
    [
      "both purposes, just now",
      tc({ eventStatus: "useractioncomplete" }),
      "",
      true,
    ],
    ["only to store", tc({ purpose: { consents: { 1: true } } }), "", false],
    ["only to measure", tc({ purpose: { consents: { 7: true } } }), "", false],
    [
      "a legitimate interest alone",
      tc({
        purpose: { consents: { 1: true }, legitimateInterests: { 7: true } },
      }),
      "",
      false,
    ],
    ["no purposes at all", tc({ purpose: undefined }), "", false],
    ["the vendor", tc(), "12", true],
    ["another vendor", tc(), "13", false],
    [
      "a vendor that was not shown",
      tc({
        vendor: { consents: { 12: true }, disclosedVendors: { 12: false } },
      }),
      "12",
      false,
    ],
  ])
    test(`${says}: ${measure}`, () => {
      assert.equal(readTcData(data, vendor), measure);
    });
});

describe("GPP", () => {
  const ready = (parsedSections) => ({ signalStatus: "ready", parsedSections });
  for (const [says, ping, measure] of [
    ["nothing", undefined, undefined],
    [
      "that it is not ready",
      { ...ready({}), signalStatus: "not ready" },
      undefined,
    ],
    ["no section", ready({}), true],
    [
      "no section for the United States",
      ready({ tcfeuv2: [{ SaleOptOut: 1 }] }),
      true,
    ],
    [
      "no opt-out",
      ready({
        usnat: [
          { SaleOptOut: 2, SharingOptOut: 2, TargetedAdvertisingOptOut: 2 },
        ],
      }),
      true,
    ],
    ["what does not apply", ready({ usnat: [{ SaleOptOut: 0 }] }), true],
    ["an opt-out of sale", ready({ usnat: [{ SaleOptOut: 1 }] }), false],
    ["an opt-out of sharing", ready({ usca: [{ SharingOptOut: 1 }] }), false],
    [
      "an opt-out of targeted advertising",
      ready({ usva: { TargetedAdvertisingOptOut: 1 } }),
      false,
    ],
    [
      "one in a second part",
      ready({ usnat: [{ Version: 1 }, { SaleOptOut: 1 }] }),
      false,
    ],
    ["the old string with an opt-out", ready({ uspv1: ["1YYN"] }), false],
    ["the old string without one", ready({ uspv1: ["1YNN"] }), true],
    ["the old string in parts", ready({ uspv1: { OptOutSale: "Y" } }), false],
  ])
    test(`${says}: ${measure}`, () => {
      assert.equal(readGpp(ping), measure);
    });
});

describe("a call's text", () => {
  const call = (...parts) => ({ head: "[1", parts });
  const last = ({ parts }) => parts.at(-1);

  test("opts out whatever its options are", () => {
    for (const [options, becomes] of [
      [undefined, '{"opt_out":true}'],
      ["u", '{"opt_out":true}'],
      ["null", '{"opt_out":true}'],
      ["{}", '{"opt_out":true}'],
      ['{"event_id":"a"}', '{"event_id":"a","opt_out":true}'],
      ['{"opt_out":false,"event_id":"a"}', '{"event_id":"a","opt_out":true}'],
      ['{"event_id":"a","opt_out":false}', '{"event_id":"a","opt_out":true}'],
      ['{"opt_out":"no"}', '{"opt_out":true}'],
      ['{"opt_out":x"symbol","a":1}', '{"a":1,"opt_out":true}'],
    ]) {
      const parts = ['"measure"', '"order_created"', "{}"];
      if (options) parts.push(options);
      assert.equal(last(optedOut(call(...parts))), becomes);
    }
    const single = call('"measureSingle"', '"P"', '"custom"', "u", "{}");
    assert.equal(last(optedOut(single)), '{"opt_out":true}');
  });

  test("that is refused anyway stays as it is", () => {
    const parts = ['"measure"', '"order_created"', "{}", "5"];
    assert.equal(last(optedOut(call(...parts))), "5");
  });

  test("tells another user where it is an init", () => {
    const init = call('"init"', '{"pixelId":"P","user":{"city":"Kiel"}}');
    assert.ok(isInit(init) && isInit(call('"initialize"', "{}")));
    assert.ok(!isInit(call('"measure"', '"init"')));
    assert.equal(pixelOf(init), '"pixelId":"P"');
    assert.ok(hasUser(init));
    assert.equal(
      last(withUser(init, "{}")),
      '{"pixelId":"P","user":{"city":"Kiel"},"user":{}}',
    );
    assert.equal(last(withUser(call('"init"', "{}"), "u")), '{"user":u}');
    assert.equal(last(withUser(call('"init"', "5"), "{}")), "5");
  });
});
