// The stub of the IAB GPP API, which a page has until its consent manager has loaded. The package leaves it to the page.
// https://github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform
const PING = {
  gppVersion: "1.1",
  cmpStatus: "stub",
  cmpDisplayStatus: "hidden",
  signalStatus: "not ready",
  supportedAPIs: ["7:usnat"],
  cmpId: 0,
  sectionList: [],
  applicableSections: [],
  gppString: "",
  parsedSections: {},
};

/** @type {any[][]} */
const queue = [];
/** @type {object[]} */
const events = [];
let lastId = 0;

window.__gpp = (/** @type {any[]} */ ...args) => {
  const [command, callback = null, parameter = null] = args;
  switch (command) {
    case undefined:
    case "queue":
      return queue;
    case "events":
      return events;
    case "ping":
      callback(PING, true);
      break;
    case "addEventListener":
      lastId += 1;
      events.push({ id: lastId, callback, parameter });
      callback(
        {
          eventName: "listenerRegistered",
          listenerId: lastId,
          data: true,
          pingData: PING,
        },
        true,
      );
      break;
    case "hasSection":
      callback(false, true);
      break;
    case "getSection":
    case "getField":
      callback(null, true);
      break;
    default:
      queue.push(args);
  }
  return undefined;
};
