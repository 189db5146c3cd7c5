import { describe, expect, test } from "bun:test";
import { ConfigFileError } from "../../../../src/config/config-file-error.ts";
import { generateKey, parseKeys } from "../../../../src/config/key-file.ts";
import { parseConfig } from "../../../../src/config/parse.ts";
import { Places } from "../../../../src/config/places/places.ts";
import { textDigest, type UsableConfig } from "../../../../src/daemon/reload/configuration.ts";
import { planReload } from "../../../../src/daemon/reload/reload-plan.ts";
import { ReloadRecord } from "../../../../src/daemon/reload/reload-record.ts";
import { Reload, type ReloadSurroundings } from "../../../../src/daemon/reload/reload-transaction.ts";
import type { Role } from "../../../../src/model/pair.ts";
import { BASE } from "../../config/base.ts";

const PATH = "/etc/tandem/tandem.toml";
const INTERFACES = { public: "eth0", private: "eth1" };

const KEY = generateKey();

function usable(text: string, key = KEY): UsableConfig {
  const result = parseConfig(text);
  const keys = parseKeys(key);
  if (!result.ok) throw new ConfigFileError(PATH, text, result.issues);
  if (!keys.ok) throw new Error("no keys");
  return {
    config: result.config,
    keys: keys.value,
    warnings: [],
    text,
    digest: textDigest(text),
    places: new Places(text),
  };
}

const SECOND_VIP = `${BASE}\n[[vip]]\naddress = "203.0.113.11/24"\ninterface = "eth0"\n`;
const WITHOUT_VIPS = `vip = []\n${BASE.replace(/\[\[vip\]\][^[]*/, "")}`;

/** A router whose steps can go wrong. */
class World {
  inForce = usable(BASE);
  text = SECOND_VIP;
  key = KEY;
  role: Role = "active";
  readonly steps: string[] = [];
  problem: string | undefined;
  findings: (of: UsableConfig) => readonly string[] = () => [];
  unsaved: string | undefined;
  warnings: readonly string[] = [];
  onAdd: () => void = () => {};

  readonly surroundings: ReloadSurroundings = {
    file: { path: PATH, read: () => usable(this.text, this.key) },
    inForce: () => this.inForce,
    role: () => this.role,
    isEnding: () => false,
    otherPair: ({ pair }) => pair.port !== this.inForce.config.pair.port,
    findings: (of) => this.findings(of),
    plan: (before, after) => planReload(before, after, INTERFACES),
    add: async () => {
      this.steps.push("add");
      this.onAdd();
      return this.problem;
    },
    restore: () => void this.steps.push("restore"),
    note: async () => void this.steps.push("note"),
    warnings: () => this.warnings,
    unsaved: async () => this.unsaved,
    forget: async () => void this.steps.push("forget"),
    keep: async () => {
      this.steps.push("keep");
      return this.unsaved;
    },
    commit: (of) => {
      this.steps.push("commit");
      this.inForce = of;
    },
  };

  run(force = false) {
    return new Reload(this.surroundings).run(force);
  }
}

describe("a reload", () => {
  test("adds, keeps on disk, and only then takes away", async () => {
    const world = new World();
    expect(await world.run()).toEqual({
      outcome: "applied",
      text: `${PATH} is in force`,
      findings: [],
      digest: textDigest(SECOND_VIP),
      changes: 1,
      exitCode: 0,
    });
    expect(world.steps).toEqual(["note", "add", "keep", "commit"]);
  });

  test("that goes through says what is not as it should be then, and is no failure", async () => {
    const world = new World();
    world.warnings = ["another machine answers for 203.0.113.11 too"];
    expect(await world.run()).toMatchObject({ outcome: "applied", warnings: world.warnings, exitCode: 0 });
    const record = new ReloadRecord(await world.run(), 0, new Date(0));
    expect(record.lines).toContainEqual({ level: "warn", message: "another machine answers for 203.0.113.11 too" });
  });

  test("of a file with mistakes touches nothing, and names each with its place", async () => {
    const world = new World();
    world.text = BASE.replace("interval =", "intervall =").replace('"1s"', '"1x"');
    const result = await world.run();
    expect(result).toMatchObject({
      outcome: "refused",
      exitCode: 2,
      text: `${PATH} has 2 mistakes; the configuration in force stays`,
    });
    expect(result.findings.every((line) => /^\/etc\/tandem\/tandem\.toml:\d+:\d+: /.test(line))).toBe(true);
    expect(world.steps).toEqual([]);
  });

  test("is refused for what this machine does not have, but not for what it lacks already", async () => {
    const world = new World();
    const old = `${PATH}:18:1: the interface eth2 is not on this machine`;
    const moved = `${PATH}:20:1: the interface eth2 is not on this machine`;
    world.findings = (of) => (of === world.inForce ? [old] : [moved]);
    expect(await world.run()).toMatchObject({ outcome: "applied" });
    world.text = BASE;
    world.findings = (of) =>
      of === world.inForce ? [old] : [moved, `${PATH}:30:1: the program /bin/nosuch is not there`];
    expect(await world.run()).toMatchObject({
      outcome: "refused",
      findings: [`${PATH}:30:1: the program /bin/nosuch is not there`],
      exitCode: 2,
    });
    expect(world.steps).toEqual(["note", "add", "keep", "commit"]);
  });

  test("that takes away all VIPs needs to be told so", async () => {
    const world = new World();
    world.text = WITHOUT_VIPS;
    expect(await world.run()).toMatchObject({
      outcome: "refused",
      text: `${PATH} would take away all VIPs (203.0.113.10/24 on eth0); the configuration in force stays`,
      hint: "if that is meant: tandem reload --force",
    });
    expect(world.steps).toEqual([]);
    expect(await world.run(true)).toMatchObject({ outcome: "applied" });
  });

  test("that takes away all services as well", async () => {
    const world = new World();
    world.text = BASE.slice(0, BASE.indexOf("[[service]]"));
    const text = `${PATH} would take away all services (web); the configuration in force stays`;
    expect(await world.run()).toMatchObject({ outcome: "refused", text });
  });

  test("of another pair is refused", async () => {
    const world = new World();
    world.text = BASE.replace("[pair]", "[pair]\nport = 700");
    expect(await world.run()).toMatchObject({ outcome: "refused", exitCode: 2 });
    expect(world.steps).toEqual([]);
  });

  test("that the kernel refuses is taken back, whatever was added", async () => {
    const world = new World();
    world.problem = "the kernel refused it";
    const text = `${PATH}: the kernel refused it; the configuration in force stays`;
    expect(await world.run()).toMatchObject({ outcome: "refused", text, exitCode: 1 });
    expect([world.steps, world.inForce.text]).toEqual([["note", "add", "restore", "forget"], BASE]);
  });

  test("begins again when the role changes meanwhile", async () => {
    const world = new World();
    world.onAdd = () => {
      world.role = "standby";
    };
    expect(await world.run()).toMatchObject({ outcome: "applied" });
    expect(world.steps).toEqual(["note", "add", "restore", "add", "keep", "commit"]);
  });

  test("that cannot be kept on disk is in force all the same, and says so", async () => {
    const world = new World();
    world.unsaved = "no space is left (ENOSPC)";
    expect(await world.run()).toMatchObject({ outcome: "applied", unsaved: "no space is left (ENOSPC)", exitCode: 1 });
  });

  test("of another key is a change, though the file says the same", async () => {
    const world = new World();
    world.text = BASE;
    world.key = generateKey();
    expect(await world.run()).toMatchObject({ outcome: "applied", changes: 1 });
  });

  test("again says again that a restart may not know of it", async () => {
    const world = new World();
    world.text = BASE;
    world.unsaved = "no space is left (ENOSPC)";
    expect(await world.run()).toMatchObject({ outcome: "unchanged", unsaved: world.unsaved, exitCode: 1 });
  });

  test("of the same file changes nothing, but for its keys, and writes nothing", async () => {
    const world = new World();
    world.text = BASE;
    expect(await world.run()).toMatchObject({ outcome: "unchanged", changes: 0, exitCode: 0 });
    expect(world.steps).toEqual(["add", "commit"]);
  });
});
