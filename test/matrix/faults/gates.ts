/** A pair in front of a proxy on each router: what the routers find out about it by a gate. */
import { LocalProxy, PROXY_PORT } from "../../lab/parts/local-proxy.ts";
import type { RouterName } from "../../lab/topology.ts";
import { AGREED_MS, type Fault, FOUND_OUT_MS, NOTHING_MS } from "../fault.ts";
import { ECHO_PORT, type Staging, WEB } from "../staging.ts";

const INTERVAL_MS = 200;
const TIMEOUT_MS = 200;
const FALL = 2;
/** Two probes in a row must have failed, by their timeouts at the most; what fails is then judged as any other lack. */
const FAILED_MS = FALL * (INTERVAL_MS + TIMEOUT_MS) + FOUND_OUT_MS;
/** A peer's gate must have passed for 30 s before the VIPs move to it. */
const PASSED_MS = 33_000;
const AFTERWARDS_MS = 5000;

const GATED: Staging = {
  echo: "local-proxies",
  tables: [
    [
      "[[gate]]",
      'name = "proxy"',
      // The kernel of a process that hangs still completes its handshakes: only an answer shows that it works.
      'kind = "send-expect"',
      'send = "ping"',
      'expect = "pong"',
      `target = "127.0.0.1:${PROXY_PORT}"`,
      `interval = "${INTERVAL_MS}ms"`,
      `timeout = "${TIMEOUT_MS}ms"`,
      "rise = 1",
      `fall = ${FALL}`,
      'effect = "hand-over"',
      "",
    ].join("\n"),
  ],
};

type Proxies = Readonly<Record<RouterName, LocalProxy>>;

/** Each router has its proxy from the start; the fault comes when both gates have passed for long enough. */
function gated(name: string, expected: Fault["expected"], fail: (proxies: Proxies) => void): Fault {
  return {
    name,
    kinds: ["namespaces"],
    routers: "down",
    staging: GATED,
    expected,
    async act(stage) {
      const start = async (router: RouterName) =>
        stage.keep(await LocalProxy.start(stage.topology, router, WEB.address, ECHO_PORT));
      let proxies: Proxies | undefined;
      await stage.beforehand(async () => {
        proxies = { lvs1: await start("lvs1"), lvs2: await start("lvs2") };
        await stage.lab.startRouters();
        await stage.settled("lvs1");
        await Bun.sleep(PASSED_MS);
      });
      if (proxies !== undefined) fail(proxies);
      if (expected.owner === "lvs2") await stage.owned("lvs2");
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled(expected.owner === "lvs2" ? "lvs2" : "lvs1");
    },
  };
}

const MOVED: Fault["expected"] = { owner: "lvs2", gapMs: FAILED_MS, twoOwnersMs: AGREED_MS };

export const GATES: readonly Fault[] = [
  gated("a gate: the proxy on the active dies", MOVED, ({ lvs1 }) => lvs1.signal("SIGKILL")),
  gated("a gate: the proxy on the active hangs", MOVED, ({ lvs1 }) => lvs1.signal("SIGSTOP")),
  gated("a gate: the proxy on the standby dies", { owner: "lvs1", gapMs: NOTHING_MS }, ({ lvs2 }) =>
    lvs2.signal("SIGKILL"),
  ),
];
