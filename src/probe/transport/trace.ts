/** Tells what goes over the wire, for `check run --verbose`: bytes in either direction, or what happened. */
export type Trace = (event: "sent" | "received" | "note", content: Uint8Array | string) => void;
