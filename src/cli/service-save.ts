import { TandemError } from "../lib/errors.ts";
import type { Runner } from "./context.ts";
import type { service as spec } from "./spec/service.ts";

type Verbs = (typeof spec)["verbs"];

export const save: Runner<Verbs["save"]> = () => {
  throw new TandemError({ operation: "save", reason: "not built yet" });
};
export const restore: Runner<Verbs["restore"]> = () => {
  throw new TandemError({ operation: "restore", reason: "not built yet" });
};
