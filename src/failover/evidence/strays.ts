/** Frames for the VIPs that still reach their old owner: it reports them, and the new one announces again (rule 8). */
import { confirmedVips } from "../machine/lease.ts";
import type { State } from "../machine/state.ts";
import type { Stray } from "../machine/state-parts.ts";
import type { Turn } from "../machine/turn.ts";

/** For how long the peer is told of one. */
const TELL_MS = 1_000;
/** The new owner answers it with an announcement at most this often. */
const ANNOUNCE_GAP_MS = 1_000;
/** For how long a warning names it. */
export const STRAY_SHOWN_MS = 60_000;

/** A frame for a VIP came in here, some time after this router gave it up. */
export function onStrayFrame(turn: Turn, frame: Omit<Stray, "atMs">): void {
  const { phase, stray } = turn.state;
  if (phase.kind !== "standby") return;
  const isNew = stray?.mac !== frame.mac || turn.now - stray.atMs >= STRAY_SHOWN_MS;
  const { address, mac, source } = frame;
  turn.set({ stray: { address, mac, source, atMs: turn.now } });
  if (!isNew) return;
  const seconds = ((turn.now - phase.sinceMs) / 1_000).toFixed(1);
  const text = `${mac} still sends frames for ${address.text} here (from ${source.text}), ${seconds} s after the VIP left`;
  turn.notice("warn", "stray-frames", text);
  turn.tell = true;
}

/** Whether the peer is to know. */
export function isStrayTold({ stray, phase }: State, nowMs: number): boolean {
  return phase.kind === "standby" && stray !== undefined && nowMs - stray.atMs < TELL_MS;
}

/** The old owner says that some neighbour has not learnt the new one. */
export function hearStrays(turn: Turn): void {
  const { phase, peer, strayAnsweredAtMs = -Infinity } = turn.state;
  if (phase.kind !== "active" || peer?.says.strays !== true || turn.now - strayAnsweredAtMs < ANNOUNCE_GAP_MS) return;
  turn.set({ strayAnsweredAtMs: turn.now });
  turn.cause("stray-frames", "frames for the VIPs still reach the peer: they are announced again");
  turn.emit({ kind: "announce", vips: confirmedVips(turn.state), unicast: true });
}
