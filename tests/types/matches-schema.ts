// Checks that the types match src/schema/events.rs: tsc fails here and names the differences.
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

/** The type of a field if present. Items are compared separately. */
type FieldType<T, K> = T extends unknown
  ? K extends keyof T
    ? Exclude<T[K], undefined> extends infer V
      ? V extends readonly unknown[]
        ? "items"
        : V
      : never
    : never
  : never;

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** The fields with different types. A field that can only be absent equals no field. */
type Differing<A, B> = {
  [K in KeyOf<A> | KeyOf<B>]: Same<
    FieldType<A, K>,
    FieldType<B, K>
  > extends true
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
