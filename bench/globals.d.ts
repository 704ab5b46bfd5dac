// What bench/page.mjs stores in the page.
declare var bench: {
  queue: string;
  script: string;
  /** Has a value so that the engine cannot remove the work of `calibrate`. */
  seen?: number;
  calls?: (count: number) => void;
  /** Of the WebAssembly modules. */
  memories: WebAssembly.Memory[];
};
