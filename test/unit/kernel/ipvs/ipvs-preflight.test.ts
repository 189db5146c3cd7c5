import { describe, expect, test } from "bun:test";
import { type IpvsHost, type IpvsRequest, ipvsFindings } from "../../../../src/kernel/ipvs/ipvs-preflight.ts";

const REQUEST: IpvsRequest = {
  balances: true,
  hasFtp: false,
  settings: [
    { path: "net/ipv4/vs/expire_nodest_conn", value: "1" },
    { path: "net/ipv4/vs/drop_entry", value: "1" },
  ],
  isKept: true,
};

const DEP =
  "kernel/net/netfilter/ipvs/ip_vs_rr.ko.xz: kernel/x.ko\nkernel/net/netfilter/ipvs/ip_vs.ko.xz: kernel/y.ko\n";

/** A host that is as it should be, but for what is given. */
function host(other: Partial<IpvsHost> = {}, settings: Readonly<Record<string, string | undefined>> = {}): IpvsHost {
  const good: Readonly<Record<string, string | undefined>> = {
    "kernel/osrelease": "6.1.0-9",
    "net/ipv4/vs/expire_nodest_conn": "1",
    "net/ipv4/vs/drop_entry": "2",
    ...settings,
  };
  return {
    hasIpvs: () => true,
    sysctl: (path) => good[path],
    exists: () => false,
    loadingCommand: () => ["/sbin/modprobe", "-q", "--", "ip_vs"],
    read: (path) => (path === "/lib/modules/6.1.0-9/modules.dep" ? DEP : undefined),
    ...other,
  };
}

const brief = (request: IpvsRequest, view: IpvsHost) =>
  ipvsFindings(request, view).map(({ severity, name, text, mend }) => `${severity} ${name}: ${text}; ${mend}`);

describe("ipvsFindings()", () => {
  test("finds nothing where all is well; what the kernel changes by itself is well", () => {
    expect(ipvsFindings(REQUEST, host())).toEqual([]);
  });

  test("asks nothing of a pair without services", () => {
    expect(ipvsFindings({ ...REQUEST, balances: false }, host({ hasIpvs: () => false }))).toEqual([]);
  });

  test("IPVS that is not loaded is no error where the daemon can load it", () => {
    expect(brief(REQUEST, host({ hasIpvs: () => false }))).toEqual([
      "note no-ipvs: IPVS is not loaded yet: tandem run loads it; modprobe ip_vs",
    ]);
  });

  test.each<[Partial<IpvsHost>, Readonly<Record<string, string>>, string]>([
    [{ read: () => undefined }, {}, "/lib/modules/6.1.0-9 has no module ip_vs"],
    [{ read: () => "kernel/net/netfilter/ipvs/ip_vs_rr.ko: x" }, {}, "/lib/modules/6.1.0-9 has no module ip_vs"],
    [{ loadingCommand: () => undefined }, {}, "/proc/sys/kernel/modprobe names no program that would load it"],
    [{}, { "kernel/modules_disabled": "1" }, "modules can't be loaded until the next start of the machine"],
  ])("IPVS that is not there and cannot be loaded is one (%#)", (other, settings, why) => {
    expect(brief(REQUEST, host({ hasIpvs: () => false, ...other }, settings))).toEqual([
      `error no-ipvs: the kernel has no IPVS, so it cannot balance: ${why}; modprobe ip_vs`,
    ]);
  });

  test("says which settings are not in force while a daemon runs", () => {
    const view = host({}, { "net/ipv4/vs/expire_nodest_conn": "0" });
    expect(brief(REQUEST, view)).toEqual([
      "warning ipvs-setting: net/ipv4/vs/expire_nodest_conn is 0, and [ipvs] wants 1: the running daemon has another configuration, or the kernel refuses it; sysctl -w net/ipv4/vs/expire_nodest_conn=1",
    ]);
    expect(ipvsFindings({ ...REQUEST, isKept: false }, view)).toEqual([]);
  });

  test("says which settings this kernel lacks", () => {
    const settings = [{ path: "net/ipv4/vs/est_nice", value: "5" }];
    expect(brief({ ...REQUEST, settings, isKept: false }, host())).toEqual([
      "warning ipvs-setting: this kernel has no setting net/ipv4/vs/est_nice, which [ipvs] wants to be 5; remove est_nice from [ipvs]",
    ]);
  });

  test("notes ip_vs_ftp where a service listens for FTP", () => {
    const view = host({ exists: (path) => path === "/sys/module/ip_vs_ftp" });
    expect(ipvsFindings(REQUEST, view)).toEqual([]);
    expect(brief({ ...REQUEST, hasFtp: true }, view)).toEqual([
      "note ip-vs-ftp: the module ip_vs_ftp is loaded, and a service listens for FTP on port 21: passive transfers break where the real servers themselves announce the VIP (pasv_address); use the one or the other; modprobe -r ip_vs_ftp",
    ]);
    expect(ipvsFindings({ ...REQUEST, hasFtp: true }, host())).toEqual([]);
  });
});
