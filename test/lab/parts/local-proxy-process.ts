/** The process of local-proxy.ts. Arguments: the VIP and the UDP port on it. */
import { writeFileSync } from "node:fs";
import { PROXY_PORT } from "./local-proxy.ts";

const [vip = "", port = ""] = process.argv.slice(2);
// It listens before the VIP is here (ip-sysctl.rst, ip_nonlocal_bind).
writeFileSync("/proc/sys/net/ipv4/ip_nonlocal_bind", "1");
Bun.listen({ hostname: "127.0.0.1", port: PROXY_PORT, socket: { data: (socket) => void socket.write("pong") } });
await Bun.udpSocket({
  hostname: vip,
  port: Number(port),
  socket: {
    data(socket, bytes, senderPort, sender) {
      try {
        socket.send(bytes, senderPort, sender);
      } catch {
        // The VIP has gone meanwhile: the sender counts that as lost.
      }
    },
  },
});
process.stdout.write("ready\n");
