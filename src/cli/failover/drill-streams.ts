/** Streams of probes from this router to every VIP and to every TCP service, as long as they are not closed. */
import type { Config } from "../../config/keys/config.ts";
import { Reachability } from "../../kernel/filter/reachability.ts";
import { coversAddress, type IpAddress } from "../../model/address.ts";
import type { RouterAddresses } from "../../model/pair.ts";
import { formatServiceKey, type ServiceKey } from "../../model/virtual-service.ts";
import { runCheck } from "../../probe/run-check.ts";
import type { Attempt, StreamKind } from "./drill-figures.ts";

export interface Stream {
  /** `203.0.113.10`, or `web tcp://203.0.113.10:80`. */
  readonly target: string;
  readonly kind: StreamKind;
  readonly attempts: readonly Attempt[];
}

interface OpenAttempt {
  readonly atMs: number;
  answered: boolean | undefined;
  tookMs?: number;
  reason?: string;
}

const ECHO_EVERY_MS = 5;
const CONNECT_EVERY_MS = 20;
/** Of all services together: each of them takes an entry of the kernel's connection table for minutes. */
const CONNECTIONS_PER_SECOND_MAX = 200;
/** TCP asks again after 1 s and after 2 s more (RFC 6298): what a client would wait for is not lost. */
const CONNECT_TIMEOUT_MS = 4000;
const GRACE_MS = CONNECT_TIMEOUT_MS + 100;
/** A drill that somebody left running forgets nothing, and ends. */
const ATTEMPTS_MAX = 200_000;

class RunningStream implements Stream {
  readonly attempts: OpenAttempt[] = [];
  readonly target: string;
  readonly kind: StreamKind;

  constructor(target: string, kind: StreamKind) {
    this.target = target;
    this.kind = kind;
  }

  begin(): OpenAttempt | undefined {
    if (this.attempts.length >= ATTEMPTS_MAX) return undefined;
    const attempt: OpenAttempt = { atMs: performance.now(), answered: undefined };
    this.attempts.push(attempt);
    return attempt;
  }
}

/** The own address on the network of a VIP: with the VIP itself as source, a connection would end when it moves. */
function sourceFor(target: IpAddress, config: Config, own: RouterAddresses): IpAddress | undefined {
  const vip = config.vips.find(({ prefix }) => prefix.address.text === target.text);
  const near = [own.public, own.private].find(
    (address) =>
      vip !== undefined && address.family === target.family && coversAddress(target, vip.prefix.prefixLength, address),
  );
  return near ?? [own.public, own.private].find((address) => address.family === target.family);
}

function isConnectable(key: ServiceKey): boolean {
  return key.kind === "address" && key.protocol === "tcp" && key.port > 0;
}

export class DrillStreams implements Disposable {
  readonly streams: readonly Stream[];
  /** What can't be probed: a service that is not TCP, a VIP of a family in which this router has no address. */
  readonly skipped: readonly string[];
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  readonly #reachability: Reachability;
  readonly #asked: OpenAttempt[] = [];

  private constructor(config: Config, own: RouterAddresses) {
    this.#reachability = Reachability.open({ onAnswer: ({ tag }) => this.#hear(tag) });
    const echoes = config.vips.map(({ prefix: { address } }) => ({
      address,
      source: sourceFor(address, config, own),
    }));
    const services = config.services.flatMap(({ name, listen }) =>
      listen.map(({ key }) => ({ name: `${name} ${formatServiceKey(key)}`, key })),
    );
    const connectable = services.filter(({ key }) => isConnectable(key));
    const everyMs = Math.max(CONNECT_EVERY_MS, (1000 * connectable.length) / CONNECTIONS_PER_SECOND_MAX);
    this.streams = [
      ...echoes.flatMap(({ address, source }) => (source === undefined ? [] : [this.#echo(address, source)])),
      ...connectable.flatMap(({ name, key }) =>
        key.kind === "address" ? [this.#connect(name, key, everyMs, sourceFor(key.address, config, own))] : [],
      ),
    ];
    this.skipped = [
      ...echoes.filter(({ source }) => source === undefined).map(({ address }) => address.text),
      ...services.filter(({ key }) => !isConnectable(key)).map(({ name }) => name),
    ];
  }

  /** @throws SyscallError (exit 4) without the right to open raw sockets. */
  static open(config: Config, own: RouterAddresses): DrillStreams {
    return new DrillStreams(config, own);
  }

  /** Begins no further attempt, and waits for the answers on their way. */
  async stop(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    const endMs = performance.now() + GRACE_MS;
    const isOpen = () => this.streams.some(({ attempts }) => attempts.some(({ answered }) => answered === undefined));
    while (isOpen() && performance.now() < endMs) await Bun.sleep(ECHO_EVERY_MS);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#reachability.close();
  }

  #echo(target: IpAddress, source: IpAddress): Stream {
    const stream = new RunningStream(target.text, "echo");
    const ask = () => {
      const attempt = stream.begin();
      if (attempt === undefined) return;
      this.#asked.push(attempt);
      this.#reachability.ask({ source, target, tag: this.#asked.length - 1 });
    };
    this.#timers.push(setInterval(ask, ECHO_EVERY_MS));
    return stream;
  }

  #hear(tag: number): void {
    const attempt = this.#asked[tag];
    if (attempt === undefined) return;
    attempt.answered = true;
    attempt.tookMs = performance.now() - attempt.atMs;
  }

  #connect(
    name: string,
    target: { readonly address: IpAddress; readonly port: number },
    everyMs: number,
    source: IpAddress | undefined,
  ): Stream {
    const stream = new RunningStream(name, "connection");
    const method = { kind: "tcp" as const, ...(source === undefined ? {} : { source }) };
    const attempt = async () => {
      const begun = stream.begin();
      if (begun === undefined) return;
      const { result, reason, elapsedMs } = await runCheck(method, target, CONNECT_TIMEOUT_MS);
      begun.answered = result === "success";
      if (begun.answered) begun.tookMs = elapsedMs;
      else begun.reason = reason;
    };
    this.#timers.push(setInterval(attempt, everyMs));
    return stream;
  }
}
