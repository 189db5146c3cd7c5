/** That only one router balances in a network namespace. */
import { TandemError } from "../../lib/errors.ts";
import { closeFd, type Fd } from "../../sys/libc/fd.ts";
import { claimName, nameHolder } from "../../sys/sockets/abstract-name.ts";

/** Stays the same in all versions, so that they see each other. */
const NAME = "tandem-services";

/**
 * The right to balance in this network namespace, which one router has at a time: the kernel has one IPVS table there, one
 * `backup_only` and one pair of sync daemons, over which two would fight.
 */
export class ServicesClaim {
  #fd: Fd | undefined;
  readonly #name: string;

  /** @param name another one in tests */
  constructor(name = NAME) {
    this.#name = name;
  }

  /**
   * Takes it, where it is not ours already.
   * @param operation what needs it: `start`
   * @throws TandemError when another router has it, SyscallError
   */
  take(operation: string): void {
    if (this.#fd !== undefined) return;
    const claim = claimName(this.#name);
    if (claim.kind === "claimed") {
      this.#fd = claim.fd;
      return;
    }
    const who = claim.processId === undefined ? "" : ` (process ${claim.processId})`;
    throw new TandemError({
      operation,
      reason:
        `another tandem with services runs in this network namespace${who}: ` +
        "there is one IPVS table, one backup_only and one pair of sync daemons, over which two would fight",
      hint: "move the services into one configuration, or run one of the two in a network namespace of its own; a pair without services can run beside it",
    });
  }

  /** Lets go of it. */
  release(): void {
    if (this.#fd !== undefined) closeFd(this.#fd);
    this.#fd = undefined;
  }
}

/** Whether a router balances in this network namespace now. @throws SyscallError */
export function isBalancing(name = NAME): boolean {
  return nameHolder(name) !== undefined;
}
