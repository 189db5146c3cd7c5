/** Broken configurations in the place of a running router's: each is refused, with its reason, and changes nothing. */
import { beforeAll, expect, test } from "bun:test";
import { askDaemon } from "../../src/daemon/control/control-client.ts";
import type { AppliedHere } from "../../src/daemon/reload/applied-config.ts";
import type { ReloadResult } from "../../src/daemon/reload/reload-result.ts";
import type { StatusReport } from "../../src/daemon/status/status-report.ts";
import { serviceText } from "../lab/parts/pair-config.ts";
import type { RouterProcess } from "../lab/parts/router-process.ts";
import { PUBLIC_VIP } from "../lab/topology.ts";
import { Random } from "../simulation/random.ts";
import { requireLab } from "../support/lab.ts";
import { BROKEN_KINDS, type BrokenFile, brokenFile, withNeighbourFiles, writeBroken } from "./support/broken-file.ts";
import { VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

/** Reloads have a pause between them: 300 take a minute. */
const FILES = Number(process.env["TANDEM_BROKEN_FILES"] ?? 62);
const SEED = 0x7a11;

/** Beside what is in force, so that there is more to break; without IPVS no router would be active with it. */
const SERVICE = serviceText({
  name: "web",
  listen: `tcp://${PUBLIC_VIP}:80`,
  scheduler: "wlc",
  servers: [{ address: "10.0.0.11:80", forward: "nat" }],
});

function ask<T>(router: RouterProcess, command: "status" | "applied" | "reload"): Promise<T> {
  const request = command === "reload" ? { command, force: false } : { command };
  return askDaemon(router.runtimeDirectory, request) as Promise<T>;
}

/** What is in force, by the daemon and by its kernel. */
async function inForce(pair: VipPair, router: RouterProcess): Promise<unknown> {
  const { text, digest } = await ask<AppliedHere>(router, "applied");
  const { vips, router: self } = await ask<StatusReport>(router, "status");
  return {
    ...{ text, digest, role: self.role, term: self.term, fingerprint: self.configFingerprint },
    vips: vips.map(({ address, interface: name, owner }) => [address, name, owner]),
    kernel: pair.lab.topology.run(router.name, ["ip", "-o", "addr", "show"]).replaceAll(/_lft \S+| tentative/g, ""),
  };
}

/** Whoever asks by a signal finds the answer in the status. */
async function refusedBySignal(pair: VipPair, router: RouterProcess): Promise<readonly string[]> {
  const before = await ask<StatusReport>(router, "status");
  router.signal("SIGHUP");
  let { reload } = before;
  await pair.until("the reload by a signal is over", async () => {
    ({ reload } = await ask<StatusReport>(router, "status"));
    return reload.at !== before.reload.at && reload.by === "signal";
  });
  return [reload.text, ...reload.findings];
}

async function refused(pair: VipPair, router: RouterProcess, index: number): Promise<readonly string[]> {
  // Each kind once by a person's command.
  if (index < BROKEN_KINDS.length) {
    const { exitCode, stdout, stderr } = await router.tandem("reload");
    expect([exitCode, stdout]).toEqual([2, ""]);
    return stderr.split("\n");
  }
  if (index % 4 === 0) return await refusedBySignal(pair, router);
  const { outcome, text, findings, exitCode } = await ask<ReloadResult>(router, "reload");
  expect([outcome, exitCode]).toEqual(["refused", 2]);
  return [text, ...findings];
}

function says(lines: readonly string[], { place, words }: BrokenFile): boolean {
  return lines.some((line) => line.includes(place) && words.test(line));
}

test(`${FILES} broken files of ${BROKEN_KINDS.length} kinds are refused with their reasons and change nothing`, async () => {
  await using pair = await VipPair.prepare();
  const { configPath: path } = pair.lab.pair;
  const good = withNeighbourFiles(path, pair.config);
  for (const router of pair.routers) router.start();
  await pair.settled("lvs1");
  const lvs1 = pair.router("lvs1");
  const before = await inForce(pair, lvs1);
  const random = new Random(SEED);
  const unsaid: unknown[] = [];
  const counts = new Map<string, number>();
  for (let index = 0; index < FILES; index += 1) {
    const file = brokenFile(path, `${good}\n\n${SERVICE}`, index, random);
    writeBroken(path, file);
    const what = `file ${index}, ${file.kind}, at ${file.place}`;
    const answer = await refused(pair, lvs1, index);
    const { reload } = await ask<StatusReport>(lvs1, "status");
    const status = [reload.text, ...reload.findings];
    if (!says(answer, file)) unsaid.push([what, "answer", answer]);
    if (!says(status, file)) unsaid.push([what, "status", status]);
    expect(reload.outcome).toBe("refused");
    expect({ what, state: await inForce(pair, lvs1) }).toEqual({ what, state: before });
    counts.set(file.kind, (counts.get(file.kind) ?? 0) + 1);
  }
  expect(unsaid).toEqual([]);
  const least = Math.floor(FILES / BROKEN_KINDS.length);
  expect(BROKEN_KINDS.filter((kind) => (counts.get(kind) ?? 0) < least)).toEqual([]);
  expect([...counts.values()].reduce((sum, count) => sum + count)).toBe(FILES);
  // What was in force is the file's again, and nothing had to be mended.
  writeBroken(path, { content: good });
  expect(await ask<ReloadResult>(lvs1, "reload")).toMatchObject({ outcome: "unchanged", changes: 0 });
  expect(await inForce(pair, lvs1)).toEqual(before);
});
