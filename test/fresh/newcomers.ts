/** Who comes to a machine with which copy of the project, and what they type. */
import { ROOT_USER, type User } from "./minimal-root.ts";

export const RELEASES = ["bookworm", "trixie"] as const;
export type Release = (typeof RELEASES)[number];

const NEWCOMER: User = { name: "newcomer", id: 1000, home: "/home/newcomer" };

export interface Trial {
  /** The word that chooses it on the command line. */
  readonly name: string;
  readonly command: string;
  readonly limitMs: number;
}

const MINUTE_MS = 60_000;
/** Limits are several times what it takes alone on two processors. */
const DEMO: Trial = { name: "demo", command: "npm run demo", limitMs: 10 * MINUTE_MS };
const TEST: Trial = { name: "test", command: "npm test", limitMs: 60 * MINUTE_MS };

export const TRIALS = [DEMO, TEST] as const;

export interface Newcomer {
  /** The word that chooses it on the command line. */
  readonly name: string;
  readonly story: string;
  readonly source: "archive" | "clone";
  readonly user: User;
  /** What root does on the machine beforehand, in the project's folder. */
  readonly preparation: string;
  readonly trials: readonly Trial[];
}

/** In this order on each machine: git comes with the second one. */
export const NEWCOMERS: readonly Newcomer[] = [
  {
    name: "archive",
    story: "root, from a source archive, without git",
    source: "archive",
    user: ROOT_USER,
    preparation: "! command -v git",
    trials: [DEMO, TEST],
  },
  {
    name: "clone",
    story: "root, from a clone",
    source: "clone",
    user: ROOT_USER,
    preparation: "apt-get -qq update && apt-get -qq install --yes --no-install-recommends git",
    trials: [DEMO],
  },
  {
    name: "unprivileged",
    story: "an unprivileged user, from a clone, where Debian's packages are installed",
    source: "clone",
    user: NEWCOMER,
    preparation:
      `useradd --create-home --shell /bin/sh --uid ${NEWCOMER.id} ${NEWCOMER.name}` +
      ` && chown -R ${NEWCOMER.name}: ${NEWCOMER.home} && node test/setup.mjs check lab`,
    trials: [DEMO, TEST],
  },
];
