/** Cables pulled and cut in silence, one after the other; the kernels say who has the VIPs. */
import { beforeAll, expect, test } from "bun:test";
import { PUBLIC_VIP, type RouterName, type Topology } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";
import {
  atOnceMs,
  expectAgreedOverlap,
  expectNeverTwo,
  expectNothingLost,
  HEARTBEAT_MS,
  VipPair,
} from "./support/vip-pair.ts";

beforeAll(requireLab);

type Cable = readonly [host: RouterName, interfaceName: "eth0" | "eth1"];
type CableWork = (topology: Topology, ...cable: Cable) => void;

interface Fault {
  readonly name: string;
  readonly cut: (topology: Topology) => void;
  readonly mend: (topology: Topology) => void;
}

function fault(cables: readonly Cable[], cut: CableWork, mend: CableWork): Omit<Fault, "name"> {
  const each = (work: CableWork) => (topology: Topology) => {
    for (const [host, name] of cables) work(topology, host, name);
  };
  return { cut: each(cut), mend: each(mend) };
}

function unplugged(...cables: readonly Cable[]): Omit<Fault, "name"> {
  return fault(
    cables,
    (topology, ...cable) => topology.unplug(...cable),
    (topology, ...cable) => topology.plug(...cable),
  );
}

function silenced(cables: readonly Cable[], direction: "both" | "to-host" | "from-host" = "both"): Omit<Fault, "name"> {
  return fault(
    cables,
    (topology, ...cable) => topology.silence(...cable, direction),
    (topology, ...cable) => topology.restore(...cable),
  );
}

/** Faults of the active, lvs1: the other one has the VIPs afterwards, and keeps them when the fault is mended. */
const MOVED: readonly Fault[] = [
  { name: "the public cable of the active is pulled", ...unplugged(["lvs1", "eth0"]) },
  { name: "the public side of the active is silent", ...silenced([["lvs1", "eth0"]]) },
  { name: "the active hears nothing on its public side", ...silenced([["lvs1", "eth0"]], "to-host") },
  { name: "the active is not heard on its public side", ...silenced([["lvs1", "eth0"]], "from-host") },
  { name: "the private cable of the active is pulled", ...unplugged(["lvs1", "eth1"]) },
  { name: "the private side of the active is silent", ...silenced([["lvs1", "eth1"]]) },
  {
    name: "both cables of the active are pulled at once",
    cut: (topology) => topology.unplugAll("lvs1"),
    mend: (topology) => topology.plugAll("lvs1"),
  },
];

test.each(MOVED)("$name: the standby has the VIPs", async (fault) => {
  await using pair = await VipPair.start();
  const { topology } = pair.lab;
  const watched = await pair.watch(fault.name, async () => {
    fault.cut(topology);
    await pair.owned("lvs2");
  });
  // In each of these the two still hear each other, or the one that fell out has dropped before the other takes.
  expectAgreedOverlap(watched);
  const mended = await pair.watch(`${fault.name}: mended`, async () => {
    fault.mend(topology);
    await pair.settled("lvs2");
  });
  expectNeverTwo(mended);
});

test("both cables of the standby are pulled: nothing changes, nor when they are back", async () => {
  await using pair = await VipPair.start();
  const watched = await pair.watch("both cables of the standby pulled, and plugged", async () => {
    pair.lab.topology.unplugAll("lvs2");
    await pair.until("each finds the other one silent", async () => {
      const statuses = await Promise.all(pair.routers.map((router) => router.status()));
      return statuses.every((status) => status?.peer.alive === false);
    });
    pair.lab.topology.plugAll("lvs2");
    await pair.settled("lvs1");
  });
  expect(VipPair.ownersOf(watched)).toEqual([["lvs1"]]);
});

test.each(["public", "private"] as const)("the %s path alone is cut: nothing changes", async (path) => {
  await using pair = await VipPair.start();
  const watched = await pair.watch(`the ${path} path cut, and back`, async () => {
    const isUp = async (up: boolean) => {
      const statuses = await Promise.all(pair.routers.map((router) => router.status()));
      return statuses.every((status) => status?.paths.some((one) => one.path === path && one.up === up) === true);
    };
    pair.lab.topology.separate(path);
    await pair.until("both find the path down", () => isUp(false));
    pair.lab.topology.join(path);
    await pair.until("both find it up again", () => isUp(true));
    await pair.settled("lvs1");
  });
  expect(VipPair.ownersOf(watched)).toEqual([["lvs1"]]);
  expectNothingLost(watched);
});

test("both sides of both routers are silent, then back: the two never both have them", async () => {
  await using pair = await VipPair.start();
  const loss = silenced([
    ["lvs1", "eth0"],
    ["lvs1", "eth1"],
    ["lvs2", "eth0"],
    ["lvs2", "eth1"],
  ]);
  const watched = await pair.watch("a dead switch, and back", async () => {
    loss.cut(pair.lab.topology);
    await pair.until("lvs1, which sees nobody, has given them up", () => pair.owners.owners(PUBLIC_VIP).length === 0);
    loss.mend(pair.lab.topology);
    await pair.until("one of them is active again", () => pair.owners.owners(PUBLIC_VIP).length === 1);
  });
  expectNeverTwo(watched);
});

test("every link between the two is cut while both reach the clients: both serve; when it is mended one stays", async () => {
  await using pair = await VipPair.start();
  const { topology } = pair.lab;
  topology.separate("public");
  topology.separate("private");
  await pair.until("both are active, as without fencing they must be", () => {
    return pair.owners.owners(PUBLIC_VIP).length === 2;
  });
  const watched = await pair.watch("a split pair meets again", async () => {
    topology.join("public");
    topology.join("private");
    await pair.settled("lvs2");
  });
  // From the first heartbeat that comes through, the one of the lower term drops before anything else.
  for (const ms of Object.values(watched.owners.twoOwnersMs)) {
    expect(ms).toBeLessThan(HEARTBEAT_MS + atOnceMs(watched));
  }
});
