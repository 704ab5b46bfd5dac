import { useEffect } from "react";
import { useMeasure } from "oaiq/react";

export const Thanks = () => {
  const measure = useMeasure();
  useEffect(() => {
    measure("registration_completed", { type: "customer_action" });
  }, [measure]);
  return (
    <>
      <title>Thanks</title>
      <p>Welcome!</p>
    </>
  );
};
