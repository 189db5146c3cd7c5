/** A machine on one network: the gateway, or a real server. It keeps an ARP cache and answers. */
import type { MacAddress } from "../../src/model/mac-address.ts";
import type { Frame, Network, Port } from "./network.ts";

export class Neighbour implements Port {
  readonly mac: MacAddress;
  readonly #network: Network;
  readonly cache = new Map<string, MacAddress>();
  readonly #onChange: () => void;
  /** Its firewall may drop echo requests. */
  answersEchoes = true;
  cable = true;
  sends = true;
  receives = true;

  constructor(network: Network, mac: MacAddress, onChange: () => void) {
    this.#onChange = onChange;
    this.mac = mac;
    this.#network = network;
    network.attach(this);
  }

  receive(frame: Frame): void {
    if (frame.kind === "announce") {
      if (this.cache.get(frame.address) !== frame.mac) this.#onChange();
      this.cache.set(frame.address, frame.mac);
    } else if (frame.kind === "echo" && !this.answersEchoes) return;
    else if (frame.kind === "probe") this.#network.send(this, frame.replyTo, { kind: "probe-answer" });
    else if (frame.kind === "echo") {
      const mac = this.cache.get(frame.from);
      if (mac === undefined) return;
      const { verification, sentAtMs } = frame;
      this.#network.send(this, mac, { kind: "echo-answer", to: frame.from, verification, sentAtMs });
    }
  }
}
