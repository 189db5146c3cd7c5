import type { OperatorCommand } from "../failover/input.ts";
import { unreachable } from "../lib/assert.ts";
import type { BalancerReply, BalancerSupervisor } from "./balancer-supervisor.ts";
import type { ControlLine, ControlRequest } from "./control-protocol.ts";
import type { ReloadResult } from "./reload-queue.ts";
import type { HeartbeatReport, StatusReport, TransitionStatus } from "./status-report.ts";

/** Operators' commands that may wait for their answer at once. */
const COMMANDS_WAITING_MAX = 16;

/** What the control socket's requests are answered from. */
export interface ControlSubject {
  status(withTable: boolean, ready: (report: StatusReport) => void): void;
  history(): readonly TransitionStatus[];
  heartbeats(): HeartbeatReport;
  /** Hands the command to the failover machine; its answer comes by `OperatorDesk.answer`. */
  operate(id: number, command: OperatorCommand): void;
  /** Reads the configuration again, soon; `done` is told what came of it. */
  reload(done: (result: ReloadResult) => void): void;
  readonly balancer: BalancerSupervisor | undefined;
}

type Reply = (line: ControlLine) => void;

/** Answers the requests of the control socket. */
export class OperatorDesk {
  readonly #subject: ControlSubject;
  readonly #waiting = new Map<number, Reply>();
  #lastId = 0;

  constructor(subject: ControlSubject) {
    this.#subject = subject;
  }

  /** The failover machine's final word on a command. */
  answer(id: number, ok: boolean, text: string): void {
    const reply = this.#waiting.get(id);
    this.#waiting.delete(id);
    reply?.(ok ? { kind: "done", value: { text } } : { kind: "refused", reason: text, exitCode: 3 });
  }

  /** Something that those who wait for a planned move may want to read. */
  tell(message: string): void {
    for (const reply of this.#waiting.values()) reply({ kind: "progress", message });
  }

  handle(request: ControlRequest, reply: Reply): void {
    switch (request.command) {
      case "status":
        this.#subject.status(true, (report) => reply({ kind: "done", value: report }));
        return;
      case "history":
        reply({ kind: "done", value: { version: 1, transitions: this.#subject.history() } });
        return;
      case "heartbeats":
        reply({ kind: "done", value: this.#subject.heartbeats() });
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
        this.#subject.reload(({ ok, text }) =>
          reply(ok ? { kind: "done", value: { text } } : { kind: "refused", reason: text, exitCode: 2 }),
        );
        return;
      case "drain":
      case "undrain":
      case "weight": {
        const { endpoint, service } = request;
        const target = { server: endpoint, ...(service === undefined ? {} : { service }) };
        const order =
          request.command === "weight"
            ? { kind: request.command, weight: request.weight, ...target }
            : { kind: request.command, ...target };
        this.#ask(reply, (balancer, answer) => balancer.order(order, answer));
        return;
      }
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
    this.#waiting.set(this.#lastId, reply);
    this.#subject.operate(this.#lastId, command);
  }

  #ask(reply: Reply, ask: (balancer: BalancerSupervisor, answer: (reply: BalancerReply) => void) => void): void {
    const balancer = this.#subject.balancer;
    if (balancer === undefined) {
      reply({ kind: "refused", reason: "this configuration has no services", exitCode: 2 });
      return;
    }
    ask(balancer, (answer) => {
      if (answer.kind === "refused") reply({ kind: "refused", reason: answer.reason, exitCode: 1 });
      else if (answer.kind === "done") reply({ kind: "done", value: {} });
      else reply({ kind: "done", value: { version: 1, ...answer.answer } });
    });
  }
}
