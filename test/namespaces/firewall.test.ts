/** What `tandem doctor` makes of rulesets that nft has given to this kernel. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { firewallFindings } from "../../src/cli/status/firewall-findings.ts";
import type { Config } from "../../src/config/keys/config.ts";
import { run } from "../lab/network-namespace.ts";
import { requireLab } from "../support/lab.ts";
import { configOf, PUBLIC_VIP } from "./support/network-under-test.ts";

beforeAll(requireLab);

/** Where there is no nft, or no nf_tables for inet (user-mode kernels), nobody can have such rules either. */
const hasNft =
  Bun.which("nft") !== null &&
  Bun.spawnSync(["nft", "-c", "add table inet tandem_probe"], { stderr: "ignore", stdout: "ignore" }).success;

const SERVICE = `[[service]]
name = "web"
listen = ["tcp://203.0.113.10:80"]
[[service.real]]
address = "10.0.0.11:8080"
[[service.real]]
address = "10.0.0.12:8080"
`;

const CONFIG: Config = configOf(PUBLIC_VIP, SERVICE);

function load(ruleset: string): void {
  run(["nft", "-f", "-"], ruleset);
}

function findings(config = CONFIG): string[] {
  return firewallFindings(config).map(({ severity, name, text, mend }) => `${severity} ${name}: ${text}\n${mend}`);
}

describe.skipIf(!hasNft)("firewallFindings()", () => {
  beforeEach(() => {
    for (const [name, own] of [
      ["pub0", "203.0.113.2/24"],
      ["pri0", "10.0.0.2/24"],
    ]) {
      run(["ip", "link", "add", `${name}`, "type", "veth", "peer", "name", `${name}x`]);
      run(["ip", "link", "set", `${name}`, "up"]);
      run(["ip", "address", "add", `${own}`, "dev", `${name}`]);
    }
  });

  afterEach(() => {
    load("flush ruleset");
    for (const name of ["pub0", "pri0"]) run(["ip", "link", "delete", name]);
  });

  test("nothing is found in an empty firewall", () => {
    expect(findings()).toEqual([]);
  });

  test("a container engine's policy drops the answers of servers behind NAT, and the command mends it", () => {
    load(`table ip filter {
      chain DOCKER-USER {
      }
      chain FORWARD {
        type filter hook forward priority 0; policy drop;
        counter jump DOCKER-USER
        oifname "docker0" ct state related,established counter accept
        iifname "docker0" oifname != "docker0" counter accept
      }
      chain INPUT {
        type filter hook input priority 0; policy accept;
      }
    }`);
    expect(findings()).toEqual([
      "error firewall-answers: the firewall drops the answers of real servers behind NAT (10.0.0.11:8080, 10.0.0.12:8080): " +
        "the policy of chain FORWARD in table ip filter is drop, and no rule lets them through\n" +
        "iptables -I FORWARD -s 10.0.0.11,10.0.0.12 -j ACCEPT",
    ]);
    load("insert rule ip filter FORWARD ip saddr { 10.0.0.11, 10.0.0.12 } accept");
    expect(findings()).toEqual([]);
  });

  test("a strict input drops clients, heartbeats' start, connection synchronisation and neighbour discovery", () => {
    load(`table inet fw {
      chain input {
        type filter hook input priority 0; policy drop;
        iifname "lo" accept
        tcp dport { 22, 443 } accept
      }
    }
    table arp fw {
      chain input {
        type filter hook input priority 0; policy drop;
      }
    }`);
    expect(findings()).toEqual([
      "error firewall-clients: the firewall drops what clients send to tcp://203.0.113.10:80: the policy of chain input in " +
        "table inet fw is drop, and no rule lets them through\n" +
        "nft insert rule inet fw input ip daddr 203.0.113.10 tcp dport 80 accept",
      "error firewall-heartbeats: the firewall drops heartbeats from lvs2 on the public side (UDP port 5390), from lvs2 on the " +
        "private side (UDP port 5390): the policy of chain input in table inet fw is drop, and no rule lets them through\n" +
        "nft 'insert rule inet fw input ip saddr { 203.0.113.3, 10.0.0.3 } ip daddr { 203.0.113.2, 10.0.0.2 } udp dport 5390 accept'",
      "warning firewall-sync: the firewall drops connection synchronisation from lvs2 (UDP to 224.0.0.81, port 8848): the policy " +
        "of chain input in table inet fw is drop, and no rule lets them through\n" +
        "nft insert rule inet fw input ip daddr 224.0.0.81 udp dport 8848 accept",
      "error firewall-neighbours: the firewall drops the questions for VIPs on pub0 (ARP): the policy of chain input in table " +
        "arp fw is drop, and no rule lets them through\n" +
        "nft insert rule arp fw input accept",
    ]);
    // Each command mends what it stands with.
    for (const { mend } of firewallFindings(CONFIG)) run(["sh", "-c", mend]);
    expect(findings()).toEqual([]);
  });

  test("connection tracking lets heartbeats in, and not the answers that IPVS does not let it know", () => {
    load(`table inet fw {
      chain input {
        type filter hook input priority 0; policy drop;
        ct state vmap { established : accept, related : accept, invalid : drop }
        ip daddr 203.0.113.0/24 accept
        udp dport 8000-9000 accept
      }
      chain forward {
        type filter hook forward priority 0; policy accept;
        ct state established,related accept
        ct state invalid drop
      }
    }`);
    expect(findings().map((text) => text.split("\n")[0])).toEqual([
      expect.stringMatching(
        /^error firewall-answers: the firewall drops the answers of .*: the rule with handle \d+ of chain forward in table inet fw drops them$/,
      ),
    ]);
    expect(findings({ ...CONFIG, ipvs: { ...CONFIG.ipvs, conntrack: true } })).toEqual([]);
  });

  test("rules that are not understood are no reason for an alarm", () => {
    load(`table inet fw {
      set blocked {
        type ipv4_addr; flags interval
        elements = { 198.51.100.0/24 }
      }
      chain elsewhere {
        meta mark 7 accept
      }
      chain input {
        type filter hook input priority 0; policy accept;
        ip saddr @blocked drop
        fib saddr type broadcast drop
        fib daddr type != { local, multicast } drop
        tcp flags syn limit rate over 5/second drop
      }
      chain forward {
        type filter hook forward priority 0; policy drop;
        jump elsewhere
      }
    }`);
    expect(findings()).toEqual([
      "note firewall-answers: cannot judge whether the firewall lets the answers of real servers behind NAT (10.0.0.11:8080, " +
        "10.0.0.12:8080) through: the policy of chain forward in table inet fw is drop, and rules before it that " +
        "are not understood may accept them\nnft -a list table inet fw",
    ]);
  });

  test("what a chain of one interface or one before routing drops is found", () => {
    load(`table netdev early {
      chain here {
        type filter hook ingress device pri0 priority 0; policy accept;
        ip saddr 10.0.0.12 drop
      }
    }
    table ip raw {
      chain PREROUTING {
        type filter hook prerouting priority -300; policy accept;
        ip saddr 10.0.0.11 tcp sport 8080-8090 counter drop
      }
    }`);
    expect(findings().map((text) => text.replace(/handle \d+/, "handle N"))).toEqual([
      "error firewall-answers: the firewall drops the answers of real servers behind NAT (10.0.0.11:8080): the rule with handle N of chain " +
        "PREROUTING in table ip raw drops them\niptables -t raw -I PREROUTING -s 10.0.0.11 -j ACCEPT",
      "error firewall-answers: the firewall drops the answers of real servers behind NAT (10.0.0.12:8080): the rule with handle N of chain " +
        "here in table netdev early drops them\nnft insert rule netdev early here ip saddr 10.0.0.12 accept",
    ]);
  });
});
