import { expect, test } from "bun:test";
import { parseConfig } from "../../../../src/config/parse.ts";
import { sidedVips } from "../../../../src/daemon/settings/failover-settings.ts";
import { BASE } from "../../config/base.ts";

const INTERFACES = { public: "eth0", private: "eth1" };
const VIPS = `[[vip]]
address = "203.0.113.10/24"
interface = "eth0"

[[vip]]
address = "10.0.0.1/24"
interface = "eth1"
required = false

[[vip]]
address = "2001:db8::10/64"
interface = "eth2"
`;
const FIRST_VIP = '[[vip]]\naddress = "203.0.113.10/24"\ninterface = "eth0"\n';

/** The VIPs of a pair whose one service listens on these: the side, and what sets it apart. */
function sided(listen: string, forward = "nat"): string[] {
  const text = BASE.replace(FIRST_VIP, VIPS).replace(
    'listen = "tcp://203.0.113.10:80"',
    `listen = ${listen}\nforward = "${forward}"`,
  );
  const result = parseConfig(text);
  if (!result.ok) throw new Error(result.issues.map(({ message }) => message).join("\n"));
  return sidedVips(result.config, INTERFACES).map(({ vip, side, carriesServices, optional }) =>
    [vip.prefix.address.text, side, ...(carriesServices ? ["carries"] : []), ...(optional ? ["optional"] : [])].join(
      " ",
    ),
  );
}

test("sidedVips() says which VIPs carry services, and which count for nothing", () => {
  expect(sided('"tcp://203.0.113.10:80"')).toEqual([
    "203.0.113.10 public carries",
    "10.0.0.1 private optional",
    "2001:db8::10 public",
  ]);
  expect(sided('["tcp://203.0.113.10:80", "tcp://10.0.0.1:80"]')).toEqual([
    "203.0.113.10 public carries",
    "10.0.0.1 private carries optional",
    "2001:db8::10 public",
  ]);
});

test("sidedVips() lets all VIPs of its family carry what a firewall mark picks", () => {
  expect(sided('"fwmark:7"', "direct")).toEqual([
    "203.0.113.10 public carries",
    "10.0.0.1 private carries optional",
    "2001:db8::10 public",
  ]);
  expect(sided('["fwmark:7/inet6"]', "tunnel")).toEqual([
    "203.0.113.10 public",
    "10.0.0.1 private optional",
    "2001:db8::10 public carries",
  ]);
});
