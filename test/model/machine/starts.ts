/** Pairs to begin a search with, each at rest. */
import { ROUTERS, type World } from "../../simulation/world.ts";

export interface Start {
  readonly name: string;
  readonly begin: (world: World) => void;
}

const BOOT_MS = 600;
/** A standby stands off after two leases of answers. */
const STANDOFF_MS = 7_500;

function boot(world: World): void {
  for (const router of ROUTERS) world.hosts[router].start();
  world.run(BOOT_MS);
}

function bootWithActiveBackup(world: World): void {
  boot(world);
  world.hosts.primary.command({ kind: "operator", id: 1, command: { kind: "switch" } });
  world.run(BOOT_MS);
}

function loseKey(world: World): void {
  world.setTwoKeys(true);
  world.run(STANDOFF_MS);
}

export const STARTS: readonly Start[] = [
  { name: "the primary is active", begin: boot },
  { name: "the backup is active", begin: bootWithActiveBackup },
  {
    name: "the primary is active, and the keys differ",
    begin: (world) => {
      boot(world);
      loseKey(world);
    },
  },
  {
    name: "the backup is active, and the keys differ",
    begin: (world) => {
      bootWithActiveBackup(world);
      loseKey(world);
    },
  },
];

export function startNamed(name: string): Start {
  const start = STARTS.find((candidate) => candidate.name === name);
  if (start === undefined) throw new RangeError(`no start is called ${name}`);
  return start;
}
