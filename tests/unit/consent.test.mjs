// Consent (www/consent/) without a browser: the decision, and the interpretation of each source.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gtag, Page } from "./consent-page.mjs";

// after the page, from which these files take built-ins when they load
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

/** All lists of this length whose items are among `things`. */
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

describe("the decision", () => {
  for (const named of some(SOURCES).filter((set) => set.length))
    test(`of ${named.join(" and ")} needs all to allow, one to deny, and is overruled by the page, in any order`, () => {
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

  test("is pending until a source answers", () => {
    assert.deepEqual(decide(["google"], {}, undefined), {
      state: "pending",
      source: "google",
      user: true,
    });
  });

  test("about measuring does not allow user data", () => {
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
    ["no command", [], "", undefined],
    ["a default that denies", [standard(DENIES)], "", undefined],
    ["a default that grants", [standard(GRANTS)], "", true],
    ["an update that grants", [standard(DENIES), update(GRANTS)], "", true],
    ["an update that denies", [standard(GRANTS), update(DENIES)], "", false],
    ["a change of mind", [update(GRANTS), update(DENIES)], "", false],
    [
      "a default after an update",
      [update(DENIES), standard(GRANTS)],
      "",
      false,
    ],
    [
      "an update of another type",
      [standard(GRANTS), update({ analytics_storage: "denied" })],
      "",
      true,
    ],
    ["an unknown value", [update({ ad_storage: "yes" })], "", undefined],
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
      "a denial everywhere, and a grant for the country",
      [standard({ ...GRANTS, region: ["US"] }), standard(DENIES)],
      "US-CA",
      true,
    ],
    [
      "a grant for a part, and a denial for its country",
      [
        standard({ ...GRANTS, region: ["US-CA"] }),
        standard({ ...DENIES, region: ["US"] }),
      ],
      "US-CA",
      true,
    ],
    [
      "a denial for a region, and an unknown place",
      [standard({ ...DENIES, region: ["DE"] }), standard(GRANTS)],
      "",
      undefined,
    ],
    [
      "the same in the other order",
      [standard(GRANTS), standard({ ...DENIES, region: ["DE"] })],
      "",
      undefined,
    ],
  ])
    test(`${says}: ${measure}`, () => {
      assert.equal(interpretGoogle(commands, place).measure, measure);
    });

  test("user data is allowed unless it is denied", () => {
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

  test("a default waits for wait_for_update, and an update does not wait", () => {
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

/** Two parts of a country, the country itself, and others. */
const PLACES = ["DE-BY", "DE-BE", "DE", "FR", "US-CA"];

const COMMANDS = [
  ...[undefined, ["DE"], ["DE-BY"], ["FR", "US"]].flatMap((region) => [
    standard({ ...GRANTS, region }),
    standard({ ...DENIES, region }),
  ]),
  update(GRANTS),
  update(DENIES),
];

/** Google's documented rules, for a visitor whose place is known. */
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
    // a default that denies is not an answer
    if (it) return it.ad_storage === "granted" || undefined;
  }
};

/** The same for an unknown place: only what holds at every place. */
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

  test("hold for each order of up to four defaults and updates at each place", () => {
    for (const commands of sequences)
      for (const place of PLACES)
        if (
          interpretGoogle(commands, place).measure !== byGoogle(commands, place)
        )
          assert.fail(`${place} ${JSON.stringify(commands)}`);
  });

  test("grant at an unknown place only what they grant at every place", () => {
    for (const commands of sequences) {
      const { measure } = interpretGoogle(commands, "");
      if (measure !== anywhere(commands)) assert.fail(JSON.stringify(commands));
      if (measure === true)
        for (const place of PLACES)
          assert.equal(byGoogle(commands, place), true);
    }
  });

  test("hold for user data as well", () => {
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
        const applies = ({ params: { region } }) =>
          !region || !place || region.some((it) => place.startsWith(it));
        const isDenied = ({ params }) => params.ad_storage === "denied";
        if (measure === undefined && commands.filter(applies).every(isDenied))
          assert.equal(user, !commands.some(applies));
      }
  });
});

const asEntry = ({ kind, params }) => gtag("consent", kind, params);

describe("a page with a data layer", () => {
  const GLOBAL_GRANT = standard(GRANTS);
  const REGIONAL_DENIAL = standard({ ...DENIES, region: ["DE"] });
  const STATES = { true: "granted", false: "denied", undefined: "pending" };

  test("is measured by all commands in it once it is parsed, in every order, before and after the pixel", async () => {
    for (const length of [1, 2, 3])
      for (const commands of lists(COMMANDS, length))
        for (let before = 0; before <= length; before += 1) {
          const page = await Page.create({
            consentSource: "google",
            region: "DE-BY",
          });
          page.measure("first");
          page.dataLayer = commands.slice(0, before).map(asEntry);
          page.loadConsentFile();
          for (const command of commands.slice(before)) {
            page.dataLayer.push(asEntry(command));
            page.measure("between");
          }
          page.measure("last");
          page.finishParsing();
          assert.deepEqual(page.module, []);
          page.advance();
          const granted = byGoogle(commands, "DE-BY");
          const says = JSON.stringify({ before, commands });
          assert.equal(page.consent.state, STATES[granted], says);
          const { length: measured } = page.measured;
          assert.equal(measured, granted ? length - before + 2 : 0, says);
        }
  });

  for (const region of ["DE", undefined])
    test(`does not send an event by a global grant before a regional denial if the region is ${region}`, async () => {
      for (const layer of [
        [],
        [GLOBAL_GRANT],
        [GLOBAL_GRANT, REGIONAL_DENIAL],
      ]) {
        const page = await Page.create({ consentSource: "google", region });
        page.dataLayer = layer.map(asEntry);
        page.measure("early");
        page.loadConsentFile();
        const rest = [GLOBAL_GRANT, REGIONAL_DENIAL].slice(layer.length);
        // inline scripts, with a stylesheet between them that lets other tasks run
        for (const command of rest) {
          page.advance(1_000);
          page.dataLayer.push(asEntry(command));
          page.measure("late");
          page.advance(1_000);
        }
        page.finishParsing();
        page.advance(1_000);
        assert.deepEqual(page.module, []);
        assert.equal(page.consent.state, "pending");
      }
    });

  test("is measured at once by an update, and by a default once it is parsed", async () => {
    const page = await Page.create({ consentSource: "google" });
    page.loadConsentFile();
    page.measure("a");
    page.dataLayer.push(asEntry(GLOBAL_GRANT));
    page.advance();
    assert.deepEqual(page.measured, []);
    page.dataLayer.push(asEntry(update(GRANTS)));
    page.advance();
    assert.deepEqual(page.measured, ["a"]);

    const other = await Page.create({ consentSource: "google" });
    other.readyState = "interactive";
    other.dataLayer = [asEntry(GLOBAL_GRANT)];
    other.measure("b");
    other.loadConsentFile();
    other.advance();
    assert.deepEqual(other.measured, ["b"]);
  });

  test("holds events after a denial, and loses none if the same task revokes it", async () => {
    const page = await Page.create({ consentSource: "google" });
    page.loadConsentFile();
    page.dataLayer.push(asEntry(update(GRANTS)));
    page.advance();
    page.measure("allowed");
    page.dataLayer.push(asEntry(update(DENIES)));
    page.measure("behind");
    assert.equal(page.consent.state, "pending");
    page.dataLayer.push(asEntry(update(GRANTS)));
    page.advance();
    assert.deepEqual(page.measured, ["allowed", "behind"]);
    assert.ok(!page.module.includes('"consent" false'));

    page.dataLayer.push(asEntry(update(DENIES)));
    page.measure("denied");
    page.advance();
    assert.equal(page.consent.state, "denied");
    assert.deepEqual(page.measured, ["allowed", "behind"]);
    assert.ok(page.module.includes('"consent" false'));
  });

  test("decides before it ends", async () => {
    for (const event of ["pagehide", "visibilitychange", "freeze"]) {
      const page = await Page.create({ consentSource: "google" });
      page.loadConsentFile();
      page.dataLayer.push(asEntry(update(GRANTS)));
      page.advance();
      page.dataLayer.push(asEntry(update(DENIES)));
      page.dispatch(event);
      assert.equal(page.module.at(-1), '"consent" false');
    }
  });

  test("notices commands if the layer is replaced, or filled without its push", async () => {
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
      const page = await Page.create({ consentSource: "google" });
      page.readyState = "complete";
      page.loadConsentFile();
      page.dataLayer.push(asEntry(update(GRANTS)));
      page.advance(200_000);
      page.measure("before");
      change(page, asEntry(update(DENIES)));
      page.measure("behind");
      page.advance();
      assert.deepEqual(page.measured, ["before"]);
      assert.equal(page.consent.state, "denied");
    }
  });

  test("waits for the longest wait_for_update that applies to the visitor", async () => {
    const wait = (wait_for_update, more) =>
      asEntry(standard({ ...GRANTS, wait_for_update, ...more }));
    const page = await Page.create({ consentSource: "google", region: "FR" });
    page.readyState = "complete";
    page.dataLayer = [wait(500), wait("none"), wait(9_000, { region: ["DE"] })];
    page.loadConsentFile();
    page.measure("a");
    page.advance(100);
    page.dataLayer.push(wait(1_000));
    page.advance(900);
    assert.deepEqual(page.measured, []);
    page.advance(200);
    assert.deepEqual(page.measured, ["a"]);
  });

  test("may give a region as a string, or in lower case", async () => {
    for (const region of ["DE", "de", ["de"]])
      for (const [place, first, second] of [
        ["DE", GRANTS, { ...DENIES, region }],
        ["FR", DENIES, { ...GRANTS, region }],
      ]) {
        const page = await Page.create({
          consentSource: "google",
          region: place,
        });
        page.readyState = "complete";
        page.dataLayer = [first, second].map((it) => asEntry(standard(it)));
        page.loadConsentFile();
        page.measure("a");
        page.advance();
        assert.equal(page.consent.state, "pending");
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
    test(`by ${source} is read at the end of its task`, async () => {
      for (const [words, state] of [
        [[true, false], "denied"],
        [[false, true], "granted"],
        [[true], "granted"],
      ]) {
        const page = await Page.create({ consentSource: source });
        page.measure("a");
        answers(page, ...words);
        page.loadConsentFile();
        page.measure("b");
        assert.deepEqual(page.module, []);
        page.advance();
        assert.equal(page.consent.state, state);
        const both = state === "granted" ? ["a", "b"] : [];
        assert.deepEqual(page.measured, both);

        page.again(state !== "granted");
        page.again(state === "granted");
        page.advance();
        assert.equal(page.consent.state, state);
        const consents = page.module.filter((it) => it.startsWith('"consent"'));
        assert.equal(new Set(consents).size, 1);
      }
    });

  test("is one of several sources, which all must answer", async () => {
    const page = await Page.create({ consentSource: "google tcf gpp" });
    page.measure("a");
    MANAGERS.tcf(page, true);
    page.dataLayer = [asEntry(update(GRANTS))];
    page.loadConsentFile();
    page.advance();
    assert.deepEqual(page.consent, { state: "pending", source: "gpp" });
    MANAGERS.gpp(page, true, false);
    page.advance(100);
    assert.deepEqual(page.consent, { state: "denied", source: "gpp" });
    assert.deepEqual(page.measured, []);
  });

  test("does not overrule a later denial in another tab", async () => {
    const page = await Page.create({ consentSource: "tcf" });
    MANAGERS.tcf(page, true);
    page.loadConsentFile();
    page.dispatch("storage", { key: "oaiq_consent", newValue: "false" });
    page.measure("a");
    page.advance();
    assert.deepEqual(page.consent, { state: "denied", source: "another tab" });
    assert.deepEqual(page.measured, []);
    page.again(true);
    page.advance();
    assert.equal(page.consent.state, "granted");
  });
});

describe("the options of the consent file", () => {
  const options = (attributes, config = {}) =>
    readOptions((name) => attributes[name] ?? null, config);

  test("are the same by prefixed attributes, unprefixed attributes, and the config", () => {
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

  test("are the same as without them where they are off", () => {
    assert.deepEqual(
      options({
        "data-oaiq-consent-source": "off",
        "data-oaiq-gpc": "off",
        "data-oaiq-click-passthrough": "off",
      }),
      options({}),
    );
    assert.deepEqual(
      options({}, { consentSource: "off", gpc: "off", redactPath: "off" }),
      options({}),
    );
  });

  test("ignore the attributes of other tools", () => {
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

  test("give one warning for an invalid value", () => {
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

  test("have no region if it is invalid", () => {
    for (const region of ["Germany", "EU", "uk", "DE-BAVARIA", "276"])
      assert.equal(options({ "data-oaiq-region": region }).region, "");
  });

  test("are the defaults if the element and the config throw", () => {
    const boom = () => {
      throw new Error("boom");
    };
    const hostile = new Proxy({}, { get: boom });
    assert.deepEqual(readOptions(boom, hostile), options({}));
  });

  test("have the source gpc if data-oaiq-gpc is empty", () => {
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
    ["no data", undefined, "", undefined],
    ["a page where the GDPR does not apply", { gdprApplies: false }, "", true],
    [
      "a visitor who is being asked",
      tc({ eventStatus: "cmpuishown" }),
      "",
      undefined,
    ],
    ["both purposes", tc(), "", true],
    [
      "both purposes, after an action",
      tc({ eventStatus: "useractioncomplete" }),
      "",
      true,
    ],
    [
      "the storage purpose alone",
      tc({ purpose: { consents: { 1: true } } }),
      "",
      false,
    ],
    [
      "the measurement purpose alone",
      tc({ purpose: { consents: { 7: true } } }),
      "",
      false,
    ],
    [
      "a legitimate interest alone",
      tc({
        purpose: { consents: { 1: true }, legitimateInterests: { 7: true } },
      }),
      "",
      false,
    ],
    ["no purposes", tc({ purpose: undefined }), "", false],
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
    ["no data", undefined, undefined],
    [
      "a signal that is not ready",
      { ...ready({}), signalStatus: "not ready" },
      undefined,
    ],
    ["no section", ready({}), true],
    ["no parsed sections", ready(undefined), undefined],
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
    [
      "an opt-out that does not apply",
      ready({ usnat: [{ SaleOptOut: 0 }] }),
      true,
    ],
    ["an opt-out of sale", ready({ usnat: [{ SaleOptOut: 1 }] }), false],
    ["an opt-out of sharing", ready({ usca: [{ SharingOptOut: 1 }] }), false],
    [
      "an opt-out of targeted advertising",
      ready({ usva: { TargetedAdvertisingOptOut: 1 } }),
      false,
    ],
    [
      "an opt-out in a second part",
      ready({ usnat: [{ Version: 1 }, { SaleOptOut: 1 }] }),
      false,
    ],
    [
      "the US Privacy String with an opt-out",
      ready({ uspv1: ["1YYN"] }),
      false,
    ],
    ["the US Privacy String without one", ready({ uspv1: ["1YNN"] }), true],
    [
      "the US Privacy String as an object",
      ready({ uspv1: { OptOutSale: "Y" } }),
      false,
    ],
  ])
    test(`${says}: ${measure}`, () => {
      assert.equal(interpretGpp(ping), measure);
    });
});

describe("a serialized call", () => {
  const call = (...parts) => ({ head: "[1", parts });
  const last = ({ parts }) => parts.at(-1);

  test("gets opt_out whatever its options are", () => {
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

  test("with invalid options is not changed", () => {
    const parts = ['"measure"', '"order_created"', "{}", "5"];
    assert.equal(last(withOptOut(call(...parts))), "5");
  });

  test("gets another user if it is an init", () => {
    const init = call('"init"', '{"pixelId":"P","user":{"city":"Kiel"}}');
    assert.ok(isInit(init) && isInit(call('"initialize"', "{}")));
    assert.ok(!isInit(call('"measure"', '"init"')));
    assert.equal(pixelIdOf(init), '"P"');
    assert.ok(hasUser(init));
    assert.equal(last(withUser(init, "{}")), '{"pixelId":"P","user":{}}');
    assert.equal(last(withUser(call('"init"', "{}"), "u")), '{"user":u}');
    assert.equal(last(withUser(call('"init"', "5"), "{}")), "5");
  });

  test("has no members of nested objects", () => {
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

  test("without an object has no members", () => {
    for (const part of ["u", "null", "5", '"user"', '[{"user":1}]', undefined])
      assert.equal(hasUser(call('"init"', part)), false);
  });

  test("is an event if its command is measure or measureSingle", () => {
    for (const command of ['"measure"', '"measureSingle"'])
      assert.ok(isMeasure(call(command)));
    assert.ok(!isMeasure(call('"measureAll"')) && !isMeasure(call()));
  });
});
