/** Connections known to both routers: the kernel's sync daemons, their settings, and the full synchronisation. */
import { randomInt } from "node:crypto";
import type { Config } from "../../config/keys/config.ts";
import type { Logger } from "../../log/logger.ts";
import type { PathName, Role } from "../../model/pair.ts";
import type { Heartbeat, SyncAnswer } from "../../wire/heartbeat/heartbeat.ts";
import { wantedSyncDaemons } from "../balancer/balancing.ts";
import type { KernelThread } from "../kernel-thread/kernel-thread.ts";
import type { SideInterfaces } from "../settings/failover-settings.ts";
import { backupOnly, syncSysctls } from "../settings/forwarding.ts";
import type { SysctlKeeper } from "../settings/sysctl-keeper.ts";
import type { SyncStatus } from "../status/sync-status.ts";
import { ConnectionSync, SYNC_LOOK_EVERY_MS } from "../sync/connection-sync.ts";
import { SyncThread } from "../sync/sync-thread.ts";
import type { SyncTarget } from "../sync/sync-thread-protocol.ts";
import type { Router } from "./router.ts";

export interface SynchronisationOptions {
  readonly logger: Logger;
  readonly kernelThread: KernelThread;
  readonly sysctls: SysctlKeeper;
  readonly router: () => Router;
  readonly interfaces: () => SideInterfaces;
  /** Whether the configuration in force has services: without them IPVS is none of ours. */
  readonly hasServices: () => boolean;
  /** 16 hexadecimal digits, the same on both routers. */
  readonly pairId: string;
  readonly now: () => number;
}

/** `backup_only` is looked after this often: settings of all kinds are loaded again by other programs. */
const GUARD_EVERY_MS = 1_000;
/** And the kernel's sync daemons this often: somebody may stop one, and its interface may come later or anew. */
const DAEMONS_EVERY_MS = 10_000;
const NUMBER_LIMIT = 0xffff_ffff;

/** All that rule 10 wants of a router: the kernel's sync daemons and settings, and the full sync beside them. */
export class Synchronisation {
  readonly #options: SynchronisationOptions;
  readonly #timers: Timer[] = [];
  #config: Config | undefined;
  #connections: ConnectionSync | undefined;
  #role: Role | undefined;
  #startedAtMs = Number.NEGATIVE_INFINITY;
  #complaints = "";
  #isEnding = false;

  constructor(options: SynchronisationOptions) {
    this.#options = options;
  }

  /**
   * Starts or changes what the configuration wants. The kernel must have the services by now: entries that arrive
   * before their service are never counted (tried).
   */
  configure(config: Config): void {
    if (config === this.#config) return;
    this.#config = config;
    if (this.#timers.length === 0) {
      this.#timers.push(
        setInterval(() => this.#try(() => this.#guard()), GUARD_EVERY_MS),
        setInterval(() => this.look(), SYNC_LOOK_EVERY_MS),
      );
    }
    const { sysctls } = this.#options;
    sysctls.apply(syncSysctls(config));
    // A daemon has the size of its sockets from when it is started.
    void sysctls.settled().then(() => {
      if (config === this.#config) this.#startDaemons(config);
    });
  }

  /** Before the VIPs are added as active, and after they are gone as standby. */
  setRole(role: Role): void {
    this.#role = role;
    this.#settleBackupOnly();
  }

  /** The role has changed. */
  look(): void {
    this.#try(() => this.#connections?.look());
  }

  /** What the standby's kernel knows, from a heartbeat that the session accepted. */
  hear(answer: SyncAnswer): void {
    this.#try(() => this.#connections?.hear(answer));
  }

  /** A heartbeat with what this router has to say or to ask of connections. */
  complete(path: PathName, heartbeat: Heartbeat): Heartbeat {
    const sync = this.#try(() => this.#connections?.word(path));
    return sync === undefined ? heartbeat : { ...heartbeat, payload: { ...heartbeat.payload, sync } };
  }

  /** Undefined where connections are not synchronised. */
  status(): SyncStatus | undefined {
    return this.#connections?.status();
  }

  /** Nothing new is begun; `done` is called when what was begun is at its end. */
  settle(done: () => void): void {
    this.#isEnding = true;
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#connections === undefined) done();
    else this.#connections.settle(done);
  }

  close(): void {
    this.#connections?.close();
  }

  /** The router does without the full sync rather than without its VIPs: after an error it is begun anew. */
  #try<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#options.logger.error("sync", `connections are not told to the peer for a moment: ${why}`);
      this.#drop();
      return undefined;
    }
  }

  #guard(): void {
    this.#settleBackupOnly();
    const { kernelThread, now } = this.#options;
    const isDue = now() - this.#startedAtMs >= DAEMONS_EVERY_MS && kernelThread.waitingCount === 0;
    if (this.#config !== undefined && isDue) this.#startDaemons(this.#config);
  }

  #settleBackupOnly(): void {
    if (this.#role !== undefined && this.#options.hasServices()) this.#options.sysctls.apply([backupOnly(this.#role)]);
  }

  #startDaemons(config: Config): void {
    if (this.#isEnding) return;
    const { kernelThread, logger, interfaces, now } = this.#options;
    this.#startedAtMs = now();
    const daemons = wantedSyncDaemons(config, interfaces());
    this.#settleConnections(config, daemons[0]?.interface);
    kernelThread.request({ kind: "sync", daemons }, ({ outcomes }) => {
      // The setting is the kernel module's, which may be loaded only now.
      this.#settleBackupOnly();
      const complaints = outcomes.flatMap((outcome) => (outcome.kind === "failed" ? [outcome.reason] : []));
      if (complaints.join() !== this.#complaints) for (const complaint of complaints) logger.error("sync", complaint);
      this.#complaints = complaints.join();
    });
  }

  #settleConnections(config: Config, interfaceName: string | undefined): void {
    if (interfaceName === undefined) {
      this.#drop();
      return;
    }
    const { group, port, ttl, id } = config.sync;
    const target: SyncTarget = { interface: interfaceName, group, port, ttl, syncId: id };
    if (this.#connections === undefined) this.#connections = this.#open(config, target);
    else this.#connections.configure(config, target);
  }

  /** Planned moves don't wait for connections any more. */
  #drop(): void {
    if (this.#connections === undefined) return;
    this.#connections.close();
    this.#connections = undefined;
    this.#options.router().feed({ kind: "warmth", warmth: undefined });
  }

  #open(config: Config, target: SyncTarget): ConnectionSync {
    const { logger, router, now, pairId } = this.#options;
    const thread = new SyncThread(Number.parseInt(pairId.slice(0, 8), 16), (reason) => {
      // Another one is started when the sync daemons are looked after.
      logger.error("sync", reason);
      this.#drop();
    });
    return new ConnectionSync({
      config,
      target,
      thread,
      firstNumber: randomInt(1, NUMBER_LIMIT),
      logger,
      now,
      state: () => router().state,
      feed: (input) => router().feed(input),
    });
  }
}
