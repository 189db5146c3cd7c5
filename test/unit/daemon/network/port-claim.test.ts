import { describe, expect, test } from "bun:test";
import { requireFreePort } from "../../../../src/daemon/network/port-claim.ts";
import { HeartbeatSocket } from "../../../../src/kernel/neighbours/heartbeat-socket.ts";
import { TandemError } from "../../../../src/lib/errors.ts";
import { address } from "../../../../src/model/address.ts";

const ENDS = {
  public: { local: address("127.0.0.31"), peer: address("127.0.0.32") },
  private: { local: address("127.0.0.33"), peer: address("127.0.0.34") },
};

/** Takes a path's port as a daemon does, on the path's interface; 0 lets the kernel choose the port. */
function take(path: "public" | "private", port: number): HeartbeatSocket {
  return HeartbeatSocket.open({ ...ENDS[path], interface: "lo", port, onDatagram: () => {} });
}

describe("requireFreePort()", () => {
  test("refuses to start where both paths are taken, and says by whom it may be", () => {
    using first = take("public", 0);
    using _second = take("private", first.port);
    expect(() => requireFreePort(ENDS, first.port)).toThrow(
      new TandemError({
        operation: "start",
        reason: `another program has UDP port ${first.port} of 127.0.0.31 and 127.0.0.33; it may be another tandem`,
      }),
    );
  });

  test.each(["public", "private"] as const)("goes on where only the port of the %s path is taken", (path) => {
    using taken = take(path, 0);
    requireFreePort(ENDS, taken.port);
  });

  test("keeps nothing open", () => {
    const first = take("private", 0);
    first.close();
    requireFreePort(ENDS, first.port);
    using again = take("private", first.port);
    expect(again.port).toBe(first.port);
  });
});
