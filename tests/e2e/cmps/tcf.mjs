// A consent manager built on IAB Europe's library. It stores its string in a cookie.
import { CmpApi } from "@iabtcf/cmpapi";
import { GVL, Segment, TCModel, TCString } from "@iabtcf/core";
import { banner, settingsButton } from "./banner.mjs";

const CMP = 31;
const VENDOR = 123;
const COOKIE = "euconsent-v2";
/** VENDORS_DISCLOSED is required since TCF 2.3. */
const SEGMENTS = [
  Segment.CORE,
  Segment.VENDORS_DISCLOSED,
  Segment.PUBLISHER_TC,
];

const PURPOSES = Object.fromEntries(
  Array.from({ length: 11 }, (_, i) => [
    i + 1,
    { id: i + 1, name: `${i + 1}`, description: "", descriptionLegal: "" },
  ]),
);
const vendorList = new GVL({
  gvlSpecificationVersion: 3,
  vendorListVersion: 48,
  tcfPolicyVersion: 5,
  lastUpdated: "2026-01-01T00:00:00Z",
  purposes: PURPOSES,
  specialPurposes: {},
  features: {},
  specialFeatures: {},
  stacks: {},
  vendors: {
    [VENDOR]: {
      id: VENDOR,
      name: "A vendor",
      purposes: [1, 7],
      legIntPurposes: [],
      flexiblePurposes: [],
      specialPurposes: [],
      features: [],
      specialFeatures: [],
      policyUrl: "https://vendor.example.test/",
      usesCookies: false,
      cookieMaxAgeSeconds: null,
      cookieRefresh: false,
      usesNonCookieAccess: false,
    },
  },
});

/**
 * The TC string of a visitor who has accepted or rejected everything.
 *
 * @param {boolean} accepts
 */
const encode = (accepts) => {
  const model = new TCModel(vendorList);
  model.cmpId = CMP;
  model.cmpVersion = 1;
  model.isServiceSpecific = true;
  if (accepts) {
    model.setAllPurposeConsents();
    model.setAllVendorConsents();
  }
  return TCString.encode(model, { segments: SEGMENTS });
};

const saved = () =>
  document.cookie
    .split("; ")
    .find((part) => part.startsWith(`${COOKIE}=`))
    ?.slice(COOKIE.length + 1) ?? "";

const api = new CmpApi(CMP, 1, true);
const { show } = banner((accepts) => {
  const answer = encode(accepts);
  document.cookie = `${COOKIE}=${answer}; path=/; max-age=86400`;
  show(false);
  api.update(answer, false);
});
const prompt = () => {
  show(true);
  api.update(saved(), true);
};
if (location.search.includes("country=US")) api.update(null, false);
else if (saved()) api.update(saved(), false);
else prompt();
settingsButton(prompt);
