// What runs inside a page. Each function is sent there as text, so it uses nothing from outside itself.

/** Leaves a contestant's text in the page, so that handing it over is no part of what is timed. */
export const hold = ({ queue, script, start }) => {
  globalThis.bench = { queue, script: `${script}\n${start}` };
};

/**
 * Runs what a page does before the script comes, then the script, as an inline script element: that runs while the
 * element is appended. The script's time in ms.
 */
export const runScript = () => {
  const { bench, document, performance } = globalThis;
  const append = (text) => {
    const element = document.createElement("script");
    element.textContent = text;
    const begun = performance.now();
    document.head.append(element);
    return performance.now() - begun;
  };
  append(bench.queue);
  return append(bench.script);
};

/**
 * A fixed piece of browser work, in ms, by which machines and days are compared: 100 cookie writes and reads and 3,000
 * JSON round trips.
 */
export const fixedWork = (order) => {
  const { document, performance } = globalThis;
  let seen = 0;
  const begun = performance.now();
  for (let i = 0; i < 100; i += 1) {
    document.cookie = `bench=${i}; Path=/`;
    seen += document.cookie.length;
  }
  for (let i = 0; i < 3000; i += 1)
    seen += JSON.parse(JSON.stringify(order)).contents.length;
  const took = performance.now() - begun;
  document.cookie = "bench=; Path=/; Max-Age=0";
  globalThis.bench.seen = seen;
  return took;
};

/** Makes `bench.calls(count)`, once, so that it is warmed up as a page's own code would be. */
export const prepareCalls = (call) => {
  globalThis.bench.calls = new Function(
    "count",
    `for (let i = 0; i < count; i += 1) { ${call} }`,
  );
};

/** That many calls, one right after the other; the time of one, in µs. */
export const timeCalls = (count) => {
  const { bench, performance } = globalThis;
  const begun = performance.now();
  bench.calls(count);
  return ((performance.now() - begun) * 1000) / count;
};

/** Keeps the memory of every WebAssembly module that is started from here on. */
export const watchModules = () => {
  const { WebAssembly } = globalThis;
  const memories = (globalThis.benchMemories = []);
  const keep = (instance) => {
    for (const value of Object.values(instance.exports))
      if (value instanceof WebAssembly.Memory) memories.push(value);
    return instance;
  };
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
    construct: (...construction) => keep(Reflect.construct(...construction)),
  });
  for (const name of ["instantiate", "instantiateStreaming"]) {
    const original = WebAssembly[name];
    WebAssembly[name] = async (...args) => {
      const result = await original.apply(WebAssembly, args);
      keep(result.instance ?? result);
      return result;
    };
  }
};

/** What the modules' memories have grown to, in bytes. */
export const moduleBytes = () =>
  globalThis.benchMemories.reduce(
    (sum, { buffer }) => sum + buffer.byteLength,
    0,
  );
