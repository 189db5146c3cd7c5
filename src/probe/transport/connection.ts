import type { Socket, TCPSocketConnectOptions, TLSOptions } from "bun";
import { addressBytes, type Endpoint } from "../../model/address.ts";
import type { ProbeOutcome } from "../../model/health-check.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import { errnoName } from "../../sys/libc/errno.ts";
import type { Route } from "../../sys/sockets/route-options.ts";
import { internetSocketAddress } from "../../sys/sockets/socket-address.ts";
import { startTcpConnection } from "../../sys/sockets/tcp-socket.ts";
import { nameProblem } from "./certificate.ts";
import { CONTINUE, type Dialogue, type Judgement, type Step } from "./dialogue.ts";
import { connectionFailure, failure, localFailure, success } from "./outcome.ts";
import { plainConnections } from "./plain-connections.ts";
import { formatElapsed } from "./probe-text.ts";
import type { Trace } from "./trace.ts";

/** What TLS should be like; the certificate is judged by `verify`, with `serverName` as the name that it must bear. */
export interface TlsSettings {
  readonly serverName: string;
  readonly verify: boolean;
  /** Certificates of authorities, PEM; absent: those of the system. */
  readonly authorities?: string;
  /** What the server gets when it asks for a certificate, PEM; both or none. */
  readonly certificate?: string;
  readonly key?: string;
  /** The one protocol to agree on within TLS: `h2`. */
  readonly protocol?: string;
  /** What to warn of in a certificate that is accepted, by the end of its validity. */
  readonly warningOf?: (validTo: string) => string | undefined;
}

/** How a conversation is held, besides what is said. */
export interface ConverseOptions {
  readonly timeoutMs: number;
  readonly tls?: TlsSettings;
  /** TLS begins where the dialogue asks for it, instead of at once. */
  readonly isTlsLater?: boolean;
  readonly route?: Route;
  readonly trace?: Trace;
}

interface SecureOptions extends ConverseOptions {
  readonly tls: TlsSettings;
}

/**
 * Before a timeout is believed, the event loop gets this one more turn to deliver what has arrived: after a stall of
 * our own, timers run before sockets are read.
 */
const LAST_CHANCE_MS = 2;

/** What the engine says of a certificate that is valid, but for another name. */
const OTHER_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

/** What is wrong with a finished handshake, if anything: a certificate counts only where it is to be verified. */
function tlsProblem(error: unknown, verify: boolean): string | undefined {
  if (error === null || error === undefined) return undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (codeOf(error) === "ECONNRESET") return "the server ended the TLS handshake";
  // BoringSSL's own errors: error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER.
  const protocol = /^error:[0-9a-f]+:[^:]*:[^:]*:(.*)$/i.exec(message);
  if (protocol !== null) return `the TLS handshake failed: ${protocol[1]}`;
  return verify ? `the certificate is refused: ${message}` : undefined;
}

type Phase = "connecting" | "handshaking" | "talking" | "over";

/** One connection of one probe with TLS in it. It ends in exactly one outcome, and closes its descriptor in every case. */
class Attempt {
  readonly #dialogue: Dialogue;
  readonly #options: SecureOptions;
  readonly #startedMs = monotonicMs();
  readonly #finish: (outcome: ProbeOutcome) => void;
  #phase: Phase = "connecting";
  #prefix = "";
  #socket: Socket<undefined> | undefined;
  #unsent: Uint8Array = new Uint8Array(0);
  /** TLS begins when all is sent. */
  #startsTls = false;
  #isInTheClear = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #warning: string | undefined;

  constructor(dialogue: Dialogue, options: SecureOptions, finish: (outcome: ProbeOutcome) => void) {
    this.#dialogue = dialogue;
    this.#options = options;
    this.#finish = finish;
  }

  start(target: Endpoint): void {
    const begun = startTcpConnection(addressBytes(target.address), target.port, this.#options.route);
    if (begun.kind === "failed") {
      this.#failConnection(errnoName(begun.errno));
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(() => this.#expire(), LAST_CHANCE_MS);
    }, this.#options.timeoutMs);
    const options: TCPSocketConnectOptions<undefined> & { readonly fd: number } = {
      fd: begun.fd,
      hostname: target.address.text,
      port: target.port,
      socket: {
        open: (socket) => {
          this.#socket = socket;
        },
        // With a descriptor that is still connecting, the first "drain" is the moment at which it became writable.
        drain: (socket) => this.#writable(socket),
        data: (socket, bytes) => this.#receiveInTheClear(socket, bytes),
        close: (_socket, error) => this.#closed(error),
        error: (_socket, error) => this.#closed(error),
        end: () => this.#closed(undefined),
      },
    };
    Bun.connect(options).catch((error: unknown) => this.#closed(error));
  }

  #elapsedMs(): number {
    return monotonicMs() - this.#startedMs;
  }

  #writable(socket: Socket<undefined>): void {
    if (this.#phase === "connecting") this.#connected(socket);
    else this.#flush();
  }

  #connected(socket: Socket<undefined>): void {
    this.#options.trace?.("note", `connected after ${formatElapsed(this.#elapsedMs())}`);
    this.#prefix = `connected after ${formatElapsed(this.#elapsedMs())}; `;
    if (this.#options.isTlsLater === true) this.#talk();
    else this.#startTls(socket, this.#options.tls);
  }

  #startTls(socket: Socket<undefined>, settings: TlsSettings): void {
    this.#phase = "handshaking";
    this.#isInTheClear = false;
    const tls: TLSOptions & { serverName?: string; ALPNProtocols?: string } = {
      // The handshake is always carried through: its verdict is read below, so that the reason can be told.
      rejectUnauthorized: settings.verify,
      serverName: settings.serverName,
      ...(settings.authorities === undefined ? {} : { ca: settings.authorities }),
      ...(settings.certificate === undefined ? {} : { cert: settings.certificate }),
      ...(settings.key === undefined ? {} : { key: settings.key }),
      // RFC 7301 section 3.1: each name after its length.
      ...(settings.protocol === undefined
        ? {}
        : { ALPNProtocols: `${String.fromCharCode(settings.protocol.length)}${settings.protocol}` }),
    };
    const [, secure] = socket.upgradeTLS<undefined>({
      data: undefined,
      tls,
      socket: {
        handshake: (secured, _completed, error) => this.#agreed(secured, error),
        drain: () => this.#flush(),
        data: (_socket, bytes) => this.#receive(bytes),
        close: (_socket, error) => this.#closed(error),
        error: (_socket, error) => this.#closed(error),
        end: () => this.#closed(undefined),
      },
    });
    this.#socket = secure;
  }

  #agreed(socket: Socket<undefined>, error: unknown): void {
    if (this.#phase !== "handshaking") return;
    const problem = this.#nameProblem(socket, error) ?? tlsProblem(error, this.#options.tls.verify);
    if (problem !== undefined) {
      this.#judge({ kind: "failure", failure: "tls", detail: problem });
      return;
    }
    const { warningOf } = this.#options.tls;
    if (warningOf !== undefined) this.#warning = warningOf(socket.getPeerCertificate().valid_to);
    this.#options.trace?.("note", `TLS after ${formatElapsed(this.#elapsedMs())}`);
    this.#prefix += `TLS after ${formatElapsed(this.#elapsedMs())}; `;
    if (this.#options.isTlsLater !== true) {
      this.#talk();
      return;
    }
    this.#phase = "talking";
    this.#take(this.#dialogue.secured?.() ?? CONTINUE);
  }

  /** What is wrong with the names of a certificate that is to be verified, and is valid as such. */
  #nameProblem(socket: Socket<undefined>, error: unknown): string | undefined {
    const { verify, serverName } = this.#options.tls;
    const isOther = codeOf(error) === OTHER_NAME;
    if (!verify || (error !== null && error !== undefined && !isOther)) return undefined;
    const { subject, subjectaltname: subjectAltName } = socket.getPeerCertificate();
    const problem = nameProblem({ subjectAltName, commonName: [subject?.CN ?? []].flat().at(-1) }, serverName, isOther);
    return problem === undefined ? undefined : `the certificate is refused: ${problem}`;
  }

  #talk(): void {
    this.#phase = "talking";
    this.#send(this.#dialogue.opening);
    this.#take(this.#dialogue.connected());
  }

  #send(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#options.trace?.("sent", bytes);
    this.#unsent = this.#unsent.length === 0 ? bytes : Buffer.concat([this.#unsent, bytes]);
    this.#flush();
  }

  #flush(): void {
    if (this.#phase !== "talking") return;
    const written = this.#unsent.length === 0 ? 0 : (this.#socket?.write(this.#unsent) ?? 0);
    if (written > 0) this.#unsent = this.#unsent.subarray(written);
    if (!this.#startsTls || this.#unsent.length > 0 || this.#socket === undefined) return;
    this.#startsTls = false;
    this.#startTls(this.#socket, this.#options.tls);
  }

  /** The bytes of TLS come by here as well, before they are deciphered. */
  #receiveInTheClear(socket: Socket<undefined>, bytes: Uint8Array): void {
    // What comes before a handshake that is to begin at once is no TLS; the handshake itself says so.
    if (!this.#isInTheClear || this.#options.isTlsLater !== true) return;
    // A server that speaks first may be read before its socket is told to be writable.
    if (this.#phase === "connecting") this.#connected(socket);
    this.#receive(bytes);
  }

  #receive(bytes: Uint8Array): void {
    if (this.#phase !== "talking") return;
    this.#options.trace?.("received", bytes);
    this.#take(this.#dialogue.receive(bytes));
  }

  #take(step: Step): void {
    if (step.kind === "send") {
      this.#startsTls = step.startsTls === true;
      this.#send(step.bytes);
      if (this.#startsTls) this.#flush();
    } else if (step.kind !== "continue") this.#judge(step);
  }

  #closed(error: unknown): void {
    if (this.#phase === "over") return;
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    if (code !== undefined) this.#failConnection(code);
    else if (this.#phase === "talking") this.#judge(this.#dialogue.closed());
    else if (this.#phase === "handshaking") {
      this.#judge({ kind: "failure", failure: "tls", detail: "the server ended the TLS handshake" });
    } else this.#judge({ kind: "failure", failure: "closed", detail: "the server closed at once" });
  }

  #failConnection(code: string): void {
    const known = connectionFailure(code);
    // What the engine makes of an alert after the handshake: with TLS 1.3 a server refuses the client only then.
    if (this.#options.tls !== undefined && code === "EPROTO") {
      const detail = "the server broke TLS off with an alert (does it want a client certificate?)";
      this.#judge({ kind: "failure", failure: "tls", detail });
      return;
    }
    // OpenSSL's errors have codes of their own: ERR_SSL_WRONG_VERSION_NUMBER.
    if (this.#phase === "handshaking" && code.startsWith("ERR_")) {
      this.#judge({ kind: "failure", failure: "tls", detail: `the TLS handshake failed (${code})` });
    } else this.#judge({ kind: "failure", ...known });
  }

  #expire(): void {
    if (this.#phase === "talking") {
      this.#judge(this.#dialogue.expired());
      return;
    }
    const detail =
      this.#phase === "connecting"
        ? `no answer within ${formatElapsed(this.#options.timeoutMs)}`
        : `no TLS handshake within ${formatElapsed(this.#options.timeoutMs)}`;
    this.#judge({ kind: "failure", failure: "timeout", detail });
  }

  #judge(judgement: Judgement): void {
    if (this.#phase === "over") return;
    if (judgement.kind === "success" && judgement.farewell !== undefined) this.#send(judgement.farewell);
    this.#phase = "over";
    clearTimeout(this.#timer);
    const reason = `${this.#prefix}${judgement.detail}`;
    const elapsedMs = this.#elapsedMs();
    if (judgement.kind === "success") {
      this.#socket?.end();
      this.#finish(success(elapsedMs, reason, this.#warning));
    } else {
      // Reset instead of a farewell: what the server still sends is not waited for.
      this.#socket?.terminate();
      this.#finish(failure(elapsedMs, judgement.failure, reason));
    }
  }
}

function converseSecurely(target: Endpoint, dialogue: Dialogue, options: SecureOptions): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const attempt = new Attempt(dialogue, options, resolve);
    try {
      attempt.start(target);
    } catch (error) {
      resolve(localFailure(error));
    }
  });
}

/** Nothing but what the routes say. */
function isPlain({ source, interface: name, mark }: Route): boolean {
  return source === undefined && name === undefined && mark === undefined;
}

function converseInTheClear(
  target: Endpoint,
  dialogue: Dialogue | undefined,
  { timeoutMs, route = {}, trace }: ConverseOptions,
): Promise<ProbeOutcome> {
  return new Promise((done) => {
    plainConnections().begin({
      to: internetSocketAddress(addressBytes(target.address), target.port),
      timeoutMs,
      done,
      ...(dialogue === undefined ? {} : { dialogue }),
      ...(isPlain(route) ? {} : { route }),
      ...(trace === undefined ? {} : { trace }),
    });
  });
}

/**
 * Connects to `target`, holds `dialogue` with it and returns what came of it. Never rejects. The timeout is for all of it
 * together: connecting, TLS, talking.
 */
export function converse(target: Endpoint, dialogue: Dialogue, options: ConverseOptions): Promise<ProbeOutcome> {
  const { tls } = options;
  return tls === undefined
    ? converseInTheClear(target, dialogue, options)
    : converseSecurely(target, dialogue, { ...options, tls });
}

/** Content with the connection, and gives it up at once. Never rejects. */
export function knock(target: Endpoint, options: Omit<ConverseOptions, "tls">): Promise<ProbeOutcome> {
  return converseInTheClear(target, undefined, options);
}
