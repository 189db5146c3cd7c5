import { afterAll, beforeAll, expect, test } from "bun:test";
import { type CheckMethod, GREETING_KINDS } from "../../src/model/health-check.ts";
import { runCheck } from "../../src/probe/run-check.ts";
import { certificateFiles } from "./support/certificates.ts";
import { NGINX, nginx } from "./support/plans.ts";
import { onPort, RealServer } from "./support/server-process.ts";

/** Servers that do their worst while a real one is checked beside them. */

const valid = certificateFiles("valid");
const tls = { authoritiesFile: valid.certificate, serverName: "web.test" };
const WEB = {
  method: "GET",
  path: "/",
  expectStatus: [[200, 299]],
  verifyCertificate: true,
} as const satisfies Partial<CheckMethod>;

const HOSTILE_LIMIT_MS = 1_000;
/** Each wants what these servers never say. */
const KINDS: readonly CheckMethod[] = [
  { kind: "http", ...WEB, expectBody: "ready", expectBodyRegex: "^(r|re)*ady$", expectDigest: "0".repeat(64) },
  { kind: "https", ...WEB, expectBody: "ready", tls },
  { kind: "send-expect", send: "", expect: "ready and willing" },
  { kind: "send-expect", send: "", expect: "", script: [{ kind: "expect-regex", value: "(x|xx|ready )*\\bwilling$" }] },
  { kind: "dns", query: "web.test", record: "A", transport: "tcp", expectAnswers: ["192.0.2.1"] },
  { kind: "grpc", service: "" },
  ...GREETING_KINDS.map((kind): CheckMethod => ({ kind })),
  { kind: "smtp", transport: "tls", tls },
  { kind: "smtp", transport: "starttls", tls },
  { kind: "postgresql", transport: "starttls", tls },
];

/** The check beside them: a real server, asked again and again. */
const BESIDE: CheckMethod = { kind: "http", ...WEB, expectBody: "ready" };
/** On a machine with nothing else to do it is one or two; the flood alone keeps both of its processors busy. */
const BESIDE_MS_MAX = 20_000;
/** What was kept of every flood would be gigabytes by then; the runtime itself gives memory back when it likes. */
const MEMORY_BYTES_MAX = 512 * 1024 * 1024;

let server: RealServer;
let hostile: Bun.Subprocess<"ignore", "pipe", "inherit">;
let ports: Readonly<Record<string, number>>;
beforeAll(async () => {
  server = await RealServer.start(nginx(valid, valid, valid));
  const program = `${import.meta.dir}/support/hostile-server.ts`;
  hostile = Bun.spawn([process.execPath, program, valid.certificate, valid.key], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await hostile.stdout.getReader().read();
  ports = JSON.parse(new TextDecoder().decode(value)) as Record<string, number>;
});
afterAll(async () => {
  hostile.kill("SIGKILL");
  await server[Symbol.asyncDispose]();
});

/** Asks the real server for as long as `during` lasts. @returns the outcomes' reasons and the longest time. */
async function askBeside(during: Promise<unknown>): Promise<{ readonly wrong: string[]; readonly longestMs: number }> {
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  during.then(end, end);
  const wrong: string[] = [];
  let longestMs = 0;
  while (!isOver) {
    const beganMs = performance.now();
    const outcome = await runCheck(BESIDE, onPort(NGINX.plain), 30_000);
    longestMs = Math.max(longestMs, performance.now() - beganMs);
    if (outcome.result !== "success") wrong.push(outcome.reason);
  }
  return { wrong, longestMs };
}

test("hostile servers cost bounded memory and time, and delay no other check", async () => {
  const jobs = Object.entries(ports).flatMap(([name, port]) => KINDS.map((method) => ({ name, port, method })));
  expect(jobs.length).toBe(12 * KINDS.length);
  // What the engine loads once is no growth.
  await runCheck(BESIDE, onPort(NGINX.plain), 30_000);
  Bun.gc(true);
  const before = process.memoryUsage().rss;
  let highest = before;
  const deceived: string[] = [];
  const late: string[] = [];
  const attempts = Promise.all(
    jobs.map(async ({ name, port, method }) => {
      const outcome = await runCheck(method, onPort(port), HOSTILE_LIMIT_MS);
      highest = Math.max(highest, process.memoryUsage().rss);
      if (outcome.result === "success") deceived.push(`${method.kind} of ${name}: ${outcome.reason}`);
      if (outcome.elapsedMs > HOSTILE_LIMIT_MS + BESIDE_MS_MAX) late.push(`${method.kind} of ${name}`);
    }),
  );
  const { wrong, longestMs } = await askBeside(attempts);
  await attempts;
  expect({ deceived, late, wrong }).toEqual({ deceived: [], late: [], wrong: [] });
  expect(longestMs).toBeLessThan(BESIDE_MS_MAX);
  expect(highest - before).toBeLessThan(MEMORY_BYTES_MAX);
});
