// Runs inside a page. Each function is sent there as text, so it uses nothing from outside itself.

/**
 * Stores a library's script in the page, so that its transfer is not part of the measured time.
 *
 * @param {{ queue: string, script: string, start: string }} library
 */
export const install = ({ queue, script, start }) => {
  globalThis.bench = { queue, script: `${script}\n${start}`, memories: [] };
};

/**
 * Runs what a page does before the script loads, then the script as an inline element, which runs while it is appended.
 *
 * @returns {number} the script's time in ms
 */
export const runScript = () => {
  const { bench, document, performance } = globalThis;
  /** @param {string} text */
  const append = (text) => {
    const element = document.createElement("script");
    element.textContent = text;
    const start = performance.now();
    document.head.append(element);
    return performance.now() - start;
  };
  append(bench.queue);
  return append(bench.script);
};

/**
 * A fixed amount of browser work, to compare machines and days: 100 cookie writes and reads and 3,000 JSON round trips.
 *
 * @param {{ contents: object[] }} order
 * @returns {number} its time in ms
 */
export const calibrate = (order) => {
  const { bench, document, performance } = globalThis;
  let seen = 0;
  const start = performance.now();
  for (let i = 0; i < 100; i += 1) {
    document.cookie = `bench=${i}; Path=/`;
    seen += document.cookie.length;
  }
  for (let i = 0; i < 3000; i += 1)
    seen += JSON.parse(JSON.stringify(order)).contents.length;
  const time = performance.now() - start;
  document.cookie = "bench=; Path=/; Max-Age=0";
  bench.seen = seen;
  return time;
};

/**
 * Compiles `bench.calls(count)` once, so that it warms up like a page's own code.
 *
 * @param {string} call
 */
export const prepareCalls = (call) => {
  globalThis.bench.calls = /** @type {(count: number) => void} */ (
    new Function("count", `for (let i = 0; i < count; i += 1) { ${call} }`)
  );
};

/**
 * Makes calls in a row.
 *
 * @param {number} count
 * @returns {number} the mean time of one call in µs
 */
export const timeCalls = (count) => {
  const { bench, performance } = globalThis;
  const start = performance.now();
  bench.calls?.(count);
  return ((performance.now() - start) * 1000) / count;
};

/** Records the memory of every WebAssembly module that starts from here on. */
export const watchWasm = () => {
  const { memories } = globalThis.bench;
  const WebAssembly = /** @type {any} */ (globalThis.WebAssembly);
  /** @param {WebAssembly.Instance} instance */
  const record = (instance) => {
    for (const value of Object.values(instance.exports))
      if (value instanceof WebAssembly.Memory)
        memories.push(/** @type {WebAssembly.Memory} */ (value));
    return instance;
  };
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
    construct: (target, args, newTarget) =>
      record(Reflect.construct(target, args, newTarget)),
  });
  for (const name of ["instantiate", "instantiateStreaming"]) {
    const original = WebAssembly[name];
    /** @param {unknown[]} args */
    WebAssembly[name] = async (...args) => {
      const result = await original.apply(WebAssembly, args);
      record(result.instance ?? result);
      return result;
    };
  }
};

/** The size of all modules' memories, in bytes. */
export const wasmMemoryBytes = () =>
  globalThis.bench.memories.reduce(
    (sum, { buffer }) => sum + buffer.byteLength,
    0,
  );
