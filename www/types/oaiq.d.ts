// The types of `import oaiq from "oaiq"` and of `window.oaiq`. tests/types/ checks them against src/schema/events.rs.
//
// The comments state what types cannot: amounts are whole numbers, strings are not empty. A call that breaks such a rule
// compiles, and is rejected at run time.

/** An amount with its currency. */
interface WithCurrency {
  /**
   * A whole number in the currency's minor unit ([ISO 4217](https://www.iso.org/iso-4217-currency-codes.html)): `2599`
   * is USD 25.99, `500` is JPY 500. An event with a fraction or a string is rejected.
   */
  amount?: number | undefined;
  /** Three letters, such as `"EUR"`. An event with any other value is rejected. */
  currency: string;
}

/** No amount: it would need a currency. */
interface WithoutCurrency {
  amount?: undefined;
  currency?: undefined;
}

/** An `amount`, which needs its `currency`. */
export type Money = WithCurrency | WithoutCurrency;

/** One of `contents`. An invalid item invalidates its event. */
export interface Item {
  /** Not empty. */
  id?: string | undefined;
  /** Not empty. */
  name?: string | undefined;
  /** Not empty, such as `"product"`. */
  content_type?: string | undefined;
  /** A whole number. */
  quantity?: number | undefined;
  /** The price of one item, in the minor unit of its `currency`, else of the event's. One of the two is required. */
  amount?: number | undefined;
  /** Three letters. Default: the event's currency. */
  currency?: string | undefined;
}

/** The event's amount, and items, whose amounts need the event's currency or their own. */
type MoneyAndContents =
  | (WithCurrency & { contents?: readonly Item[] | undefined })
  | (WithoutCurrency & { contents?: readonly (Item & Money)[] | undefined });

/** Things viewed, added or bought. */
export type ContentsData = MoneyAndContents & {
  type: "contents";
  plan_id?: never;
};

/** An action of a customer. */
export type CustomerActionData = Money & {
  type: "customer_action";
  plan_id?: never;
  contents?: never;
};

/** A plan that a customer has started. */
export type PlanEnrollmentData = MoneyAndContents & {
  type: "plan_enrollment";
  /** Not empty. */
  plan_id?: string | undefined;
};

/** A custom event, whose name is `custom_event_name` of {@link CustomOptions}. */
export type CustomData = MoneyAndContents & {
  type: "custom";
  /** Not empty. */
  plan_id?: string | undefined;
};

/** The data of each event. */
interface Events {
  page_viewed: ContentsData;
  contents_viewed: ContentsData;
  items_added: ContentsData;
  checkout_started: ContentsData;
  order_created: ContentsData;
  lead_created: CustomerActionData;
  registration_completed: CustomerActionData;
  appointment_scheduled: CustomerActionData;
  subscription_created: PlanEnrollmentData;
  trial_started: PlanEnrollmentData;
  custom: CustomData;
}

/** The names of all events. A call with any other name is rejected. */
export type EventName = keyof Events;

/** The data of an event. `type` is required; the `type` or the fields of another shape are rejected. */
export type EventData<Name extends EventName = EventName> = Events[Name];

interface CommonOptions {
  /**
   * Your own ID of the event, such as an order number; not empty. OpenAI counts only the first event with the same pixel, name
   * and ID. Default: a random UUID.
   */
  event_id?: string | undefined;
  /** An alias of `event_id`, which takes precedence. */
  eventId?: string | undefined;
  /** Sent with the event, unchanged. */
  opt_out?: boolean | undefined;
}

/** The options of all events but `custom`. */
export interface Options extends CommonOptions {
  /** Only for the event `custom`. */
  custom_event_name?: undefined;
}

/** The options of the event `custom`. */
export interface CustomOptions extends CommonOptions {
  /**
   * 1 to 64 letters, digits, `_` and `-`, with a letter or digit at both ends, and not the name of a standard event;
   * otherwise the event is rejected.
   */
  custom_event_name: string;
}

/** The last argument of `measure`, as a rest parameter. It is required for `custom`. */
export type OptionsArgument<Name extends EventName> = Name extends "custom"
  ? [options: CustomOptions]
  : [options?: Options | null | undefined];

/** The options of an event. */
export type EventOptions<Name extends EventName = EventName> =
  OptionsArgument<Name>[0];

/**
 * Who the visitor is; every field is optional. A field `…_sha256` takes a raw value or 64 hexadecimal digits: a raw value is
 * normalized and hashed with SHA-256 in the browser, and never leaves it. A value that is unusable, empty or longer than 1024
 * characters is omitted, and the rest is sent.
 */
export interface User {
  /** Your own ID of the visitor. */
  external_id_sha256?: string | null | undefined;
  /** An email address of at most 254 characters. */
  email_sha256?: string | null | undefined;
  /** With its country code: 8 to 15 digits, in any common notation. */
  phone_number_sha256?: string | null | undefined;
  first_name_sha256?: string | null | undefined;
  last_name_sha256?: string | null | undefined;
  /** Sent unhashed, unchanged. */
  country?: string | null | undefined;
  /** Sent unhashed, unchanged. */
  city?: string | null | undefined;
  /** Sent unhashed, unchanged. */
  region?: string | null | undefined;
  /** Sent unhashed, unchanged. */
  postal_code?: string | null | undefined;
  /** An alias of `postal_code`, which takes precedence if both are usable. */
  zip_code?: string | null | undefined;
}

/** The options of `init`. */
export interface InitOptions {
  /**
   * The pixel to start or to update; not empty. Default: the page's first pixel, else `oaiq.config.pixelId`. Without any of
   * these the call is rejected.
   */
  pixelId?: string | undefined;
  /** Whether to log each step on the console. Default: as before. */
  debug?: boolean | undefined;
  /** Replaces all earlier user data of the pixel. Without this key, the earlier data stays. */
  user?: User | null | undefined;
  /**
   * Nothing is stored, read from storage or sent before `oaiq("consent", …)`; calls wait in memory. Ignored once a pixel
   * has started or consent has been answered: the first call counts.
   */
  consent?: "pending" | undefined;
}

/** Fields of forms that the pixel fills. */
export type FormField =
  | "event_id"
  | "oppref"
  | "obref"
  | "conversion_page"
  | TouchField
  | `first_${TouchField}`;

type TouchField =
  | "utm_source"
  | "utm_medium"
  | "utm_campaign"
  | "utm_content"
  | "utm_term"
  | "landing_page"
  | "referrer"
  | "ai_source";

/** The names of the fields in the site's forms; `false` leaves a field out. Default: each field's own name. */
export type FormFieldNames = {
  [Field in FormField]?: string | false | undefined;
};

/** The event that a submit measures. */
export type FormEvent =
  | "lead_created"
  | "registration_completed"
  | "appointment_scheduled"
  | "subscription_created"
  | "trial_started";

/** What a page may set as `oaiq.config` before the script runs. */
export interface Config {
  /** The pixel of a first `init` without `pixelId`. */
  pixelId?: string | undefined;
  /** As in `init`. */
  debug?: boolean | undefined;
  /** User data for pixels whose `init` has none. */
  user?: User | null | undefined;
  /**
   * The site's own relay, which then gets all requests: `true` if it serves the script, else the URL of its directory. In the npm
   * package, `true` is `/oaiq/` on the page's host.
   */
  relay?: boolean | string | undefined;
  /** The URL that events are sent to, instead of OpenAI's: `https://…`, or same-origin. */
  endpoint?: string | undefined;
  /** The base URL of pixel configs, instead of OpenAI's: `https://…`, or same-origin. */
  settings?: string | undefined;
  /** `true` if the cross-origin endpoint lets pages read its responses (CORS, with credentials). */
  cors?: boolean | undefined;
  /** Nothing is stored, read from storage or sent before `oaiq("consent", …)`; calls wait in memory. */
  consent?: "pending" | undefined;
  /** The sources of consent: `google`, `tcf`, `gpp`, `gpc`, one or several separated by spaces. Implies `consent: "pending"`. */
  consentSource?: string | undefined;
  /** The name of Google's data layer. Default: `dataLayer`. */
  googleDataLayer?: string | undefined;
  /** The visitor's region by ISO 3166-2, `DE` or `US-CA`, for defaults of Google Consent Mode that apply to some regions only. */
  region?: string | undefined;
  /** The ID of a vendor of the TCF that must have consent as well. */
  tcfVendor?: number | string | undefined;
  /**
   * What Global Privacy Control means: `true`, that consent is denied; `"opt-out"`, that each event is sent with
   * `opt_out: true`.
   */
  gpc?: true | "opt-out" | undefined;
  /** While consent is pending, links and forms to the same origin pass the click ID to the next page. */
  clickPassthrough?: boolean | undefined;
  /**
   * What to redact in the paths of the URLs that events carry: the start of a path with a `*` for each segment to redact, such
   * as `"/account/*"`, or a regular expression. Loads `oaiq.consent.min.js`.
   */
  redactPath?: string | RegExp | readonly (string | RegExp)[] | undefined;
  /** `false` sends no diagnostics while consent is denied. */
  diagnostics?: boolean | undefined;
  /** `false` loads the fallback at once, for a page whose policy forbids WebAssembly. */
  wasm?: boolean | undefined;
  /**
   * What may be read from the page where a pixel's config has automatic advanced matching on: `"on"` everything, `"forms"` only
   * forms, `"off"` or `false` nothing. Default: `"on"`.
   */
  matching?: "on" | "forms" | "off" | boolean | undefined;
  /**
   * Measures what the page's data layer says: `true` follows `dataLayer`, a text the array of that name. Loads
   * `oaiq.layer.min.js`.
   */
  layer?: boolean | string | undefined;
  /**
   * The events of the data layer that its table does not have, by their names there; `"custom"` measures a custom event of that
   * name. `false` measures none, also for a name that the table has.
   */
  layerEvents?: Readonly<Record<string, EventName | false>> | undefined;
  /**
   * `true` fills the hidden fields of forms with where the visitor comes from. An event is also measured when such a form is
   * submitted. Loads `oaiq.fields.min.js`.
   */
  fields?:
    | boolean
    | FormEvent
    | (FormFieldNames & { event?: FormEvent | undefined })
    | undefined;
  /**
   * `true` measures `page_viewed` when the page is loaded and on each route of a single-page app. A change of the query or of
   * the fragment alone counts with `"query"`, `"fragment"` or `"query fragment"`. Loads `oaiq.views.min.js`.
   */
  pageViews?: boolean | "query" | "fragment" | "query fragment" | undefined;
  /** `true` ignores all calls, for the site's own tests. */
  off?: boolean | undefined;
}

/** The state of consent, and the source that has answered or that calls wait for. */
export interface ConsentState {
  state: "pending" | "granted" | "denied";
  /** `call` (`oaiq("consent", …)`), the names of sources, `another tab`, or `forget` (`oaiq("forget")`). */
  source: string;
}

/** What `oaiq.debug()` returns. IDs are shortened. */
export interface DebugState {
  debug: boolean | string;
  pixels: { id: string; config: string; delivered: number }[];
  consent: string;
  clickId: string;
  browserId: string;
  waitingForConsent: number;
  queued: number;
  inFlight: number;
  delivered: number;
  rejected: number;
  ignored: number;
  lost: number;
  /** What these numbers do not include. */
  notRecorded: string;
}

/**
 * The pixel. No call throws or returns anything: an invalid call is reported on the console, and counted. On a server, calls
 * do nothing.
 *
 * ```ts
 * import oaiq from "oaiq";
 *
 * oaiq("init", { pixelId: "YOUR-PIXEL-ID" });
 * oaiq("measure", "order_created", { type: "contents", amount: 2599, currency: "EUR" }, { event_id: "order_12345" });
 * ```
 */
export interface Oaiq {
  /** Starts a pixel, or updates one. */
  (command: "init" | "initialize", options: InitOptions): void;
  /** Sets the visitor's answer. A denial stops measuring and deletes the cookies. */
  (command: "consent", granted: boolean): void;
  /**
   * Deletes everything that the pixel has stored on this origin, including the answer about consent, and ignores all further
   * calls on this page.
   */
  (command: "forget"): void;
  /** Measures an event with one pixel. If that pixel has not started, the event is dropped. */
  <Name extends EventName>(
    command: "measureSingle",
    pixelId: string,
    name: Name,
    data: EventData<Name>,
    ...options: OptionsArgument<Name>
  ): void;
  // the last overload, because TypeScript's errors refer to that one
  /** Measures an event with all pixels that have started; before any `init`, with the first one that starts. */
  <Name extends EventName>(
    command: "measure",
    name: Name,
    data: EventData<Name>,
    ...options: OptionsArgument<Name>
  ): void;

  /** The same as `oaiq("init", …)`. */
  init(options: InitOptions): void;
  /** The same as `oaiq("consent", …)`. */
  consent(granted: boolean): void;
  /** The same as `oaiq("measure", …)`. */
  measure<Name extends EventName>(
    name: Name,
    data: EventData<Name>,
    ...options: OptionsArgument<Name>
  ): void;
  /** The same as `oaiq("measureSingle", …)`. */
  measureSingle<Name extends EventName>(
    pixelId: string,
    name: Name,
    data: EventData<Name>,
    ...options: OptionsArgument<Name>
  ): void;

  /** The calls that wait for the script, as their arguments. Always empty once the script has run. */
  q: ArrayLike<unknown>[];
  /** The same array as `q`. */
  queue: ArrayLike<unknown>[];
  /** Read once, when the script runs. */
  config: Config;
  /** `true` once the script has run; never set on a server. */
  readonly loaded?: true | undefined;
  /** The version of the protocol, such as `"0.1.41"`. Set once the script has run. */
  readonly version?: string | undefined;
  /** The version of this script, such as `"0.2.0"`. Set once the script has run. */
  readonly build?: string | undefined;
  /**
   * Starts logging each step on the console; `false` stops it. Without an argument it also prints the state as tables. Returns
   * the state, always as the same object, which is filled when the debug file has loaded, and then updated. Set once the script
   * has run.
   */
  readonly debug?: ((on?: boolean) => Partial<DebugState>) | undefined;
  /** Set only on pages that make calls wait for an answer. */
  readonly consentState?: Readonly<ConsentState> | undefined;
}

declare global {
  interface Window {
    /** The pixel. Before the script has run, this is the install snippet's stub, which queues calls and has no methods. */
    oaiq: Oaiq;
  }
}

declare const oaiq: Oaiq;
export default oaiq;
