// Written by `npm run generate` from src/schema/.

/** The data of each event. */
export interface Events {
  page_viewed: {
    type: "contents";
    amount: number;
    currency: string;
    contents: readonly ItemFields[];
  };
  contents_viewed: {
    type: "contents";
    amount: number;
    currency: string;
    contents: readonly ItemFields[];
  };
  items_added: {
    type: "contents";
    amount: number;
    currency: string;
    contents: readonly ItemFields[];
  };
  checkout_started: {
    type: "contents";
    amount: number;
    currency: string;
    contents: readonly ItemFields[];
  };
  order_created: {
    type: "contents";
    amount: number;
    currency: string;
    contents: readonly ItemFields[];
  };
  lead_created: {
    type: "customer_action";
    amount: number;
    currency: string;
  };
  registration_completed: {
    type: "customer_action";
    amount: number;
    currency: string;
  };
  appointment_scheduled: {
    type: "customer_action";
    amount: number;
    currency: string;
  };
  subscription_created: {
    type: "plan_enrollment";
    amount: number;
    currency: string;
    contents: readonly ItemFields[];
    plan_id: string;
  };
  trial_started: {
    type: "plan_enrollment";
    amount: number;
    currency: string;
    contents: readonly ItemFields[];
    plan_id: string;
  };
  custom: {
    type: "custom";
    amount: number;
    currency: string;
    contents: readonly ItemFields[];
    plan_id: string;
  };
}

/** Each of `data.contents`. */
export interface ItemFields {
  content_type: string;
  quantity: number;
  amount: number;
  currency: string;
  id: string;
  name: string;
}

/** All options; `custom_event_name` is for `custom` alone. */
export interface OptionFields {
  custom_event_name: string;
  opt_out: boolean;
  event_id: string;
  eventId: string;
}

/** The fields of `user`; `zip_code` is an alias of `postal_code`. */
export interface UserFields {
  external_id_sha256: string;
  country: string;
  city: string;
  region: string;
  postal_code: string;
  email_sha256: string;
  phone_number_sha256: string;
  first_name_sha256: string;
  last_name_sha256: string;
  zip_code: string;
}
