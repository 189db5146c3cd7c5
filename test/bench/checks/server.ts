/**
 * All real servers of a benchmark in one process: whatever address of this machine is connected to, it answers. It asks
 * for nothing but what a connection costs.
 */
import { SERVER_PORT } from "./servers.ts";

const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

Bun.listen({
  hostname: "0.0.0.0",
  port: SERVER_PORT,
  socket: {
    data: (socket) => {
      socket.end(ANSWER);
    },
  },
});
process.stdout.write("ready\n");
