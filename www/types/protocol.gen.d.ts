// Written by `npm run generate` from src/.

type StringCall = (number: any, a: any, b: any) => string | null | undefined;
type NumberCall = (number: any, a: any, b: any) => unknown;

/** In the order of `HostCall` in src/host.rs. */
export type HostCalls = [
  Uuid: StringCall,
  Cookie: StringCall,
  StorageGet: StringCall,
  ClickId: StringCall,
  UriEncode: StringCall,
  NormalizeIdentifier: StringCall,
  UnixMs: NumberCall,
  MonotonicMs: NumberCall,
  HasCookie: NumberCall,
  SetCookie: NumberCall,
  DeleteCookie: NumberCall,
  StorageSet: NumberCall,
  OutboxPut: NumberCall,
  RecoverOutbox: NumberCall,
  NextRequest: NumberCall,
  Send: NumberCall,
  FetchConfig: NumberCall,
  RequestPaint: NumberCall,
  SetTimer: NumberCall,
  Warn: NumberCall,
  Trace: NumberCall,
];
