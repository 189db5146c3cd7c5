import { expect, test } from "bun:test";
import fc from "fast-check";
import { IpvsSettingsKeeper, ipvsSysctls } from "../../src/daemon/settings/ipvs-settings.ts";
import { SysctlKeeper } from "../../src/daemon/settings/sysctl-keeper.ts";
import { Logger } from "../../src/log/logger.ts";
import { isSameSetting } from "../../src/model/ipvs-setting.ts";
import { anyConfig } from "../support/config-arbitrary.ts";
import { QuickFile } from "../support/quick-disk.ts";

const SILENT = new Logger({ write: () => {} }, { format: "text", level: "error", now: () => new Date(0) });
const DEFENCES = ["drop_entry", "drop_packet", "secure_tcp"].map((name) => `net/ipv4/vs/${name}`);

/** Settings as a kernel may have them that lacks some: what it was given, or 7 where nobody has said anything. */
class Kernel {
  readonly values = new Map<string, string>();
  readonly #lacking: ReadonlySet<string>;

  constructor(lacking: readonly string[]) {
    this.#lacking = new Set(lacking);
  }

  read(path: string): string | undefined {
    if (this.#lacking.has(path)) return undefined;
    return this.values.get(path) ?? "7";
  }

  write(path: string, value: string) {
    const previous = this.read(path);
    if (previous === undefined) return { kind: "absent" } as const;
    if (previous === value) return { kind: "unchanged" } as const;
    this.values.set(path, value);
    return { kind: "changed", previous } as const;
  }

  /** Memory becomes short, or is no longer. */
  defend(): void {
    for (const path of DEFENCES) {
      const value = this.values.get(path);
      if (value === "1" || value === "2") this.values.set(path, value === "1" ? "2" : "1");
    }
  }
}

type Step =
  | { readonly kind: "config"; readonly index: number }
  | { readonly kind: "somebody"; readonly setting: number; readonly value: string }
  | { readonly kind: "memory" };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("config" as const), index: fc.nat(2) }),
  fc.record({ kind: fc.constant("somebody" as const), setting: fc.nat(5), value: fc.constantFrom("0", "1", "3", "9") }),
  fc.record({ kind: fc.constant("memory" as const) }),
);

test("[ipvs] is in force after each look, whatever happened, and at the end all that nobody else changed is as it was", () => {
  fc.assert(
    fc.property(
      fc.array(anyConfig, { minLength: 3, maxLength: 3 }),
      fc.array(step, { maxLength: 20 }),
      fc.boolean(),
      (configs, steps, isOld) => {
        const kernel = new Kernel(isOld ? ["net/ipv4/vs/est_nice", "net/ipv4/vs/run_estimation"] : []);
        const sysctls = new SysctlKeeper(SILENT, new QuickFile(), {
          read: (path) => kernel.read(path),
          write: (path, value) => kernel.write(path, value),
        });
        const keeper = new IpvsSettingsKeeper(sysctls, SILENT);
        let wanted = ipvsSysctls({ ipvs: {}, services: [] });
        const foreign = new Set<string>();
        for (const one of steps) {
          const config = one.kind === "config" ? configs[one.index] : undefined;
          if (config !== undefined) {
            wanted = ipvsSysctls(config);
            keeper.configure(config);
          } else if (one.kind === "memory") kernel.defend();
          else if (one.kind === "somebody") {
            const path = wanted[one.setting % Math.max(1, wanted.length)]?.path;
            if (path !== undefined && kernel.read(path) !== undefined) kernel.values.set(path, one.value);
          }
          keeper.settle();
          const wrong = wanted.filter(({ path, value }) => {
            const current = kernel.read(path);
            return current !== undefined && !isSameSetting(path, current, value);
          });
          expect(wrong).toEqual([]);
          // Somebody may have set what is wanted anyway; then there is nothing to put right.
          for (const { path, value } of wanted) if (one.kind === "somebody" && one.value === value) foreign.add(path);
        }
        sysctls.restore();
        const left = [...kernel.values].filter(([path, value]) => value !== "7" && !foreign.has(path));
        expect(left).toEqual([]);
      },
    ),
    { numRuns: 200 },
  );
});
