// A CommonJS project with `module: node16` has the types too.

import oaiq, { type EventName } from "oaiq";

const name: EventName = "order_created";
oaiq("init", { pixelId: "PIXEL" });
oaiq("measure", name, { type: "contents", amount: 2599, currency: "EUR" });
oaiq.consent(true);
// @ts-expect-error an amount needs a currency
oaiq("measure", "order_created", { type: "contents", amount: 2599 });
