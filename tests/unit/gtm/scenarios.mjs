// Runs the scenarios in the section ___TESTS___ of a template, with the test APIs that Google Tag Manager's editor gives them
// (https://developers.google.com/tag-platform/tag-manager/templates/api#test_apis).
import assert from "node:assert/strict";
import { Sandbox } from "./sandbox.mjs";

/** @typedef {(...args: any[]) => any} Fn */

/** @param {any} actual */
const assertThat = (actual) => ({
  isEqualTo: (/** @type {any} */ expected) =>
    assert.deepEqual(actual, expected),
  isUndefined: () => assert.equal(actual, undefined),
  contains: (/** @type {any[]} */ ...values) => {
    for (const value of values)
      assert.ok(actual?.includes(value), `${actual} does not contain ${value}`);
  },
});

/**
 * Runs a scenario. Throws if it fails.
 *
 * @param {import("./template.mjs").Template} template
 * @param {string} scenario
 */
export const runScenario = ({ code, permissions, tests }, scenario) => {
  const sandbox = new Sandbox({ permissions, page: {} });
  /** @type {Map<string, any>} */
  const mocks = new Map();
  /** @type {Map<string, unknown[][]>} */
  const calls = new Map();
  /**
   * @param {string} name
   * @param {Fn} api
   */
  const recorded =
    (name, api) =>
    (/** @type {unknown[]} */ ...args) => {
      calls.set(name, [...(calls.get(name) ?? []), args]);
      return api(...args);
    };
  const apis = {
    require: sandbox.requirer(mocks),
    mock: (/** @type {string} */ name, /** @type {any} */ api) => {
      // fails where there is no such API
      sandbox.requirer()(name);
      mocks.set(
        name,
        recorded(name, typeof api === "function" ? api : () => api),
      );
    },
    mockObject: (/** @type {string} */ name, /** @type {any} */ api) => {
      sandbox.requirer()(name);
      mocks.set(name, api);
    },
    runCode: (/** @type {Record<string, unknown>} */ fields) => {
      const data = {
        ...fields,
        gtmOnSuccess: recorded("gtmOnSuccess", () => {}),
        gtmOnFailure: recorded("gtmOnFailure", () => {}),
      };
      new Function("require", "data", code)(apis.require, data);
    },
    assertThat,
    assertApi: (/** @type {string} */ name) => ({
      wasCalled: () => assert.ok(calls.has(name), `${name} was not called`),
      wasNotCalled: () => assert.ok(!calls.has(name), `${name} was called`),
    }),
  };
  new Function(...Object.keys(apis), `${tests.setup}\n${scenario}`)(
    ...Object.values(apis),
  );
};
