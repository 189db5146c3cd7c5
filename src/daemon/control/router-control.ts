/** What is done with each request of the control socket, and how operators' orders get their answers. */
import type { OperatorCommand } from "../../failover/machine/failover-input.ts";
import { unreachable } from "../../lib/assert.ts";
import type { LogFields } from "../../log/logger.ts";
import type { BalancerReply, BalancerSupervisor, OrderWithoutId } from "../balancer/balancer-supervisor.ts";
import type { AppliedHere } from "../reload/applied-config.ts";
import type { ReloadResult } from "../reload/reload-result.ts";
import type { KeptOrder, Unsaved } from "../status/kept-state.ts";
import type { HeartbeatReport, KeptStatus, StatusReport, TransitionStatus } from "../status/status-report.ts";
import type { ControlClient } from "./control-peer.ts";
import type { ControlLine, ControlRequest } from "./control-protocol.ts";
import { orderWords } from "./order-words.ts";

/** Operators' commands that may wait for their answer at once. */
const COMMANDS_WAITING_MAX = 16;

/** What the control socket's requests are answered from. */
export interface ControlSubject {
  status(withTable: boolean, ready: (make: () => StatusReport) => void): void;
  history(): readonly TransitionStatus[];
  heartbeats(): HeartbeatReport;
  /** The real servers that operators have changed at run time. */
  kept(): readonly KeptStatus[];
  /** Hands the command to the failover machine; its answer comes by `OperatorDesk.answer`. */
  operate(id: number, command: OperatorCommand): void;
  /** Whether such an order, which has just been done, is on the disk; never rejects. */
  unsaved(order: KeptOrder): Promise<Unsaved | undefined>;
  /** Reads the configuration again, soon; `done` is told what came of it. `force`: it may take all VIPs or services away. */
  reload(force: boolean, done: (result: ReloadResult) => void): void;
  /** The configuration in force. */
  applied(): AppliedHere;
  /** A line for the log. */
  note(message: string, fields: LogFields): void;
  readonly balancer: BalancerSupervisor | undefined;
}

type ServerRequest = Extract<ControlRequest, { readonly command: "drain" | "undrain" | "weight" | "keep" }>;
type Reply = (line: ControlLine) => void;

/** What of an operator's command is to outlive the process. */
const KEPT_ORDERS: Readonly<Record<OperatorCommand["kind"], KeptOrder | undefined>> = {
  hold: "shared",
  unhold: "shared",
  release: "release",
  // It ends a release.
  take: "release",
  switch: undefined,
};

/** Where it fails, it fails for the client alone: it is made in a callback of something else. */
function replyWith(make: () => unknown, reply: Reply): void {
  let value: unknown;
  try {
    value = make();
  } catch (error) {
    const reason = `the daemon could not answer: ${error instanceof Error ? error.message : error}`;
    reply({ kind: "refused", reason, exitCode: 1 });
    return;
  }
  reply({ kind: "done", value });
}

/** What the balancer is told of an order for real servers. */
function serverOrder(request: ServerRequest): OrderWithoutId {
  if (request.command === "keep") {
    const { command: kind, service, endpoint: server, order } = request;
    return { kind, service, server, order };
  }
  const { endpoint, service } = request;
  const target = {
    ...(endpoint === undefined ? {} : { server: endpoint }),
    ...(service === undefined ? {} : { service }),
  };
  return request.command === "weight"
    ? { kind: request.command, weight: request.weight, ...target }
    : { kind: request.command, ...target };
}

/** Answers the requests of the control socket. */
export class OperatorDesk {
  readonly #subject: ControlSubject;
  readonly #waiting = new Map<number, { readonly reply: Reply; readonly kept: KeptOrder | undefined }>();
  #lastId = 0;

  constructor(subject: ControlSubject) {
    this.#subject = subject;
  }

  /** The failover machine's final word on a command. */
  answer(id: number, ok: boolean, text: string): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting === undefined) return;
    const { reply, kept } = waiting;
    if (!ok) reply({ kind: "refused", reason: text, exitCode: 3 });
    else if (kept === undefined) reply({ kind: "done", value: { text } });
    else this.#replyWhenKept(kept, text, reply);
  }

  /** Says what was done, and whether it is on the disk. */
  #replyWhenKept(kept: KeptOrder, text: string | undefined, reply: Reply): void {
    void this.#subject.unsaved(kept).then((unsaved) => {
      if (unsaved === undefined) reply({ kind: "done", value: text === undefined ? {} : { text } });
      else {
        const whole = `${text ?? "done"}, ${unsaved.text}`;
        reply({ kind: "done", value: { text: whole, unsaved: unsaved.reason } });
      }
    });
  }

  /** Something that those who wait for a planned move may want to read. */
  tell(message: string): void {
    for (const { reply } of this.#waiting.values()) reply({ kind: "progress", message });
  }

  /** Answers a request; an order is logged with who gave it, and once more where it is refused. */
  handle(request: ControlRequest, reply: Reply, client: () => ControlClient): void {
    const words = orderWords(request);
    if (words === undefined) {
      this.#handle(request, reply);
      return;
    }
    const fields = { ...client() };
    this.#subject.note(`an operator's order: ${words}`, fields);
    this.#handle(request, (line) => {
      if (line.kind === "refused") this.#subject.note(`refused: ${words}: ${line.reason}`, fields);
      reply(line);
    });
  }

  #handle(request: ControlRequest, reply: Reply): void {
    switch (request.command) {
      case "status":
        this.#subject.status(true, (make) => replyWith(make, reply));
        return;
      case "history":
        reply({ kind: "done", value: { version: 1, transitions: this.#subject.history() } });
        return;
      case "heartbeats":
        reply({ kind: "done", value: this.#subject.heartbeats() });
        return;
      case "kept":
        reply({ kind: "done", value: { version: 1, kept: this.#subject.kept() } });
        return;
      case "checks":
        this.#ask(reply, (balancer, answer) => balancer.query({ kind: "checks" }, answer));
        return;
      case "switch":
      case "release":
        this.#operate({ kind: request.command }, reply);
        return;
      case "take":
        this.#operate({ kind: "take", force: request.force }, reply);
        return;
      case "hold":
        this.#operate({ kind: request.on ? "hold" : "unhold" }, reply);
        return;
      case "reload":
        this.#subject.reload(request.force, (result) => reply({ kind: "done", value: { version: 1, ...result } }));
        return;
      case "applied":
        reply({ kind: "done", value: { version: 1, ...this.#subject.applied() } });
        return;
      case "drain":
      case "undrain":
      case "weight":
      case "keep":
        this.#ask(
          reply,
          (balancer, answer) => balancer.order(serverOrder(request), answer),
          () => this.#replyWhenKept("shared", undefined, reply),
        );
        return;
      default:
        unreachable(request);
    }
  }

  #operate(command: OperatorCommand, reply: Reply): void {
    if (this.#waiting.size >= COMMANDS_WAITING_MAX) {
      reply({ kind: "refused", reason: "too many commands wait already", exitCode: 1 });
      return;
    }
    this.#lastId += 1;
    this.#waiting.set(this.#lastId, { reply, kept: KEPT_ORDERS[command.kind] });
    this.#subject.operate(this.#lastId, command);
  }

  #ask(
    reply: Reply,
    ask: (balancer: BalancerSupervisor, answer: (reply: BalancerReply) => void) => void,
    done = () => reply({ kind: "done", value: {} }),
  ): void {
    const balancer = this.#subject.balancer;
    if (balancer === undefined) {
      reply({ kind: "refused", reason: "this configuration has neither services nor gates", exitCode: 2 });
      return;
    }
    ask(balancer, (answer) => {
      if (answer.kind === "refused") reply({ kind: "refused", reason: answer.reason, exitCode: 1 });
      else if (answer.kind === "done") done();
      else reply({ kind: "done", value: { version: 1, ...answer.answer } });
    });
  }
}
