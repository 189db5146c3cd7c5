/** Echo requests, and who answered. */
import { DecodeError } from "../../lib/errors.ts";
import { addressBytes, type Family, type IpAddress } from "../../model/address.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import { closeFd, type Fd } from "../../sys/libc/fd.ts";
import { processId } from "../../sys/process/process.ts";
import { type Watch, watchDatagrams } from "../../sys/process/readiness.ts";
import { openEchoSocket, sendFrom } from "../../sys/sockets/icmp-socket.ts";
import { leaveBy } from "../../sys/sockets/route-options.ts";
import { drainDatagrams, type SendOutcome } from "../../sys/sockets/socket.ts";
import { decodeEcho, decodeIpv4Echo, encodeEcho, type IcmpEcho } from "../../wire/ethernet/icmp.ts";

/** One echo request. */
export interface EchoQuestion {
  /** The own address it comes from, and that the answer goes to. */
  readonly source: IpAddress;
  /** Of the same family. */
  readonly target: IpAddress;
  /** The interface to leave by; absent: what the routes say. Needed for link-local targets. */
  readonly interfaceIndex?: number;
  /** Comes back with the answer. */
  readonly tag: number;
}

/** The target answered, and the answer arrived here. */
export interface EchoAnswer extends EchoQuestion {
  readonly roundTripMs: number;
  /** IPv4 only: what is left of it. */
  readonly timeToLive?: number;
}

export interface ReachabilityOptions {
  readonly onAnswer: (answer: EchoAnswer) => void;
  /** Only this interface counts: questions leave by it, and answers that come in by another one are not heard. */
  readonly interface?: string;
}

interface Pending {
  readonly question: EchoQuestion;
  readonly askedAtMs: number;
}

/** Questions beyond this many unanswered ones make the oldest forgotten. */
const PENDING_MAX = 4_096;
/** A flood of answers must not hold the loop up. */
const DRAIN_LIMIT = 256;
const SEQUENCES = 0x1_0000;
const TOKEN_BYTES = 8;

/** The sockets of one family. */
class EchoSocket {
  readonly fd: Fd;
  readonly #family: Family;
  readonly #identifier: number;
  readonly #token: Uint8Array;
  readonly #pending = new Map<number, Pending>();
  #sequence = 0;
  #watch: Watch | undefined;

  constructor(family: Family, identifier: number, token: Uint8Array, device: string | undefined) {
    this.#family = family;
    this.#identifier = identifier;
    this.#token = token;
    this.fd = openEchoSocket(family === "inet6", identifier);
    if (device !== undefined) leaveBy(this.fd, { interface: device }, "ask by one interface");
  }

  listen(onAnswer: (answer: EchoAnswer) => void): void {
    this.#watch = watchDatagrams(this.fd, (bytes) => {
      const answer = this.read(bytes);
      if (answer !== undefined) onAnswer(answer);
    });
  }

  ask(question: EchoQuestion): SendOutcome {
    this.#sequence = (this.#sequence + 1) % SEQUENCES;
    const echo: IcmpEcho = {
      kind: "request",
      identifier: this.#identifier,
      sequence: this.#sequence,
      payload: this.#token,
    };
    this.#remember(this.#sequence, { question, askedAtMs: monotonicMs() });
    const [to, source] = [addressBytes(question.target), addressBytes(question.source)];
    return sendFrom(this.fd, encodeEcho(this.#family, echo), to, source, question.interfaceIndex ?? 0);
  }

  /** What an answer belongs to; each question is answered once. */
  read(bytes: Uint8Array): EchoAnswer | undefined {
    try {
      const from = this.#family === "inet" ? decodeIpv4Echo(bytes) : undefined;
      const echo = from?.echo ?? decodeEcho(this.#family, bytes);
      const pending = this.#pending.get(echo.sequence);
      if (pending === undefined || echo.kind !== "reply" || !sameBytes(echo.payload, this.#token)) return undefined;
      const { question, askedAtMs } = pending;
      if (from !== undefined && from.source.text !== question.target.text) return undefined;
      this.#pending.delete(echo.sequence);
      const header = from === undefined ? {} : { timeToLive: from.timeToLive };
      return { ...question, roundTripMs: monotonicMs() - askedAtMs, ...header };
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  }

  close(): void {
    this.#watch?.close();
    closeFd(this.fd);
  }

  #remember(sequence: number, pending: Pending): void {
    this.#pending.delete(sequence);
    const oldest = this.#pending.keys().next();
    if (this.#pending.size >= PENDING_MAX && oldest.done !== true) this.#pending.delete(oldest.value);
    this.#pending.set(sequence, pending);
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/**
 * Asks addresses by ICMP echo from any own address. Asked from a VIP, an answer proves that the answering neighbour's
 * packets for the VIP arrive at this machine. An answer to ARP would prove nothing: it goes to the MAC in the question.
 */
export class Reachability {
  readonly #sockets: Readonly<Record<Family, EchoSocket>>;
  #open = true;

  private constructor(sockets: Readonly<Record<Family, EchoSocket>>, options: ReachabilityOptions) {
    this.#sockets = sockets;
    for (const socket of [sockets.inet, sockets.inet6]) socket.listen(options.onAnswer);
  }

  /** @throws SyscallError (EPERM, exit code 4). */
  static open(options: ReachabilityOptions): Reachability {
    const identifier = processId() % SEQUENCES;
    // Other programs may have the same identifier; nobody guesses this.
    const token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
    const inet = new EchoSocket("inet", identifier, token, options.interface);
    try {
      const inet6 = new EchoSocket("inet6", identifier, token, options.interface);
      return new Reachability({ inet, inet6 }, options);
    } catch (error) {
      inet.close();
      throw error;
    }
  }

  /** Asks once. Never throws for what a network does; EADDRNOTAVAIL or EINVAL when the source is not there. */
  ask(question: EchoQuestion): SendOutcome {
    return this.#sockets[question.target.family].ask(question);
  }

  /** Reads at once the answers that wait in the kernel; `onAnswer` does not get these. */
  drain(): EchoAnswer[] {
    if (!this.#open) return [];
    return [this.#sockets.inet, this.#sockets.inet6].flatMap((socket) =>
      drainDatagrams(socket.fd, DRAIN_LIMIT).flatMap((bytes) => {
        const answer = socket.read(bytes);
        return answer === undefined ? [] : [answer];
      }),
    );
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#sockets.inet.close();
    this.#sockets.inet6.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
