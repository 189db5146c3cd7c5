/** What may befall the pair in a tick: each is done and undone, in any order. */
import type { Rules } from "./rules.ts";
import { stepDown } from "./rules.ts";
import { areConnected, isAwake } from "./sight.ts";
import {
  beginDaemon,
  HANGS,
  NO_DAEMON,
  OFF,
  ON,
  otherPlace,
  PAUSED,
  PLACES,
  type Place,
  PRIMARY,
  RUNS,
  type State,
} from "./state.ts";

export interface Fault {
  readonly name: string;
  /** Changes the state, or says that there is nothing to change. */
  readonly apply: (state: State, rules: Rules) => boolean;
}

function nameOf(place: Place): string {
  return place === PRIMARY ? "primary" : "backup";
}

/** One way between the routers, or both at once where they are alike. */
function wires(what: "readable" | "frames", name: string): readonly Fault[] {
  const oneWay = PLACES.map(
    (place): Fault => ({
      name: `${name} from ${nameOf(place)}`,
      apply: (state) => {
        state[what][place] = 1 - state[what][place];
        return true;
      },
    }),
  );
  const both: Fault = {
    name: `${name} both ways`,
    apply: (state) => {
      const [one, other] = state[what];
      state[what].fill(1 - one);
      return one === other;
    },
  };
  return [...oneWay, both];
}

const isolation = PLACES.map(
  (place): Fault => ({
    name: `every frame at ${nameOf(place)}`,
    apply: (state) => {
      state.isolated[place] = 1 - state.isolated[place];
      return state.routers[place].machine === ON;
    },
  }),
);

/** A new process is met by nobody yet; VIPs of the one before are adopted unless the peer is heard to be active. */
function begin(state: State, place: Place): void {
  const me = state.routers[place];
  const peer = state.routers[otherPlace(place)];
  beginDaemon(me);
  peer.met = 0;
  const isHeard = areConnected(state) && isAwake(peer) && state.readable.every((bit) => bit === 1);
  if (me.vips > 0 && !(isHeard && peer.isActive === 1)) me.isActive = 1;
}

function daemonFaults(place: Place): readonly Fault[] {
  const name = nameOf(place);
  return [
    {
      name: `kill ${name}`,
      apply: ({ routers }) => {
        const isThere = routers[place].machine === ON && routers[place].daemon !== NO_DAEMON;
        routers[place].daemon = NO_DAEMON;
        return isThere;
      },
    },
    {
      name: `restart ${name}`,
      apply: (state) => {
        const { machine, daemon } = state.routers[place];
        if (machine !== ON || daemon !== NO_DAEMON) return false;
        begin(state, place);
        return true;
      },
    },
    {
      name: `hang ${name}`,
      apply: ({ routers }) => {
        const runs = isAwake(routers[place]);
        routers[place].daemon = HANGS;
        return runs;
      },
    },
    { name: `resume ${name}`, apply: (state, rules) => resume(state, place, rules) },
  ];
}

/** It finds out that it slept over its lease, and concludes nothing from the silence for a moment. */
function resume({ routers }: State, place: Place, rules: Rules): boolean {
  const { lease } = rules;
  const me = routers[place];
  if (me.machine !== ON || me.daemon !== HANGS) return false;
  me.daemon = RUNS;
  me.grace = 2;
  if (me.isActive === 1 && me.vips <= lease.kernel - lease.daemon) stepDown(me, rules);
  return true;
}

function machineFaults(place: Place): readonly Fault[] {
  const name = nameOf(place);
  return [
    {
      name: `power off ${name}`,
      apply: ({ routers }) => {
        const me = routers[place];
        const was = me.machine === ON;
        Object.assign(me, { machine: OFF, daemon: NO_DAEMON, vips: 0 });
        return was;
      },
    },
    {
      name: `power on ${name}`,
      apply: (state) => {
        const me = state.routers[place];
        if (me.machine !== OFF) return false;
        me.machine = ON;
        begin(state, place);
        return true;
      },
    },
  ];
}

/** The promises for these are other ones: each may bring two owners that both have proof. */
export const PAUSES: readonly Fault[] = PLACES.flatMap((place) => [
  {
    name: `pause ${nameOf(place)}`,
    apply: ({ routers }: State) => {
      const was = routers[place].machine === ON;
      routers[place].machine = PAUSED;
      return was;
    },
  },
  {
    name: `wake ${nameOf(place)}`,
    apply: ({ routers }: State) => {
      const was = routers[place].machine === PAUSED;
      routers[place].machine = ON;
      return was;
    },
  },
]);

/** An active believes, wrongly, that its peer's kernel had no VIP. */
export const FALSE_PROOFS: readonly Fault[] = PLACES.map((place) => ({
  name: `false proof at ${nameOf(place)}`,
  apply: ({ routers }: State) => {
    const me = routers[place];
    const isNew = isAwake(me) && me.isActive === 1 && me.proven === 0;
    me.proven = 1;
    return isNew;
  },
}));

export const FAULTS: readonly Fault[] = [
  ...wires("readable", "heartbeats"),
  ...wires("frames", "frames"),
  ...isolation,
  ...PLACES.flatMap(daemonFaults),
  ...PLACES.flatMap(machineFaults),
];
