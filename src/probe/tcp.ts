import { CONTINUE, type Dialogue } from "./dialogue.ts";

/** Content with the connection. */
export function tcpDialogue(): Dialogue {
  return {
    opening: new Uint8Array(0),
    connected: () => ({ kind: "success", detail: "as wanted" }),
    receive: () => CONTINUE,
    closed: () => ({ kind: "failure", failure: "closed", detail: "the server closed at once" }),
    expired: () => ({ kind: "failure", failure: "timeout", detail: "no answer" }),
  };
}
