// Written by `npm run generate` from src/.

/** `data.type` by the name of the event. */
export const DATA_TYPES = {
  page_viewed: "contents",
  contents_viewed: "contents",
  items_added: "contents",
  checkout_started: "contents",
  order_created: "contents",
  lead_created: "customer_action",
  registration_completed: "customer_action",
  appointment_scheduled: "customer_action",
  subscription_created: "plan_enrollment",
  trial_started: "plan_enrollment",
  custom: "custom",
};

/** The fields of `data` besides `type`, `amount` and `currency`, by its type. */
export const MORE_FIELDS = {
  contents: "contents",
  customer_action: "",
  plan_enrollment: "contents plan_id",
  custom: "contents plan_id",
};
