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
  /** www/recovery/entry.js */
  recovery: import("../recovery/entry.js").Start;
}

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
