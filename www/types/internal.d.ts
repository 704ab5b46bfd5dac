// Types between the files of the pixel, none of which users see: the hidden properties of `oaiq`, by which a file that is loaded
// later passes its entry point to the script, and what the standard library of TypeScript lacks.

import type { DebugState, Oaiq } from "./oaiq.js";

/** The entry points of the files that are loaded later (www/pixel/lazy-assets.js). */
export interface AssetEntries {
  /** www/consent/entry.js */
  consent: import("../consent/entry.js").Start;
  /** www/debug/entry.js */
  debug: DebugEntry;
  /** www/pixel/fallback.entry.js */
  fallback: (imports: WebAssembly.Imports) => import("oaiq:imports").Exports;
  /** www/keepalive/entry.js */
  keepalive: typeof import("../keepalive/entry.js").start;
  /** www/fields/entry.js */
  fields: StartIntegration;
  /** www/layer/entry.js */
  layer: StartIntegration;
  /** www/matching/entry.js */
  matching: StartIntegration;
  /** www/views/entry.js */
  views: StartIntegration;
  /** www/recovery/entry.js */
  recovery: import("../recovery/entry.js").Start;
}

/** Is called with each debug event. */
export type Observer = (event: number, detail: unknown) => void;

/** What a file that is loaded later does for the pixel. */
export interface Hooks {
  /**
   * Returns the body of a request with the user data that was read from the page. Called before each request that may carry user
   * data. Set by www/matching/entry.js.
   */
  addUser?: (url: string, body: string, isUnloading: number) => string;
  /** Reads the page at each call that measures, which reaches the module later. Gets its serialized arguments. Set by the same file. */
  readPage?: (parts: string[]) => void;
}

/**
 * Starts a file that connects the pixel to a page (www/pixel/integrations.js). It makes calls by `window.oaiq`, like the page.
 *
 * - `option` is the value of its attribute, or of its key in `oaiq.config`.
 * - `trace` reports a debug event.
 * - `observers` are functions that are called with each debug event.
 * - `mayStore` returns whether cookies and storage may be used: consent is granted, and the module has read them.
 * - `records` has the debug events so far. It is a ring buffer: beyond 250, later ones overwrite the oldest.
 * - `normalizeIdentifier` is `Host::normalize_identifier` of src/host.rs.
 * - `callModule` calls the module (www/pixel/wasm-bridge.js).
 */
export type StartIntegration = (
  option: unknown,
  hooks: Hooks,
  trace: (event: number, detail?: unknown) => void,
  observers: Observer[],
  mayStore: () => unknown,
  records: DebugEvent[],
  normalizeIdentifier: (kind: number, escaped: string) => string,
  callModule: typeof import("../pixel/wasm-bridge.js").callModule,
) => void;

/** A debug event: its number (www/pixel/debug-events.gen.js), and what `DebugEvent` in src/host.rs says that it carries. */
export type DebugEvent = [event: number, detail: unknown];

/** Takes a debug event; prints its message if debug is on. */
export type Explain = (event: number, detail: unknown, isOn: unknown) => void;

/**
 * Takes the recorded debug events, and returns the function that takes later ones. `recorded` is the number of all events so far,
 * and `records` holds the last ones, as a ring buffer.
 */
export type DebugEntry = (
  scriptElement: Element | null | undefined,
  state: Partial<DebugState>,
  records: DebugEvent[],
  recorded: number,
) => Explain;

/** `oaiq` as the script makes it. */
export type MutableOaiq = { -readonly [Key in keyof Oaiq]: Oaiq[Key] };

type AssetHooks = {
  [Name in keyof AssetEntries as `__${Name}`]: (
    entry: AssetEntries[Name],
  ) => void;
};

declare module "./oaiq.js" {
  interface Oaiq extends AssetHooks {
    __oaiqInitialized?: true;
  }
}

declare global {
  interface Document {
    /** https://wicg.github.io/nav-speculation/prerendering.html */
    readonly prerendering?: boolean;
  }

  /** https://w3c.github.io/trusted-types/dist/spec/ */
  interface TrustedTypePolicy {
    createScriptURL(url: string): TrustedScriptURL;
  }
  interface TrustedScriptURL {
    toString(): string;
  }
  interface TrustedTypePolicyFactory {
    createPolicy(
      name: string,
      rules: { createScriptURL: (url: string) => string },
    ): TrustedTypePolicy;
  }
  interface Window {
    readonly trustedTypes?: TrustedTypePolicyFactory;
    /** https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework */
    __tcfapi?: (
      command: "addEventListener",
      version: number,
      callback: (
        data: import("../consent/interpret.js").TcData,
        isSuccess: boolean,
      ) => void,
    ) => void;
    /** https://github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform */
    __gpp?: {
      (
        command: "addEventListener",
        callback: (
          event: { pingData?: import("../consent/interpret.js").GppPing },
          isSuccess: boolean,
        ) => void,
      ): void;
      (
        command: "ping",
        callback: (ping: import("../consent/interpret.js").GppPing) => void,
      ): void;
    };
  }
  const trustedTypes: TrustedTypePolicyFactory;

  /** In www/package/index.js, where the build puts the script. */
  function install(): void;

  /** Set by scripts/snippets.mjs for each of the snippets. */
  const LOADS: boolean;
  const SAVES: boolean;
  const STRICT: boolean;

  interface ReportBody {
    toJSON(): Record<string, unknown>;
  }
}
