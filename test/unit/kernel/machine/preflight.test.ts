import { describe, expect, test } from "bun:test";
import { type HostView, type PreflightRequest, preflight } from "../../../../src/kernel/machine/preflight.ts";

const NAT: PreflightRequest = {
  interfaces: ["eth0", "eth1"],
  forwarding: new Set(["nat"]),
  families: new Set(["inet"]),
};

/** A host on which all is well, but for the settings given. */
function host(settings: Readonly<Record<string, string>> = {}, absent: readonly string[] = [], userId = 0): HostView {
  const good: Readonly<Record<string, string>> = {
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/forwarding": "1",
  };
  return {
    sysctl: (path) => settings[path] ?? good[path] ?? "0",
    exists: (path) => !absent.includes(path) && !path.endsWith("/bridge"),
    userId: () => userId,
  };
}

const brief = (request: PreflightRequest, view: HostView) =>
  preflight(request, view).map(({ severity, name, mend }) => `${severity} ${name}: ${mend}`);

describe("preflight()", () => {
  test("finds nothing on a host that is set up", () => {
    expect(preflight(NAT, host())).toEqual([]);
  });

  test("says what is wrong, what it breaks and what mends it", () => {
    expect(preflight(NAT, host({ "net/ipv4/ip_forward": "0" }))).toEqual([
      {
        name: "ip-forward",
        severity: "error",
        text: "net/ipv4/ip_forward is 0: this machine does not forward packets, so the answers of real servers behind NAT get lost",
        mend: "sysctl -w net/ipv4/ip_forward=1",
      },
    ]);
  });

  test.each([
    ["net/ipv4/conf/all/send_redirects", "1", "warning send-redirects: sysctl -w net/ipv4/conf/all/send_redirects=0"],
    ["net/ipv4/conf/eth1/send_redirects", "1", "warning send-redirects: sysctl -w net/ipv4/conf/eth1/send_redirects=0"],
    ["net/ipv4/conf/eth0/rp_filter", "1", "warning rp-filter: sysctl -w net/ipv4/conf/eth0/rp_filter=2"],
    ["net/ipv4/conf/eth0/arp_ignore", "8", "error arp-ignore: sysctl -w net/ipv4/conf/eth0/arp_ignore=0"],
  ])("finds %s = %s", (path, value, expected) => {
    expect(brief(NAT, host({ [path]: value }))).toEqual([expected]);
  });

  test.each([
    ["net/ipv4/conf/eth0/rp_filter", "2"],
    ["net/ipv4/conf/eth0/arp_ignore", "1"],
    ["net/ipv4/conf/eth2/rp_filter", "1"],
  ])("has nothing against %s = %s", (path, value) => {
    expect(preflight(NAT, host({ [path]: value }))).toEqual([]);
  });

  test("wants forwarding of IPv6 for NAT between IPv6 addresses, and IPv6 itself", () => {
    const request: PreflightRequest = { ...NAT, families: new Set(["inet6"]) };
    const view = host({ "net/ipv6/conf/all/forwarding": "0", "net/ipv6/conf/eth1/disable_ipv6": "1" });
    expect(brief(request, view)).toEqual([
      "error ip-forward: sysctl -w net/ipv6/conf/all/forwarding=1",
      "error ipv6-disabled: sysctl -w net/ipv6/conf/eth1/disable_ipv6=0",
    ]);
  });

  test("does not ask for forwarding of a pair that only moves VIPs", () => {
    const view = host({ "net/ipv4/ip_forward": "0", "net/ipv4/conf/all/send_redirects": "1" });
    expect(preflight({ ...NAT, forwarding: new Set() }, view)).toEqual([]);
  });

  test("notes bridges whose frames go through the firewall of IP, and no other interfaces", () => {
    const settings = { "net/bridge/bridge-nf-call-iptables": "1" };
    const usual = host(settings);
    const view: HostView = { ...usual, exists: (path) => !path.endsWith("/bridge") || path.includes("/eth1/") };
    expect(brief(NAT, view)).toEqual(["note bridge-nf: sysctl -w net/bridge/bridge-nf-call-iptables=0"]);
    expect(brief({ ...NAT, interfaces: ["eth0"] }, view)).toEqual([]);
  });

  test("puts what does not work before what may not", () => {
    const view = host({ "net/ipv4/conf/all/rp_filter": "1" }, ["/proc/sys/net/ipv4/conf/eth1"], 1000);
    expect(brief(NAT, view)).toEqual([
      "error not-root: sudo tandem",
      "error no-interface: ip link",
      "warning rp-filter: sysctl -w net/ipv4/conf/all/rp_filter=2",
    ]);
  });
});
