/** The daemon's report for people. */
import type {
  PathStatus,
  PeerStatus,
  ServerStatus,
  ServiceStatus,
  StatusReport,
  TransitionStatus,
  VipStatus,
} from "../../daemon/status/status-report.ts";
import { formatSpan } from "../../model/duration.ts";
import type { Tone } from "../output/palette.ts";
import { type Cell, type Column, printable, renderTable, type TableLayout } from "../output/table.ts";
import { wrap } from "../output/wrap.ts";
import { gateLines } from "./gate-lines.ts";

function agoText(ms: number | null): string {
  return ms === null ? "never" : `${formatSpan(ms)} ago`;
}

const ROLE_TONES: Readonly<Record<string, Tone>> = { active: "good", standby: "strong", unknown: "warn" };

function roleCell(role: string): Cell {
  return { text: role, tone: ROLE_TONES[role] ?? "warn" };
}

const ROUTER_COLUMNS: readonly Column[] = [
  { header: "ROUTER" },
  { header: "WHICH", dropOrder: 3 },
  { header: "ROLE" },
  { header: "TERM", align: "right", dropOrder: 2 },
  { header: "STATE", flexible: true },
];

function peerState(peer: PeerStatus): Cell {
  if (peer.heardMsAgo === null) return { text: "not heard yet", tone: "bad" };
  if (!peer.alive) return { text: `silent, last heard ${agoText(peer.heardMsAgo)}`, tone: "bad" };
  const config = peer.sameConfig === false ? ", other configuration" : "";
  const text = `heard ${agoText(peer.heardMsAgo)}${config}`;
  return config === "" ? text : { text, tone: "warn" };
}

function routerLines({ router, peer }: StatusReport, layout: TableLayout): string[] {
  const held = router.held ? ", fail-back held" : "";
  // An older daemon tells only since when it has had its role.
  const { doing, doingSinceMs = router.sinceMs } = router;
  const state = `${doing}${doingSinceMs === null ? "" : ` for ${formatSpan(doingSinceMs)}`}${held}`;
  const rows: Cell[][] = [
    [
      `${router.name} (here)`,
      router.id,
      roleCell(router.role),
      String(router.term),
      held === "" ? state : { text: state, tone: "warn" },
    ],
    [peer.name, peer.id, roleCell(peer.alive ? peer.role : "unknown"), String(peer.term), peerState(peer)],
  ];
  return renderTable(ROUTER_COLUMNS, rows, layout);
}

const PATH_COLUMNS: readonly Column[] = [
  { header: "PATH" },
  { header: "INTERFACE" },
  { header: "STATE" },
  { header: "HEARD" },
  { header: "HEARD BY PEER", dropOrder: 1 },
  { header: "REFUSED PACKETS", dropOrder: 2, hideEmpty: true },
];

function pathState(path: PathStatus): Cell {
  if (!path.carrier) return { text: "no carrier", tone: "bad" };
  return path.up ? { text: "up", tone: "good" } : { text: "down", tone: "bad" };
}

/**
 * What happens in a network that is well: routers that start say hello first, switches send a frame twice, and a packet is
 * older than the one that came before it. While the path is up these are history.
 */
const USUAL_REFUSALS: readonly string[] = ["no-echo", "replayed-counter", "old-boot", "stale-echo"];
/** More of one kind than this, as a share of those that counted, is worth a look all the same. */
const USUAL_SHARE = 0.01;

function isUsual(path: PathStatus, reason: string, count: number): boolean {
  return path.up && USUAL_REFUSALS.includes(reason) && count <= Math.max(10, path.accepted * USUAL_SHARE);
}

function pathRow(path: PathStatus): Cell[] {
  const refused = Object.entries(path.refused)
    .filter(([reason, count]) => count > 0 && !isUsual(path, reason, count))
    .map(([reason, count]) => `${count} ${reason}`)
    .join(", ");
  return [
    path.path,
    path.interface,
    pathState(path),
    agoText(path.heardMsAgo),
    agoText(path.peerHeardMsAgo),
    { text: refused, tone: "warn" },
  ];
}

/** The two paths as a table. */
export function pathLines(paths: readonly PathStatus[], layout: TableLayout): string[] {
  return renderTable(PATH_COLUMNS, paths.map(pathRow), layout);
}

const VIP_COLUMNS: readonly Column[] = [
  { header: "VIP" },
  { header: "INTERFACE" },
  { header: "OWNER" },
  { header: "LEASE LEFT", align: "right", dropOrder: 1, hideEmpty: true },
  { header: "CONFIRMED BY", flexible: true, dropOrder: 2, hideEmpty: true },
  { header: "UNFIT", hideEmpty: true },
];

/** Which routers could not serve it; the warnings say why. */
function unfitCell({ unfit }: VipStatus, names: Readonly<Record<string, string>>): Cell {
  const routers = Object.entries(unfit).filter(([, why]) => why !== null);
  return { text: routers.map(([id]) => names[id] ?? id).join(", "), tone: "bad" };
}

function confirmedCell({ confirmed, confirmable, contestedBy, leaseLeftMs }: VipStatus): Cell {
  if (typeof contestedBy === "string") return { text: `${contestedBy} has it too`, tone: "bad" };
  if (confirmed !== null || leaseLeftMs === null) return confirmed ?? "";
  return confirmable ? "nobody yet" : "nobody to ask";
}

function vipRow(vip: VipStatus, report: StatusReport): Cell[] {
  const { router, peer } = report;
  const names: Readonly<Record<string, string>> = { [router.id]: router.name, [peer.id]: peer.name };
  const isWrong = vip.owner === "both" || vip.owner === "nobody";
  const owner = names[vip.owner] ?? vip.owner;
  return [
    vip.address,
    vip.label ?? vip.interface,
    isWrong ? { text: owner, tone: "bad" } : owner,
    vip.leaseLeftMs === null ? "" : formatSpan(vip.leaseLeftMs),
    confirmedCell(vip),
    unfitCell(vip, names),
  ];
}

const SERVICE_COLUMNS: readonly Column[] = [
  { header: "SERVICE / REAL SERVER" },
  { header: "STATE" },
  { header: "FOR", dropOrder: 2 },
  { header: "WEIGHT", align: "right" },
  { header: "ACTIVE", align: "right", dropOrder: 3 },
  { header: "REASON", flexible: true, dropOrder: 1 },
];

const STATE_TONES: Readonly<Record<ServerStatus["state"], Tone>> = {
  up: "good",
  down: "bad",
  unknown: "warn",
  drained: "warn",
  unchecked: "dim",
  removed: "warn",
};

/** `up, added`: not as configured. */
function stateCell({ state, kept }: ServerStatus): Cell {
  const isAsConfigured = kept === null || kept === undefined || kept === "removed";
  return { text: isAsConfigured ? state : `${state}, ${kept}`, tone: STATE_TONES[state] };
}

function serviceRows(service: ServiceStatus): Cell[][] {
  const up = service.servers.filter(({ state }) => state === "up" || state === "unchecked").length;
  const title = `${service.name} ${service.listen.join(" ")} ${service.scheduler}`;
  const total = service.servers.filter(({ state }) => state !== "removed").length;
  const summary = `${up} of ${total} up`;
  const tone = up === 0 ? "bad" : up < total ? "warn" : "good";
  return [
    [
      { text: title, tone: "strong" },
      { text: summary, tone },
    ],
    ...service.servers.map((server): Cell[] => [
      `  ${server.address}`,
      stateCell(server),
      server.sinceMs === null ? "" : formatSpan(server.sinceMs),
      String(server.weight),
      server.activeConnections === null ? "" : String(server.activeConnections),
      server.reason,
    ]),
  ];
}

const TRANSITION_COLUMNS: readonly Column[] = [
  { header: "TRANSITIONS" },
  { header: "CHANGE" },
  { header: "TERM", align: "right", dropOrder: 1 },
  { header: "WHY", flexible: true },
];

/** Past transitions as a table, newest first. */
export function transitionLines(transitions: readonly TransitionStatus[], layout: TableLayout): string[] {
  const rows = transitions.map((entry): Cell[] => [
    agoText(entry.agoMs),
    `${entry.from} → ${entry.to}`,
    String(entry.term),
    entry.why,
  ]);
  return renderTable(TRANSITION_COLUMNS, rows, layout);
}

/** How many transitions `status` shows; `failover history` shows more. */
const TRANSITIONS_SHOWN = 3;

const INDENT = "  ";

/** What is wrong, in words; a long sentence goes on, indented, in the next line. */
function warningLines(warnings: readonly string[], { palette, widthColumns }: TableLayout): string[] {
  if (warnings.length === 0) return [];
  const lines = warnings.flatMap((warning) => {
    const [first = "", ...rest] =
      widthColumns === undefined
        ? [printable(warning)]
        : wrap(printable(warning), Math.max(FLOW_WIDTH_MIN, widthColumns - 2 * INDENT.length));
    return [`${INDENT}${palette("warn", first)}`, ...rest.map((line) => `${INDENT}${INDENT}${palette("warn", line)}`)];
  });
  return ["", palette("strong", "WARNINGS"), ...lines];
}

/** Sentences are not broken into narrower columns than this. */
const FLOW_WIDTH_MIN = 30;

function nextLines({ router, sync }: StatusReport, { widthColumns }: TableLayout): string[] {
  const texts = [`next: ${printable(router.next)}`, ...(sync === null ? [] : [printable(sync.text)])];
  return widthColumns === undefined
    ? texts
    : texts.flatMap((text) => wrap(text, Math.max(FLOW_WIDTH_MIN, widthColumns)));
}

/** Routers, warnings, paths, VIPs and gates: what `failover status` shows as well. */
export function pairLines(report: StatusReport, layout: TableLayout): string[] {
  const vips = report.vips.map((vip) => vipRow(vip, report));
  return [
    ...routerLines(report, layout),
    ...nextLines(report, layout),
    ...warningLines(report.warnings, layout),
    "",
    ...pathLines(report.paths, layout),
    ...(vips.length === 0 ? [] : ["", ...renderTable(VIP_COLUMNS, vips, layout)]),
    ...(report.gates.length === 0 ? [] : ["", ...gateLines(report.gates, layout)]),
  ];
}

/** The whole report. */
export function statusLines(report: StatusReport, layout: TableLayout): string[] {
  const services = report.services.flatMap(serviceRows);
  const transitions = report.transitions.slice(0, TRANSITIONS_SHOWN);
  return [
    ...pairLines(report, layout),
    ...(services.length === 0 ? [] : ["", ...renderTable(SERVICE_COLUMNS, services, layout)]),
    ...(transitions.length === 0 ? [] : ["", ...transitionLines(transitions, layout)]),
  ];
}

/** What the exit code says: 3 when no router is active or both are, and while clients notice something. */
export function stateExitCode({ router, peer, alarms }: StatusReport): 0 | 3 {
  if (alarms.length > 0) return 3;
  const actives = [router.role, peer.alive ? peer.role : "unknown"].filter((role) => role === "active").length;
  return actives === 1 ? 0 : 3;
}
