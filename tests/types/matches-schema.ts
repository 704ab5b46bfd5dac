// The types and src/schema/events.rs say the same: tsc fails here, and names what differs.
import type {
  CustomOptions,
  EventData,
  EventName,
  Item,
  Options,
  User,
} from "oaiq";
import type {
  Events,
  ItemFields,
  OptionFields,
  UserFields,
} from "./schema.gen.ts";

type KeyOf<T> = T extends unknown ? keyof T : never;

/** What a field holds where it is there. Items are compared by themselves. */
type Held<T, K> = T extends unknown
  ? K extends keyof T
    ? Exclude<T[K], undefined> extends infer V
      ? V extends readonly unknown[]
        ? "items"
        : V
      : never
    : never
  : never;

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** The fields that do not hold the same in both. One that can only be left out is the same as none. */
type Differing<A, B> = {
  [K in KeyOf<A> | KeyOf<B>]: Same<Held<A, K>, Held<B, K>> extends true
    ? never
    : K;
}[KeyOf<A> | KeyOf<B>];

type DifferingEvents = {
  [Name in EventName & keyof Events]: [
    Differing<EventData<Name>, Events[Name]>,
  ] extends [never]
    ? never
    : [Name, Differing<EventData<Name>, Events[Name]>];
}[EventName & keyof Events];

type None<T extends never> = T;

export type Agreement = [
  names: None<
    Exclude<EventName, keyof Events> | Exclude<keyof Events, EventName>
  >,
  data: None<DifferingEvents>,
  item: None<Differing<Item, ItemFields>>,
  customOptions: None<Differing<CustomOptions, OptionFields>>,
  options: None<Differing<Options, Omit<OptionFields, "custom_event_name">>>,
  user: None<
    Differing<{ [K in keyof User]: NonNullable<User[K]> }, UserFields>
  >,
];
