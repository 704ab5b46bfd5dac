// What became of all events that a visitor measured.

/**
 * @typedef {import("./network.mjs").EndpointRequest} EndpointRequest
 * @typedef {import("./visitor.mjs").Visitor} Visitor
 */

/** A request with a response this shortly before its page ended may have been in flight then. */
const IN_FLIGHT_MS = 100;

/**
 * Counts a visitor's events. Of the duplicates, `inFlight` were in a fetch request without a response when their page ended,
 * `unconfirmed` in a beacon, and the connection had stalled those of `stalled`. `lostByBeacon` counts events that a page gave to the
 * browser on page hide, that never arrived, and of whose failure the page could not know.
 *
 * @param {Visitor} visitor
 */
export const accountFor = ({
  connection,
  events,
  misledPages,
  outboxRecords,
}) => {
  const { deliveries, pageEnds } = connection;
  const account = {
    measured: 0,
    delivered: 0,
    duplicated: 0,
    inFlight: 0,
    unconfirmed: 0,
    stalled: 0,
    /** @type {string[]} */
    unexplained: [],
    lostByBeacon: 0,
    /** @type {string[]} */
    lost: [],
    outboxRecords,
  };
  for (const { id, page, isCertain } of events) {
    if (!isCertain) continue;
    account.measured += 1;
    const requests = deliveries.get(id) ?? [];
    if (requests.length > 0) account.delivered += 1;
    else if (misledPages.has(page) || isLostByBeacon(connection, id))
      account.lostByBeacon += 1;
    else account.lost.push(id);
    if (requests.length < 2) continue;
    account.duplicated += 1;
    // a request of an earlier page may arrive later than the next page's
    const earlier = requests
      .toSorted((a, b) => a.page - b.page || a.receivedAt - b.receivedAt)
      .slice(0, -1);
    if (earlier.every(({ wasStalled }) => wasStalled)) account.stalled += 1;
    const reasons = earlier.map((request) =>
      repeatReason(request, pageEnds.get(request.page)),
    );
    if (reasons.every((reason) => reason === "fetch")) account.inFlight += 1;
    else if (reasons.every(Boolean)) account.unconfirmed += 1;
    else account.unexplained.push(id);
  }
  return account;
};

/**
 * The kind of a delivered request whose page ended before it could know; otherwise undefined.
 *
 * @param {EndpointRequest} request
 * @param {number | undefined} pageEnd
 */
const repeatReason = ({ isBeacon, respondedAt }, pageEnd) => {
  // a page never learns the result of a beacon
  if (isBeacon) return "beacon";
  const isKnown =
    respondedAt !== undefined &&
    pageEnd !== undefined &&
    respondedAt < pageEnd - IN_FLIGHT_MS;
  return pageEnd && !isKnown ? "fetch" : undefined;
};

/**
 * Whether a beacon with this event failed while its page knew of no failure.
 *
 * @param {Visitor["connection"]} connection
 * @param {string} id
 */
const isLostByBeacon = ({ requests, pagesWithFailures }, id) =>
  requests.some(
    ({ page, isBeacon, brokenAt, eventIds }) =>
      isBeacon &&
      brokenAt !== undefined &&
      eventIds.includes(id) &&
      !pagesWithFailures.has(page),
  );
