// The globals of the pages with consent managers, and the imports that esbuild resolves.
import type { Oaiq } from "../../../www/types/oaiq.d.ts";

declare global {
  interface Window {
    oaiq: Oaiq;
    gtag: (...args: unknown[]) => void;
    __gpp: (...args: any[]) => unknown;
  }
}
