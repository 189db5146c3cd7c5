import { describe, expect, test } from "bun:test";
import type { RealServer, Tunnel } from "../../../src/model/real-server.ts";
import { newServer, type ServerSettings, withServerSettings } from "../../../src/model/server-settings.ts";
import { endpointOf, keyOf } from "../../support/must.ts";

const WEB = keyOf("tcp://203.0.113.10:80");
const NOTHING: ServerSettings = {
  forward: undefined,
  weight: undefined,
  upperThreshold: undefined,
  lowerThreshold: undefined,
  tunnelType: undefined,
  tunnelPort: undefined,
  tunnelChecksum: undefined,
};

function tunnelled(tunnel?: Tunnel): RealServer {
  const server = newServer(endpointOf("10.0.0.11:80"));
  return { ...server, forward: "tunnel", ...(tunnel === undefined ? {} : { tunnel }) };
}

/** The tunnel that settings make of a server, or what is wrong with them. */
function tunnelOf(current: RealServer, wanted: Partial<ServerSettings>): Tunnel | string | undefined {
  const result = withServerSettings(current, { ...NOTHING, ...wanted }, WEB);
  return result.ok ? result.value.tunnel : result.problem;
}

const GUE: Tunnel = { type: "gue", port: 6080, checksum: "remote" };

describe("withServerSettings()", () => {
  test.each<[string, RealServer, Partial<ServerSettings>, Tunnel | string | undefined]>([
    ["keeps what is not named", tunnelled(GUE), { weight: 2 }, GUE],
    [
      "a port and checksum go with gue",
      tunnelled(GUE),
      { tunnelType: "gre" },
      { type: "gre", port: 0, checksum: "none" },
    ],
    ["gue becomes plain", tunnelled(GUE), { tunnelType: "ipip" }, undefined],
    ["a tunnel ends", tunnelled(GUE), { forward: "direct" }, undefined],
    [
      "gre with a checksum",
      tunnelled(),
      { tunnelType: "gre", tunnelChecksum: "full" },
      { type: "gre", port: 0, checksum: "full" },
    ],
    ["gue without a port", tunnelled(), { tunnelType: "gue" }, "a gue tunnel needs --tunnel-port PORT"],
    [
      "a port without gue",
      tunnelled(),
      { tunnelType: "gre", tunnelPort: 6080 },
      "--tunnel-port is for gue; gre has no port",
    ],
    [
      "gre with a remote checksum",
      tunnelled(),
      { tunnelType: "gre", tunnelChecksum: "remote" },
      "--tunnel-checksum remote: with gre it is none or full",
    ],
    ["ipip with a checksum", tunnelled(), { tunnelChecksum: "full" }, "--tunnel-checksum full: with ipip it is none"],
    ["no tunnel", newServer(endpointOf("10.0.0.11:80")), { tunnelPort: 6080 }, "--tunnel-… needs --forward tunnel"],
  ])("%s", (_name, current, wanted, expected) => {
    expect(tunnelOf(current, wanted)).toEqual(expected);
  });
});
