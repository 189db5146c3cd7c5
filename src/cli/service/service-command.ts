/** The verbs of `service`, each loaded when it is asked for. */
import type { Runner, Runners } from "../line/context.ts";
import type { service as spec } from "../spec/service-spec.ts";

type Verbs = (typeof spec)["verbs"];

const list: Runner<Verbs["list"]> = async (input, context) =>
  (await import("./plain-service-list.ts")).list(input, context);

const add: Runner<Verbs["add"]> = async (input, context) => (await import("./service-edit.ts")).add(input, context);

const edit: Runner<Verbs["edit"]> = async (input, context) => (await import("./service-edit.ts")).edit(input, context);

const del: Runner<Verbs["del"]> = async (input, context) => (await import("./service-edit.ts")).del(input, context);

const drain: Runner<Verbs["drain"]> = async (input, context) =>
  (await import("../drain/drain.ts")).drainService(input, context);

const undrain: Runner<Verbs["undrain"]> = async (input, context) =>
  (await import("../drain/drain.ts")).undrainService(input, context);

const flush: Runner<Verbs["flush"]> = async (input, context) =>
  (await import("./service-edit.ts")).flush(input, context);

const zero: Runner<Verbs["zero"]> = async (input, context) => (await import("./service-edit.ts")).zero(input, context);

const save: Runner<Verbs["save"]> = async (input, context) => (await import("./quick-save.ts")).save(input, context);

const restore: Runner<Verbs["restore"]> = async (input, context) =>
  (await import("./quick-restore.ts")).restore(input, context);

const apply: Runner<Verbs["apply"]> = async (input, context) =>
  (await import("./service-save.ts")).apply(input, context);

const timeouts: Runner<Verbs["timeouts"]> = async (input, context) =>
  (await import("./sync-daemons.ts")).timeouts(input, context);

const sync: Runner<Verbs["sync"]> = async (input, context) => (await import("./sync-daemons.ts")).sync(input, context);

const syncStart: Runner<Verbs["sync-start"]> = async (input, context) =>
  (await import("./sync-daemons.ts")).syncStart(input, context);

const syncStop: Runner<Verbs["sync-stop"]> = async (input, context) =>
  (await import("./sync-daemons.ts")).syncStop(input, context);

export const runners: Runners<typeof spec> = {
  list,
  add,
  edit,
  del,
  drain,
  undrain,
  flush,
  zero,
  save,
  restore,
  apply,
  timeouts,
  sync,
  "sync-start": syncStart,
  "sync-stop": syncStop,
};
