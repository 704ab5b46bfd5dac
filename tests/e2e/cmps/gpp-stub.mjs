// What a page has of its consent manager before that has loaded: the stub of IAB's CMP API specification, which the
// package leaves to the page.
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

const queue = [];
const events = [];
let lastId = 0;

window.__gpp = (...args) => {
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
