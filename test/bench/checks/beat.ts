/**
 * A datagram every 200 ms and nothing else, to see how late whatever has a beat comes beside a checker on this kernel.
 * Runs until it is killed.
 */
import { BEAT_PORT, BEATS_TO } from "./peer-network.ts";
import { HEARTBEAT_MS } from "./servers.ts";

const socket = await Bun.udpSocket({});
setInterval(() => {
  socket.send("beat", BEAT_PORT, BEATS_TO);
}, HEARTBEAT_MS);
