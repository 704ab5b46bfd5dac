// The decision about consent (www/consent/), and what each source's words mean, without a browser.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gtag, Page } from "./consent-page.mjs";

// the page comes first: what these files stand on is taken from it as they are loaded
const {
  hasUser,
  isInit,
  isMeasure,
  withOptOut,
  pixelIdOf,
  wantsDebug,
  withUser,
} = await import("../../www/consent/call-text.js");
const { decide } = await import("../../www/consent/decide.js");
const { readOptions } = await import("../../www/consent/options.js");
const { interpretGoogle, interpretGpp, interpretTcf } =
  await import("../../www/consent/interpret.js");

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

const standard = (params) => ({ kind: "default", params });
const update = (params) => ({ kind: "update", params });
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
      assert.equal(interpretGoogle(commands, place).measure, measure);
    });

  test("user data may go where it is granted or nobody speaks of it", () => {
    const user = (...commands) => interpretGoogle(commands, "").user;
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
    assert.equal(interpretGoogle([standard(waiting)], "").wait, 500);
    assert.equal(
      interpretGoogle([standard(waiting), update(GRANTS)], "").wait,
      0,
    );
    const elsewhere = standard({ ...waiting, region: ["DE"] });
    assert.equal(interpretGoogle([elsewhere, standard(GRANTS)], "FR").wait, 0);
  });
});

/** Where a visitor may be: two parts of a country, the country itself, and others. */
const PLACES = ["DE-BY", "DE-BE", "DE", "FR", "US-CA"];

const COMMANDS = [
  ...[undefined, ["DE"], ["DE-BY"], ["FR", "US"]].flatMap((region) => [
    standard({ ...GRANTS, region }),
    standard({ ...DENIES, region }),
  ]),
  update(GRANTS),
  update(DENIES),
];

/** Google's rules as its documentation has them, for a visitor whose place is known. */
const byGoogle = (commands, place) => {
  const updates = commands.filter(({ kind }) => kind === "update");
  if (updates.length) return updates.at(-1).params.ad_storage === "granted";
  const defaults = commands.map(({ params }) => params);
  const [country] = place.split("-");
  for (const fits of [
    ({ region }) => region?.includes(place),
    ({ region }) => region?.includes(country),
    ({ region }) => region === undefined,
  ]) {
    const it = defaults.filter(fits).at(-1);
    // a default that denies is no answer yet
    if (it) return it.ad_storage === "granted" || undefined;
  }
};

/** The same where nobody has said where the visitor is: only what holds wherever they may be. */
const anywhere = (commands) => {
  const isUpdated = commands.some(({ kind }) => kind === "update");
  if (isUpdated) return byGoogle(commands, "AQ");
  const isDenied = ({ params }) =>
    params.region && params.ad_storage === "denied";
  return commands.some(isDenied) ? undefined : byGoogle(commands, "AQ");
};

describe("Google's rules", () => {
  const sequences = [0, 1, 2, 3, 4].flatMap((length) =>
    lists(COMMANDS, length),
  );

  test("hold in each order of up to four defaults and updates, wherever the visitor is", () => {
    for (const commands of sequences)
      for (const place of PLACES)
        if (
          interpretGoogle(commands, place).measure !== byGoogle(commands, place)
        )
          assert.fail(`${place} ${JSON.stringify(commands)}`);
  });

  test("grant without a place only what they grant at every place, and a regional denial counts for everybody", () => {
    for (const commands of sequences) {
      const { measure } = interpretGoogle(commands, "");
      if (measure !== anywhere(commands)) assert.fail(JSON.stringify(commands));
      if (measure === true)
        for (const place of PLACES)
          assert.equal(byGoogle(commands, place), true);
    }
  });

  test("hold for the user data as well", () => {
    for (const commands of sequences)
      for (const place of ["", ...PLACES]) {
        const asData = commands.map(({ kind, params }) => ({
          kind,
          params: { ad_user_data: params.ad_storage, region: params.region },
        }));
        const { measure } = interpretGoogle(commands, place);
        const { user } = interpretGoogle(asData, place);
        if (measure !== undefined && user !== measure)
          assert.fail(`${place} ${JSON.stringify(commands)}`);
        const spokenOf = ({ params: { region } }) =>
          !region || !place || region.some((it) => place.startsWith(it));
        const isDenied = ({ params }) => params.ad_storage === "denied";
        if (measure === undefined && commands.filter(spokenOf).every(isDenied))
          assert.equal(user, !commands.some(spokenOf));
      }
  });
});

const asEntry = ({ kind, params }) => gtag("consent", kind, params);

describe("a page with a data layer", () => {
  const GLOBAL_GRANT = standard(GRANTS);
  const REGIONAL_DENIAL = standard({ ...DENIES, region: ["DE"] });
  const STATES = { true: "granted", false: "denied", undefined: "pending" };

  test("is measured by all that stands there once it is parsed, in every order and however much of it comes before the pixel", async () => {
    for (const length of [1, 2, 3])
      for (const commands of lists(COMMANDS, length))
        for (let before = 0; before <= length; before += 1) {
          const page = await Page.opens({
            consentSource: "google",
            region: "DE-BY",
          });
          page.measures("first");
          page.dataLayer = commands.slice(0, before).map(asEntry);
          page.loads();
          for (const command of commands.slice(before)) {
            page.dataLayer.push(asEntry(command));
            page.measures("between");
          }
          page.measures("last");
          page.isParsed();
          assert.deepEqual(page.module, []);
          page.passes();
          const granted = byGoogle(commands, "DE-BY");
          const says = JSON.stringify({ before, commands });
          assert.equal(page.told.state, STATES[granted], says);
          const { length: measured } = page.measured;
          assert.equal(measured, granted ? length - before + 2 : 0, says);
        }
  });

  for (const region of ["DE", undefined])
    test(`does not leak an event by a global grant before a regional denial, where the region is ${region}`, async () => {
      for (const layer of [
        [],
        [GLOBAL_GRANT],
        [GLOBAL_GRANT, REGIONAL_DENIAL],
      ]) {
        const page = await Page.opens({ consentSource: "google", region });
        page.dataLayer = layer.map(asEntry);
        page.measures("early");
        page.loads();
        const rest = [GLOBAL_GRANT, REGIONAL_DENIAL].slice(layer.length);
        // inline scripts, with a stylesheet between them that lets other tasks run
        for (const command of rest) {
          page.passes(1_000);
          page.dataLayer.push(asEntry(command));
          page.measures("late");
          page.passes(1_000);
        }
        page.isParsed();
        page.passes(1_000);
        assert.deepEqual(page.module, []);
        assert.equal(page.told.state, "pending");
      }
    });

  test("is measured at once by an update, and by a default once the page has been parsed", async () => {
    const page = await Page.opens({ consentSource: "google" });
    page.loads();
    page.measures("a");
    page.dataLayer.push(asEntry(GLOBAL_GRANT));
    page.passes();
    assert.deepEqual(page.measured, []);
    page.dataLayer.push(asEntry(update(GRANTS)));
    page.passes();
    assert.deepEqual(page.measured, ["a"]);

    const other = await Page.opens({ consentSource: "google" });
    other.readyState = "interactive";
    other.dataLayer = [asEntry(GLOBAL_GRANT)];
    other.measures("b");
    other.loads();
    other.passes();
    assert.deepEqual(other.measured, ["b"]);
  });

  test("holds what comes behind a denial, and loses nothing if the same task takes it back", async () => {
    const page = await Page.opens({ consentSource: "google" });
    page.loads();
    page.dataLayer.push(asEntry(update(GRANTS)));
    page.passes();
    page.measures("allowed");
    page.dataLayer.push(asEntry(update(DENIES)));
    page.measures("behind");
    assert.equal(page.told.state, "pending");
    page.dataLayer.push(asEntry(update(GRANTS)));
    page.passes();
    assert.deepEqual(page.measured, ["allowed", "behind"]);
    assert.ok(!page.module.includes('"consent" false'));

    page.dataLayer.push(asEntry(update(DENIES)));
    page.measures("denied");
    page.passes();
    assert.equal(page.told.state, "denied");
    assert.deepEqual(page.measured, ["allowed", "behind"]);
    assert.ok(page.module.includes('"consent" false'));
  });

  test("is decided before the page ends", async () => {
    for (const event of ["pagehide", "visibilitychange", "freeze"]) {
      const page = await Page.opens({ consentSource: "google" });
      page.loads();
      page.dataLayer.push(asEntry(update(GRANTS)));
      page.passes();
      page.dataLayer.push(asEntry(update(DENIES)));
      page.happens(event);
      assert.equal(page.module.at(-1), '"consent" false');
    }
  });

  test("is heard where the layer is replaced, or filled without its push", async () => {
    for (const change of [
      (page, entry) => {
        page.dataLayer = [entry];
      },
      (page, entry) => {
        page.dataLayer[page.dataLayer.length] = entry;
      },
      (page, entry) => page.dataLayer.unshift(entry),
      (page, entry) => {
        page.dataLayer.push = Array.prototype.push;
        page.dataLayer.push(entry);
      },
    ]) {
      const page = await Page.opens({ consentSource: "google" });
      page.readyState = "complete";
      page.loads();
      page.dataLayer.push(asEntry(update(GRANTS)));
      page.passes(200_000);
      page.measures("before");
      change(page, asEntry(update(DENIES)));
      page.measures("behind");
      page.passes();
      assert.deepEqual(page.measured, ["before"]);
      assert.equal(page.told.state, "denied");
    }
  });

  test("waits as long as the longest default for the visitor says", async () => {
    const wait = (wait_for_update, more) =>
      asEntry(standard({ ...GRANTS, wait_for_update, ...more }));
    const page = await Page.opens({ consentSource: "google", region: "FR" });
    page.readyState = "complete";
    page.dataLayer = [wait(500), wait("none"), wait(9_000, { region: ["DE"] })];
    page.loads();
    page.measures("a");
    page.passes(100);
    page.dataLayer.push(wait(1_000));
    page.passes(900);
    assert.deepEqual(page.measured, []);
    page.passes(200);
    assert.deepEqual(page.measured, ["a"]);
  });

  test("may name a region as a text, or in small letters", async () => {
    for (const region of ["DE", "de", ["de"]])
      for (const [place, first, second] of [
        ["DE", GRANTS, { ...DENIES, region }],
        ["FR", DENIES, { ...GRANTS, region }],
      ]) {
        const page = await Page.opens({
          consentSource: "google",
          region: place,
        });
        page.readyState = "complete";
        page.dataLayer = [first, second].map((it) => asEntry(standard(it)));
        page.loads();
        page.measures("a");
        page.passes();
        assert.equal(page.told.state, "pending");
        assert.deepEqual(page.module, []);
      }
  });
});

describe("a consent manager that calls back at once", () => {
  const tcData = (allows) => ({
    eventStatus: "tcloaded",
    gdprApplies: true,
    purpose: { consents: { 1: allows, 7: allows } },
  });
  const gppData = (allows) => ({
    pingData: {
      signalStatus: "ready",
      parsedSections: { usnat: [{ SaleOptOut: allows ? 2 : 1 }] },
    },
  });
  const MANAGERS = {
    tcf: (page, ...answers) => {
      page.tcf = (_command, _version, callback) => {
        page.again = (allows) => callback(tcData(allows), true);
        answers.forEach(page.again);
      };
    },
    gpp: (page, ...answers) => {
      page.gpp = (_command, callback) => {
        page.again = (allows) => callback(gppData(allows), true);
        answers.forEach(page.again);
      };
    },
  };
  for (const [source, answers] of Object.entries(MANAGERS))
    test(`by ${source} is taken by its last word of a task`, async () => {
      for (const [words, state] of [
        [[true, false], "denied"],
        [[false, true], "granted"],
        [[true], "granted"],
      ]) {
        const page = await Page.opens({ consentSource: source });
        page.measures("a");
        answers(page, ...words);
        page.loads();
        page.measures("b");
        assert.deepEqual(page.module, []);
        page.passes();
        assert.equal(page.told.state, state);
        const both = state === "granted" ? ["a", "b"] : [];
        assert.deepEqual(page.measured, both);

        page.again(state !== "granted");
        page.again(state === "granted");
        page.passes();
        assert.equal(page.told.state, state);
        const consents = page.module.filter((it) => it.startsWith('"consent"'));
        assert.equal(new Set(consents).size, 1);
      }
    });

  test("is one of several, which are all waited for", async () => {
    const page = await Page.opens({ consentSource: "google tcf gpp" });
    page.measures("a");
    MANAGERS.tcf(page, true);
    page.dataLayer = [asEntry(update(GRANTS))];
    page.loads();
    page.passes();
    assert.deepEqual(page.told, { state: "pending", source: "gpp" });
    MANAGERS.gpp(page, true, false);
    page.passes(100);
    assert.deepEqual(page.told, { state: "denied", source: "gpp" });
    assert.deepEqual(page.measured, []);
  });

  test("is not heard against a denial in another tab that came later", async () => {
    const page = await Page.opens({ consentSource: "tcf" });
    MANAGERS.tcf(page, true);
    page.loads();
    page.happens("storage", { key: "oaiq_consent", newValue: "false" });
    page.measures("a");
    page.passes();
    assert.deepEqual(page.told, { state: "denied", source: "another tab" });
    assert.deepEqual(page.measured, []);
    page.again(true);
    page.passes();
    assert.equal(page.told.state, "granted");
  });
});

describe("what the consent file is told", () => {
  const options = (attributes, config = {}) =>
    readOptions((name) => attributes[name] ?? null, config);

  test("by the pixel's own attributes is the same as by those without its prefix and by the config", () => {
    const given = {
      "consent-source": "google, TCF",
      "google-data-layer": "gtmLayer",
      region: "us-ca",
      "tcf-vendor": "123",
      gpc: "opt-out",
      "click-passthrough": "",
    };
    const named = (prefix) =>
      Object.fromEntries(
        Object.entries(given).map(([name, value]) => [prefix + name, value]),
      );
    const expected = {
      mustAsk: true,
      redactPath: false,
      sources: ["google", "tcf", "gpc"],
      googleDataLayer: "gtmLayer",
      region: "US-CA",
      tcfVendor: "123",
      gpc: "opt-out",
      forwardsClickId: true,
      warnings: [],
    };
    assert.deepEqual(options(named("data-oaiq-")), expected);
    assert.deepEqual(options(named("data-")), expected);
    const config = {
      consentSource: "google, TCF",
      googleDataLayer: "gtmLayer",
      region: "us-ca",
      tcfVendor: 123,
      gpc: "opt-out",
      clickPassthrough: true,
    };
    assert.deepEqual(options({}, config), expected);
  });

  test("by another tool's attribute is nothing", () => {
    const nothing = options({});
    assert.deepEqual(nothing.sources, ["call"]);
    for (const attributes of [
      { "data-consent-source": "cmp-v2" },
      { "data-consent-source": "google marketing" },
      { "data-region": "Bavaria" },
      { "data-region": "eu-central-1" },
      { "data-gpc": "respect" },
      { "data-tcf-vendor": "our-shop" },
      { "data-google-data-layer": "my layer" },
      { "data-click-passthrough": "checkout" },
    ])
      assert.deepEqual(options(attributes), nothing);
    const config = { consentSource: "tcf", region: "DE" };
    const both = { "data-consent-source": "cmp", "data-region": "Bavaria" };
    assert.deepEqual(options(both, config), options({}, config));
  });

  test("and makes no sense is named in one line", () => {
    for (const [name, value, warning] of [
      [
        "consent-source",
        "gogle",
        /names the unknown source "gogle" \(known: google, /,
      ],
      ["consent-source", "", /data-oaiq-consent-source names no source/],
      ["region", "Germany", /data-oaiq-region must be .* but is "Germany"/],
      ["region", "UK", /data-oaiq-region must be .* "GB"/],
      ["gpc", "no", /data-oaiq-gpc must be empty or "opt-out"/],
      [
        "tcf-vendor",
        "shop",
        /data-oaiq-tcf-vendor must be the number of a vendor/,
      ],
    ]) {
      const { warnings } = options({ [`data-oaiq-${name}`]: value });
      assert.equal(warnings.length, 1);
      assert.match(warnings[0], warning);
    }
    const { warnings } = options({}, { consentSource: "tfc" });
    assert.match(warnings.join(), /^nothing is measured: oaiq\.config\.con/);
  });

  test("is no place where its region is none, so that each regional denial counts", () => {
    for (const region of ["Germany", "EU", "uk", "DE-BAVARIA", "276"])
      assert.equal(options({ "data-oaiq-region": region }).region, "");
  });

  test("is nothing where the element and the config throw", () => {
    const boom = () => {
      throw new Error("boom");
    };
    const hostile = new Proxy({}, { get: boom });
    assert.deepEqual(readOptions(boom, hostile), options({}));
  });

  test("by an empty data-oaiq-gpc is that the browser's signal denies", () => {
    const { sources, gpc } = options({ "data-oaiq-gpc": "" });
    assert.deepEqual(sources, ["gpc"]);
    assert.equal(gpc, "");
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
      assert.equal(interpretTcf(data, vendor), measure);
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
    ["nothing of its sections", ready(undefined), undefined],
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
      assert.equal(interpretGpp(ping), measure);
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
      assert.equal(last(withOptOut(call(...parts))), becomes);
    }
    const single = call('"measureSingle"', '"P"', '"custom"', "u", "{}");
    assert.equal(last(withOptOut(single)), '{"opt_out":true}');
  });

  test("that is refused anyway stays as it is", () => {
    const parts = ['"measure"', '"order_created"', "{}", "5"];
    assert.equal(last(withOptOut(call(...parts))), "5");
  });

  test("tells another user where it is an init", () => {
    const init = call('"init"', '{"pixelId":"P","user":{"city":"Kiel"}}');
    assert.ok(isInit(init) && isInit(call('"initialize"', "{}")));
    assert.ok(!isInit(call('"measure"', '"init"')));
    assert.equal(pixelIdOf(init), '"P"');
    assert.ok(hasUser(init));
    assert.equal(last(withUser(init, "{}")), '{"pixelId":"P","user":{}}');
    assert.equal(last(withUser(call('"init"', "{}"), "u")), '{"user":u}');
    assert.equal(last(withUser(call('"init"', "5"), "{}")), "5");
  });

  test("has the members that are its own, and not those of what lies within", () => {
    const nested = call(
      '"init"',
      '{"a":{"user":{},"pixelId":"Q","debug":true},"b":[{"user":1}],"c":"\\u0022user\\u0022:{},","pixelId":"P"}',
    );
    assert.equal(hasUser(nested), false);
    assert.equal(pixelIdOf(nested), '"P"');
    assert.equal(wantsDebug(nested), false);
    assert.ok(wantsDebug(call('"init"', '{"debug":true}')));
    assert.equal(
      last(withUser(nested, '{"city":"Kiel"}')),
      nested.parts[1].replace(/}$/, ',"user":{"city":"Kiel"}}'),
    );
    const options =
      '{"x":{"opt_out":false},"opt_out":[false,{"opt_out":1}],"y":x"symbol"}';
    assert.equal(
      last(withOptOut(call('"measure"', '"custom"', "u", options))),
      '{"x":{"opt_out":false},"y":x"symbol","opt_out":true}',
    );
  });

  test("that is no object's has no members", () => {
    for (const part of ["u", "null", "5", '"user"', '[{"user":1}]', undefined])
      assert.equal(hasUser(call('"init"', part)), false);
  });

  test("measures where its command says so", () => {
    for (const command of ['"measure"', '"measureSingle"'])
      assert.ok(isMeasure(call(command)));
    assert.ok(!isMeasure(call('"measureAll"')) && !isMeasure(call()));
  });
});
