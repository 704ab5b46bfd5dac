// Written by `npm run generate` from src/.

/** Matches the name of a view as JSON, at the end of a text or before an object. */
export const VIEW = /"(page_viewed|contents_viewed)"({|$)/;
