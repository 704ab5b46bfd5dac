"use client";

import { useEffect } from "react";
import { useMeasure } from "oaiq/react";

export const SignedUp = () => {
  const measure = useMeasure();
  useEffect(() => {
    measure("registration_completed", { type: "customer_action" });
  }, [measure]);
  return <p>Welcome!</p>;
};
