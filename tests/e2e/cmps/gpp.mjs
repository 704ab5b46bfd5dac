// A consent manager built on IAB Tech Lab's library, for visitors from the United States. It stores its string in a cookie.
import {
  CmpApi,
  CmpDisplayStatus,
  CmpStatus,
  SignalStatus,
} from "@iabgpp/cmpapi";
import { banner, settingsButton } from "./banner.mjs";

const CMP = 31;
const SECTION = "usnat";
const COOKIE = "gpp";

const OPTED_OUT = 1;
const DID_NOT_OPT_OUT = 2;

const api = new CmpApi(CMP, 1);
api.setApplicableSections([7]);
api.setSupportedAPIs([`7:${SECTION}`]);

const prompt = () => {
  show(true);
  api.setSignalStatus(SignalStatus.NOT_READY);
  api.setCmpDisplayStatus(CmpDisplayStatus.VISIBLE);
};
const { show } = banner((accepts) => {
  const answer = accepts ? DID_NOT_OPT_OUT : OPTED_OUT;
  const fields = {
    SharingNotice: 1,
    SaleOptOutNotice: 1,
    SharingOptOutNotice: 1,
    TargetedAdvertisingOptOutNotice: 1,
    SaleOptOut: answer,
    SharingOptOut: answer,
    TargetedAdvertisingOptOut: answer,
    MspaCoveredTransaction: 2,
  };
  for (const [field, value] of Object.entries(fields))
    api.setFieldValue(SECTION, field, value);
  document.cookie = `${COOKIE}=${api.getGppString()}; path=/; max-age=86400`;
  show(false);
  api.fireSectionChange(SECTION);
  api.setCmpDisplayStatus(CmpDisplayStatus.HIDDEN);
  api.setSignalStatus(SignalStatus.READY);
});

const saved = document.cookie
  .split("; ")
  .find((part) => part.startsWith(`${COOKIE}=`))
  ?.slice(COOKIE.length + 1);
if (saved) api.setGppString(saved);
api.setCmpStatus(CmpStatus.LOADED);
if (saved) api.setSignalStatus(SignalStatus.READY);
else prompt();
settingsButton(prompt);
