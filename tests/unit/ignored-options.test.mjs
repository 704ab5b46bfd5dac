// Which ignored options debug names (www/debug/ignored-options.js), compared with what the pixel reads.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { runInNewContext } from "node:vm";
import { build } from "esbuild";
import { root } from "../../scripts/exec.mjs";
import { ignoredOptions } from "../../www/debug/ignored-options.js";

const NAMES = [
  "consent",
  "consent-source",
  "gpc",
  "cors",
  "wasm",
  "diagnostics",
  "google-data-layer",
  "region",
  "tcf-vendor",
  "click-passthrough",
];
const VALUES = [
  "",
  "pending",
  "Pending",
  "granted",
  "opt-out",
  "google",
  "GPP, tcf",
  "google cmp",
  "marketing",
  "true",
  "yes",
  "off",
  "DE",
  "us-ca",
  "EU",
  "123",
  "my layer",
];
/** Names that the pixel never had without the prefix. */
const PREFIXED_ONLY = ["wasm", "diagnostics"];
/** For these an empty text is the same as no attribute, so it is not worth a line. */
const OPTIONAL = ["google-data-layer", "region"];

describe("debug", () => {
  let script = "";
  before(async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: `export * as pixel from "./www/pixel/options.js";
          export { readOptions } from "./www/consent/options.js";`,
        resolveDir: root,
      },
      bundle: true,
      write: false,
      format: "iife",
      globalName: "options",
      plugins: [
        {
          name: "the script's element",
          setup({ onResolve, onLoad }) {
            onResolve({ filter: /^oaiq:asset-urls$/ }, ({ path }) => ({
              path,
              namespace: "fake",
            }));
            onLoad({ filter: /./, namespace: "fake" }, () => ({
              contents:
                "export const scriptElement = self.element; export const assetUrl = String;",
            }));
          },
        },
      ],
    });
    script = outputFiles[0].text;
  });

  /**
   * What the pixel and its consent file make of an element with these attributes and a page with this config.
   *
   * @param {Record<string, string>} attributes
   * @param {Record<string, unknown>} [config]
   */
  const outcome = (attributes, config = {}) => {
    const getAttribute = (/** @type {string} */ name) =>
      attributes[name] ?? null;
    const page = {
      element: { getAttribute },
      location: { href: "https://shop.test/" },
      URL,
      config,
    };
    const { pixel, readOptions } = runInNewContext(
      `var self = this, window = this; ${script}; options.pixel.readOptions(config); options`,
      page,
    );
    const { requestMode, isOn, readOption } = pixel;
    const mustHold = pixel.mustHold();
    const mayUseWasm = isOn(readOption("wasm") ?? true);
    const isSilent = !isOn(readOption("diagnostics") ?? true);
    // with redactPath, the consent file is loaded on pages that need not ask
    const consent = JSON.stringify(
      readOptions(getAttribute, { redactPath: "/x", ...config }),
    );
    return { requestMode, mustHold, mayUseWasm, isSilent, consent };
  };

  test("names an attribute if and only if the pixel ignores its value", () => {
    const nothing = outcome({});
    let ignored = 0;
    for (const prefix of ["data-", "data-oaiq-"])
      for (const name of NAMES)
        for (const value of VALUES) {
          if (prefix === "data-" && PREFIXED_ONLY.includes(name)) continue;
          if (value === "" && prefix !== "data-" && OPTIONAL.includes(name))
            continue;
          const attributes = { [prefix + name]: value };
          let isIgnored = true;
          try {
            assert.deepEqual(outcome(attributes), nothing);
            ignored += 1;
          } catch {
            isIgnored = false;
          }
          assert.deepEqual(
            ignoredOptions(
              (name) =>
                /** @type {Record<string, string>} */ (attributes)[name],
              {},
            ),
            // an option that is set to off is not ignored
            isIgnored && (value !== "off" || prefix === "data-")
              ? [[prefix + name, value]]
              : [],
            `${prefix}${name}="${value}"`,
          );
        }
    assert.ok(ignored > 100, `${ignored} are ignored`);
  });

  test("names a value of oaiq.config that the pixel ignores", () => {
    const names = (/** @type {Record<string, unknown>} */ config) => {
      assert.deepEqual(outcome({}, config), outcome({}));
      return ignoredOptions(() => null, config);
    };
    assert.deepEqual(
      names({
        consent: "denied",
        clickPassthrough: "yes",
        diagnostics: "no",
        wasm: "no",
      }),
      [
        ["oaiq.config.consent", "denied"],
        ["oaiq.config.clickPassthrough", "yes"],
        ["oaiq.config.diagnostics", "no"],
        ["oaiq.config.wasm", "no"],
      ],
    );
    assert.deepEqual(
      names({
        consent: undefined,
        clickPassthrough: false,
        diagnostics: true,
        wasm: "on",
      }),
      [],
    );
  });

  test("names no attribute and no key that the pixel follows", () => {
    const config = {
      consent: "pending",
      clickPassthrough: true,
      diagnostics: "off",
      wasm: false,
      gpc: "opt-out",
    };
    assert.deepEqual(
      ignoredOptions(() => null, config),
      [],
    );
    assert.deepEqual(
      ignoredOptions((name) => (name === "data-gpc" ? "" : null), {}),
      [],
    );
  });
});
