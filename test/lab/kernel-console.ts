/**
 * What the user-mode kernel wrote on its own console. Of interest only when it ended by itself: then the one line that
 * tells why, in front of everything else; never the pages of trace that follow it.
 */

/** How the kernel's process ended. */
export interface KernelEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Where the memory of the kernel is: in a file of that folder. */
export interface KernelMemory {
  readonly mebibytes: number;
  readonly folder: string;
}

/** Enough for a boot's messages and a panic with its call trace. */
const LIMIT_BYTES = 64 * 1024;
/** How much of what it said besides is worth reading. */
const CONTEXT_LINES = 8;

/** Registers, stack and calls (show_stack and show_regs of arch/um). */
const TRACE =
  /^\s*(?:Stack:|Call Trace:|\[?<[0-9a-f]+>|[0-9a-f]{8}\b|(?:CPU|PID|RIP|RSP|RAX|RDX|RSI|RBP|R\d\d|EAX|EIP|Modules linked)\b)/;
/** Said at each boot, and at each end. */
const ALWAYS_SAID =
  /^(?:SELinux:|mmapper_init|Failed to initialize ubd|zswap:|sysrq: Power Off|reboot: Power down|Core dump limits|Checking |\s*$)/;

/** What names the cause, the surest first, and the sentence that is made of it. */
const CAUSES: readonly (readonly [RegExp, (found: string, memory: KernelMemory) => string])[] = [
  // uml-init.sh's own words.
  [/^lab: (.+)$/m, (found) => found],
  [
    /^(Bus error) - the host/m,
    (_, { mebibytes, folder }) =>
      `no memory is left for the user-mode kernel: ${folder} has no room for the ${mebibytes} MiB it may use; ` +
      "TMPDIR names another folder",
  ],
  [
    /must be not mounted (noexec)/,
    (_, { folder }) =>
      `${folder} is mounted noexec, and the user-mode kernel's memory has to be where code can run; ` +
      "TMPDIR names another folder",
  ],
  [/^(Too few physical memory.*)$/m, (found) => `the user-mode kernel does not start: ${found}`],
  [/Kernel panic - not syncing: (.+)$/m, (found) => `the user-mode kernel panicked: ${found}`],
];

export class KernelConsole {
  #text = "";
  readonly #decoder = new TextDecoder();

  add(bytes: Uint8Array): void {
    this.#text = (this.#text + this.#decoder.decode(bytes, { stream: true })).slice(-LIMIT_BYTES);
  }

  /** Why it ended by itself: the cause on the first line, what may help to understand it below. */
  whyEnded(end: KernelEnd, memory: KernelMemory): string {
    const text = this.#text.replaceAll("\r", "");
    for (const [pattern, sentence] of CAUSES) {
      const found = pattern.exec(text)?.[1];
      if (found === undefined) continue;
      const cause = sentence(found.trim(), memory);
      return [cause, ...(pattern.source.startsWith("^lab") ? [] : context(text, found))].join("\n");
    }
    const how = end.signal === null ? `ended with ${end.code} by itself` : `was ended by ${end.signal}`;
    const words = context(text, undefined);
    const last = words.pop();
    return [`the user-mode kernel ${how}${last === undefined ? ", and said nothing" : `: ${last}`}`, ...words].join(
      "\n",
    );
  }

  /** What lack of memory did to the processes inside: without this there is only an exit status of 137. */
  memoryWarnings({ mebibytes }: KernelMemory): string[] {
    // mm/oom_kill.c, __oom_kill_process
    const ended = [...this.#text.matchAll(/Out of memory: Killed process \d+ \(([^)]*)\)/g)].map(([, name]) => name);
    // arch/um/kernel/skas/mmu.c and tlb.c: each page that lies alone is a mapping of its own.
    const refused = this.#text.includes("UML ran out of memory on the host side!");
    return [
      ...(ended.length === 0
        ? []
        : [`the ${mebibytes} MiB of the lab's kernel were used up, and it killed ${ended.join(", ")}`]),
      ...(refused
        ? ["this machine refused memory to a process of the lab, which was killed: see vm.max_map_count and ulimit -v"]
        : []),
    ];
  }
}

/** The last lines that are neither trace nor said every time, up to the cause. */
function context(text: string, cause: string | undefined): string[] {
  const until = cause === undefined ? text.length : text.indexOf(cause);
  const lines = text.slice(0, until).split("\n");
  if (cause !== undefined) lines.pop();
  return lines.filter((line) => !TRACE.test(line) && !ALWAYS_SAID.test(line)).slice(-CONTEXT_LINES);
}
