import { CONTINUE, type Dialogue } from "../transport/dialogue.ts";

/** Content with the silence of UDP: only an ICMP message that nobody is there, told by the socket, is a failure. */
export function udpDialogue(send: string): Dialogue {
  return {
    // Nothing sent would provoke nothing; a datagram without content is not told from an end.
    opening: new TextEncoder().encode(send === "" ? "\0" : send),
    connected: () => CONTINUE,
    receive: (bytes) => ({ kind: "success", detail: `an answer of ${bytes.length} bytes` }),
    closed: () => ({ kind: "failure", failure: "closed", detail: "the conversation ended" }),
    expired: () => ({ kind: "success", detail: "nobody said that there is nobody" }),
  };
}
