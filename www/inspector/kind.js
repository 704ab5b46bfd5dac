/** "standard", "custom", or "internal" for what the SDK says about itself. */
export function kindOf(event) {
  if (isInternal(event.type)) return "internal";
  return event.type === "custom" ? "custom" : "standard";
}

function isInternal(type) {
  return /^(openai|oai)::/.test(String(type));
}

export function isDiagnostic(event) {
  return event.type === "oai::diagnostic";
}

/** The name by which a person knows the event. */
export function nameOf(event) {
  if (event.type === "openai::sdk_init") return "pixel started";
  if (isDiagnostic(event)) return "diagnostic";
  return String(event.custom_event_name ?? event.type ?? "no type");
}
