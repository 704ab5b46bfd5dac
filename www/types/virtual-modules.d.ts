// The modules that scripts/build.mjs makes.

/** What the module is instantiated with, and what it exports (src/wasm/page.rs). */
declare module "oaiq:imports" {
  export const imports: WebAssembly.Imports;

  /** Strings are passed through `allocIncoming`; numbers are 32-bit integers. */
  export interface Exports {
    readonly memory: WebAssembly.Memory;
    allocIncoming(length: number): number;
    start(): void;
    onCall(): void;
    setDebug(isOn: number): void;
    onReplayDone(): void;
    onTimer(): void;
    onFirstPaint(): void;
    onPageHide(): void;
    onStorageEvent(): void;
    onResponse(number: number, status: number, retryAfter: number): void;
    recoverRecord(): void;
    onOnline(): void;
    onConfigResponse(pixel: number, status: number, enabled: number): void;
  }
}

/** What wasm-bindgen makes for the debug build (src/wasm/debug.rs). */
declare module "oaiq:glue" {
  export function __wbg_set_wasm(exports: WebAssembly.Exports): void;
  export function recordEvent(
    event: number,
    detail: string,
    isOn: boolean,
  ): void;
  export function setRequested(): void;
  export function state(): Partial<import("./oaiq.js").DebugState>;
  export function tabHistory(): string | undefined;
  export function tables():
    { title: string; rows: [column: string, value: unknown][][] }[] | undefined;
}

/** The version of this build. */
declare module "oaiq:version" {
  export const build: string;
}

/** The module as JavaScript, made by wasm2js. */
declare module "oaiq:fallback" {
  export const instantiate: import("./internal.js").AssetEntries["fallback"];
}

/** www/pixel/asset-urls.script.js or www/pixel/asset-urls.package.js. */
declare module "oaiq:asset-urls" {
  export const scriptElement: HTMLScriptElement | null | undefined;
  export const nonce: string;
  export function assetUrl(file: string): string;
}

/** The text that carries the module. */
declare module "oaiq:module" {
  export const text: string;
}

/** The text of www/pixel/wasm-decoder.wat, compiled. */
declare module "oaiq:decoder" {
  export const text: string;
}

/** The text of www/keepalive/worker.js. */
declare module "oaiq:keepalive-worker" {
  export const text: string;
}

/** dist/oaiq.mjs or dist/oaiq.cjs. */
declare module "oaiq:pixel" {
  const oaiq: import("./oaiq.js").Oaiq;
  export default oaiq;
}
