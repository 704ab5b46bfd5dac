// Written by `npm run generate` from src/.

/** The `type` of the data of each event that the submit of a form may measure: it needs neither contents nor a name. */
export const DATA_TYPES = {
  lead_created: "customer_action",
  registration_completed: "customer_action",
  appointment_scheduled: "customer_action",
  subscription_created: "plan_enrollment",
  trial_started: "plan_enrollment",
};
