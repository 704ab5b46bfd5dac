// The types of `oaiq/react`.

import type {
  Config,
  EventData,
  EventName,
  InitOptions,
  Oaiq as PageOaiq,
  OptionsArgument,
} from "./oaiq.js";

/**
 * The options of `init`, and those of `oaiq.config`, which are read once, when the pixel is loaded. `pixelId` is that of Ads Manager.
 */
export interface OaiqProps
  extends InitOptions, Omit<Config, keyof InitOptions> {
  pixelId: string;
}

/**
 * Starts the pixel, once also in strict mode, and updates it when its options change. Renders nothing. Loads the pixel, unless the page
 * has the install snippet.
 */
export function Oaiq(props: OaiqProps): null;

/** Measures an event, as `oaiq("measure", …)`. */
export type Measure = <Name extends EventName>(
  name: Name,
  data: EventData<Name>,
  ...options: OptionsArgument<Name>
) => void;

/**
 * Returns a function that measures an event, the same for the life of a component. A call in an effect is measured once also in strict
 * mode, if it is made at once, not after an `await`. On a server it does nothing.
 */
export function useMeasure(): Measure;

/** The page's `oaiq`, also before the pixel has loaded: calls wait for it. On a server it does nothing. */
export const oaiq: PageOaiq;
