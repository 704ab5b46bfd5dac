import { SignedUp } from "./signed-up";

export const metadata = { title: "Thanks" };

export default function Thanks() {
  return <SignedUp />;
}
