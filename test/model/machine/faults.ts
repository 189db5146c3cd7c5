/** What may befall a pair in the search through the real machine: each is done and undone, in any order. */
import type { RouterId } from "../../../src/model/pair.ts";
import { PATHS } from "../../../src/model/pair.ts";
import { SEGMENTS } from "../../simulation/network.ts";
import { ROUTERS, type World } from "../../simulation/world.ts";

export interface Fault {
  readonly name: string;
  readonly isPossible: (world: World) => boolean;
  readonly apply: (world: World) => void;
}

const ALWAYS = () => true;

/** Heartbeats that cannot be read or do not come, while all other frames pass. */
export const MISMATCHES: readonly Fault[] = [
  {
    name: "keys",
    isPossible: ALWAYS,
    apply: (world) => world.setTwoKeys(!world.networks.public.hasTwoKeys),
  },
  {
    name: "filter",
    isPossible: ALWAYS,
    apply: (world) =>
      world.filterHeartbeats(world.networks.public.dropsHeartbeats === undefined ? "leaving" : undefined),
  },
  ...ROUTERS.map((router) => ({
    name: `unheard ${router}`,
    isPossible: ALWAYS,
    apply: (world: World) => world.setUnheard(router, !world.networks.public.unheard.has(router)),
  })),
];

function isCut(world: World, from: RouterId, to: RouterId): boolean {
  const { networks, hosts } = world;
  return networks.public.isCut(hosts[from].ports.public.mac, hosts[to].ports.public.mac);
}

function setCut(world: World, isOn: boolean, from?: RouterId): void {
  for (const path of PATHS) world.cutBetween(path, isOn, from);
}

/** Frames that do not pass between the routers, or not at all at one of them. */
export const CUTS: readonly Fault[] = [
  {
    name: "cut",
    isPossible: (world) => isCut(world, "primary", "backup") === isCut(world, "backup", "primary"),
    apply: (world) => setCut(world, !isCut(world, "primary", "backup")),
  },
  {
    name: "cut from primary",
    isPossible: ALWAYS,
    apply: (world) => setCut(world, !isCut(world, "primary", "backup"), "primary"),
  },
  {
    name: "cut from backup",
    isPossible: ALWAYS,
    apply: (world) => setCut(world, !isCut(world, "backup", "primary"), "backup"),
  },
  ...ROUTERS.map((router) => ({
    name: `isolate ${router}`,
    isPossible: (world: World) => world.hosts[router].powered,
    apply: (world: World) => world.setIsolated(router, world.hosts[router].ports.public.sends),
  })),
];

function routerFaults(router: RouterId): readonly Fault[] {
  return [
    {
      name: `kill ${router}`,
      isPossible: (world) => world.hosts[router].process !== undefined,
      apply: (world) => world.hosts[router].kill(),
    },
    {
      name: `start ${router}`,
      isPossible: (world) => world.hosts[router].powered && world.hosts[router].process === undefined,
      apply: (world) => world.hosts[router].start(),
    },
    {
      name: `freeze ${router}`,
      isPossible: (world) => world.hosts[router].running,
      apply: (world) => world.hosts[router].freeze(),
    },
    {
      name: `thaw ${router}`,
      isPossible: (world) => world.hosts[router].process?.frozen === true,
      apply: (world) => world.hosts[router].thaw(),
    },
    {
      name: `off ${router}`,
      isPossible: (world) => world.hosts[router].powered,
      apply: (world) => world.hosts[router].powerOff(),
    },
    {
      name: `on ${router}`,
      isPossible: (world) => !world.hosts[router].powered,
      apply: (world) => world.hosts[router].powerOn(),
    },
  ];
}

/** Daemons and machines that die, hang and come back. */
export const DEATHS: readonly Fault[] = ROUTERS.flatMap(routerFaults);

export const FAULTS: readonly Fault[] = [...MISMATCHES, ...CUTS, ...DEATHS];

export function faultNamed(name: string): Fault {
  const fault = FAULTS.find((candidate) => candidate.name === name);
  if (fault === undefined) throw new RangeError(`no fault is called ${name}`);
  return fault;
}

/** Everything of the wires that a fault can have changed, as text. */
export function wiresText(world: World): string {
  const network = world.networks.public;
  const ports = ROUTERS.map((router) => world.hosts[router].ports[SEGMENTS[0]]);
  return [
    network.hasTwoKeys,
    network.dropsHeartbeats,
    [...network.unheard].toSorted().join(),
    isCut(world, "primary", "backup"),
    isCut(world, "backup", "primary"),
    ...ports.flatMap(({ sends, receives, cable }) => [sends, receives, cable]),
  ].join(" ");
}
