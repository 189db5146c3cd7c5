import { describe, expect, test } from "bun:test";
import { isBalancing, ServicesClaim } from "../../../../src/daemon/host/services-claim.ts";
import { TandemError } from "../../../../src/lib/errors.ts";

/** A name that no router has and no other run of these tests. */
const NAME = `tandem-test-${process.pid}`;

describe("ServicesClaim", () => {
  test("is one router's at a time, and names it to the second", () => {
    const first = new ServicesClaim(NAME);
    const second = new ServicesClaim(NAME);
    first.take("start");
    expect(isBalancing(NAME)).toBe(true);
    expect(() => second.take("start")).toThrow(
      new TandemError({
        operation: "start",
        reason: `another tandem with services runs in this network namespace (process ${process.pid}): there is one IPVS table, one backup_only and one pair of sync daemons, over which two would fight`,
      }),
    );
    first.release();
    expect(isBalancing(NAME)).toBe(false);
    second.take("reload");
    expect(() => first.take("start")).toThrow("another tandem with services");
    second.release();
  });

  test("may be taken again by who has it", () => {
    const claim = new ServicesClaim(NAME);
    claim.take("start");
    claim.take("reload");
    claim.release();
    expect(isBalancing(NAME)).toBe(false);
    claim.release();
  });

  test("is refused however often it was asked for", () => {
    const claim = new ServicesClaim(NAME);
    claim.take("start");
    const other = new ServicesClaim(NAME);
    // More often than the kernel lets somebody ask who has it.
    for (let attempt = 0; attempt < 200; attempt += 1) expect(() => other.take("start")).toThrow(TandemError);
    expect(isBalancing(NAME)).toBe(true);
    claim.release();
    other.take("start");
    other.release();
  });

  test("ends with the process that has it, however that ends", async () => {
    const script = `
      import { ServicesClaim } from "${import.meta.dir}/../../../../src/daemon/host/services-claim.ts";
      new ServicesClaim("${NAME}").take("start");
      process.stdout.write("taken");
      setInterval(() => {}, 1000);
    `;
    await using holder = Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    await holder.stdout.getReader().read();
    expect(() => new ServicesClaim(NAME).take("start")).toThrow(`(process ${holder.pid})`);
    holder.kill("SIGKILL");
    await holder.exited;
    const claim = new ServicesClaim(NAME);
    claim.take("start");
    claim.release();
  });
});
