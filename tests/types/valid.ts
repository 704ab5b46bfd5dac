// Calls that must compile.
import oaiq, {
  type Config,
  type ContentsData,
  type CustomData,
  type CustomerActionData,
  type CustomOptions,
  type EventData,
  type EventName,
  type EventOptions,
  type InitOptions,
  type Item,
  type Money,
  type Oaiq,
  type Options,
  type OptionsArgument,
  type PlanEnrollmentData,
  type User,
} from "oaiq";
import { eventId, ids, type Ids, minorUnits, withIds } from "oaiq/helpers";
import { Oaiq as OaiqComponent, type OaiqProps, useMeasure } from "oaiq/react";

// each event with its required fields
oaiq("measure", "page_viewed", { type: "contents" });
oaiq("measure", "contents_viewed", { type: "contents" });
oaiq("measure", "items_added", { type: "contents" });
oaiq("measure", "checkout_started", { type: "contents" });
oaiq("measure", "order_created", { type: "contents" });
oaiq("measure", "lead_created", { type: "customer_action" });
oaiq("measure", "registration_completed", { type: "customer_action" });
oaiq("measure", "appointment_scheduled", { type: "customer_action" });
oaiq("measure", "subscription_created", { type: "plan_enrollment" });
oaiq("measure", "trial_started", { type: "plan_enrollment" });
oaiq(
  "measure",
  "custom",
  { type: "custom" },
  { custom_event_name: "quiz_completed" },
);

// each shape with all fields
const item: Item = {
  id: "sku_123",
  name: "Mug",
  content_type: "product",
  quantity: 2,
  amount: 2599,
  currency: "EUR",
};
const price: Money = { amount: 5198, currency: "EUR" };
const contents: ContentsData = {
  type: "contents",
  ...price,
  contents: [item, {}],
};
const action: CustomerActionData = { type: "customer_action", ...price };
const plan: PlanEnrollmentData = {
  type: "plan_enrollment",
  plan_id: "yearly",
  ...price,
  contents: [item],
};
const custom: CustomData = {
  type: "custom",
  plan_id: "yearly",
  ...price,
  contents: [item],
};
const options: Options = {
  event_id: "order_1",
  eventId: "order_1",
  opt_out: true,
};
const customOptions: CustomOptions = {
  custom_event_name: "quiz_completed",
  event_id: "quiz_1",
  opt_out: false,
};
oaiq("measure", "order_created", contents, options);
oaiq("measure", "lead_created", action, options);
oaiq("measure", "trial_started", plan, options);
oaiq("measure", "custom", custom, customOptions);

// items have the event's currency or their own
oaiq("measure", "order_created", {
  type: "contents",
  currency: "EUR",
  contents: [{ id: "a", amount: 100 }],
});
oaiq("measure", "order_created", {
  type: "contents",
  contents: [{ id: "a", amount: 100, currency: "EUR" }, { id: "b" }],
});
oaiq("measure", "page_viewed", { type: "contents", currency: "EUR" });

// undefined means absent, and options may be null
declare const unknownTotal: number | undefined;
declare const unknownCurrency: string | undefined;
declare const unknownId: string | undefined;
oaiq("measure", "order_created", {
  type: "contents",
  amount: unknownTotal,
  currency: "EUR",
});
oaiq("measure", "order_created", {
  type: "contents",
  currency: unknownCurrency,
  contents: undefined,
});
oaiq(
  "measure",
  "order_created",
  { type: "contents" },
  { event_id: unknownId, custom_event_name: undefined },
);
oaiq("measure", "page_viewed", { type: "contents" }, null);
oaiq("measure", "page_viewed", { type: "contents" }, undefined);

// readonly data
const frozen = {
  type: "contents",
  currency: "EUR",
  contents: [{ id: "a", amount: 100 }],
} as const;
oaiq("measure", "order_created", frozen);

// measureSingle
oaiq("measureSingle", "PIXEL", "page_viewed", { type: "contents" });
oaiq("measureSingle", "PIXEL", "order_created", contents, options);
oaiq("measureSingle", "PIXEL", "order_created", contents, null);
oaiq("measureSingle", "PIXEL", "custom", custom, customOptions);

// init and consent
const user: User = {
  external_id_sha256: "USER-TEST-0001",
  email_sha256: "test@example.com",
  phone_number_sha256: "+49 170 1234567",
  first_name_sha256: "Max",
  last_name_sha256: undefined,
  country: "DE",
  city: "Berlin",
  region: null,
  postal_code: "10115",
  zip_code: "10115",
};
const start: InitOptions = { pixelId: "PIXEL", debug: true, user };
oaiq("init", start);
oaiq("init", { pixelId: "PIXEL" });
oaiq("initialize", { pixelId: "PIXEL" });
oaiq("init", { user });
oaiq("init", { user: null });
oaiq("init", { pixelId: "PIXEL", consent: "pending" });
oaiq("consent", true);
oaiq("consent", false);
oaiq("forget");

// the methods
oaiq.init(start);
oaiq.consent(false);
oaiq.measure("page_viewed", { type: "contents" });
oaiq.measure("order_created", contents, options);
oaiq.measure("custom", custom, customOptions);
oaiq.measureSingle("PIXEL", "page_viewed", { type: "contents" }, null);
oaiq.measureSingle("PIXEL", "custom", custom, customOptions);

// the properties
const config: Config = {
  pixelId: "PIXEL",
  debug: true,
  user,
  endpoint: "/v1/sdk/events",
  settings: "/pixel-config/v1",
  consent: "pending",
  consentSource: "google tcf",
  tcfVendor: 12,
  gpc: "opt-out",
  clickPassthrough: true,
};
window.oaiq.config = config;
const layers: Config[] = [
  { layer: true },
  {
    layer: "shopLayer",
    layerEvents: { quiz_done: "custom", page_view: false },
  },
];
void layers;
oaiq.q.push(["init", start]);
const queued: number = oaiq.queue.length;
const loaded: boolean = oaiq.loaded ?? false;
const answer: "pending" | "granted" | "denied" | undefined =
  oaiq.consentState?.state;
oaiq.debug?.();
oaiq.debug?.(true);
const version: string = oaiq.version ?? "";
const build: string = oaiq.build ?? "";
const same: Oaiq = window.oaiq;
window.oaiq("measure", "page_viewed", { type: "contents" });

/** A site's wrapper preserves the types. */
const measureOnce = <Name extends EventName>(
  name: Name,
  data: EventData<Name>,
  ...options: OptionsArgument<Name>
) => {
  oaiq("measure", name, data, ...options);
  oaiq.measureSingle("PIXEL", name, data, ...options);
};
measureOnce("order_created", contents);
measureOnce("custom", custom, customOptions);
const customNamed: EventOptions<"custom"> = customOptions;
const standard: EventOptions<"order_created"> = null;

export { answer, build, customNamed, loaded, same, standard, version, queued };

// the helpers
const minor: number | undefined =
  minorUnits("129.99", "USD") ?? minorUnits(8.7, "EUR");
const { oppref, obref }: Ids = ids();
const texts: (string | undefined)[] = [eventId(), oppref, obref];
void fetch("/leads", withIds({ method: "POST" }));
void fetch("/leads", withIds());
void [minor, texts];

// form fields and page views
const forms: Config[] = [
  { fields: true },
  { fields: "lead_created" },
  { fields: { event: "trial_started", utm_source: "lead[source]" } },
  { fields: { first_referrer: false, event_id: undefined } },
  { pageViews: true },
  { pageViews: "query fragment" },
];
void forms;

// React
const props: OaiqProps = {
  pixelId: "PIXEL",
  user: { country: "DE" },
  consent: "pending",
  pageViews: true,
  fields: "lead_created",
  endpoint: "/v1/sdk/events",
};
const rendered: null = OaiqComponent(props);
const measureInComponent = useMeasure();
measureInComponent("lead_created", { type: "customer_action" });
measureInComponent("custom", { type: "custom" }, { custom_event_name: "quiz" });
void rendered;
