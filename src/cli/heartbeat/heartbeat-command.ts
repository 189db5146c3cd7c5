/** `tandem heartbeat`, and the making of keys: a key file is never readable by others, and whole or absent. */
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { generateKey } from "../../config/key-file.ts";
import { TandemError } from "../../lib/errors.ts";
import { reportChanges } from "../changes/changes.ts";
import type { Runner, Runners } from "../line/context.ts";
import { writeFailure } from "../line/file-failure.ts";
import type { heartbeat as spec } from "../spec/heartbeat-spec.ts";

type Verbs = (typeof spec)["verbs"];

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/**
 * The file that a key is written to. A link stays, and what it names is replaced; a device, which the whole machine may
 * need, is not.
 */
function targetOf(file: string): string {
  const old = statSync(file, { throwIfNoEntry: false });
  if (old === undefined) return file;
  if (old.isFile()) return realpathSync(file);
  throw new TandemError({
    operation: "write key",
    subject: file,
    reason: "it is there and not a regular file",
    hint: "name another one; without FILE the key goes to standard output",
  });
}

/** Writes a secret: never readable by others, not even for a moment; all of it or none. */
function writeSecret(file: string, text: string, replace: boolean): void {
  try {
    const target = targetOf(file);
    const partial = replace ? `${target}.new` : target;
    if (replace) removeIfThere(partial);
    const fd = openSync(partial, "wx", 0o600);
    try {
      writeSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    chmodSync(partial, 0o600);
    if (replace) renameSync(partial, target);
  } catch (error) {
    if (error instanceof TandemError) throw error;
    const code = errorCode(error);
    if (code === "EEXIST") throw keyExists(file);
    throw writeFailure("write key", file, error);
  }
}

function keyExists(file: string): TandemError {
  return new TandemError({
    operation: "write key",
    subject: file,
    reason: "the file exists already (EEXIST)",
    hint: "the pair stops hearing itself when only one router has a new key; --force replaces it",
  });
}

/** What the real run would be refused is refused to the plan as well. */
function planSecret(file: string, replace: boolean): void {
  try {
    const target = targetOf(file);
    if (!replace && existsSync(target)) throw keyExists(file);
    accessSync(dirname(target), constants.W_OK);
  } catch (error) {
    if (error instanceof TandemError) throw error;
    throw writeFailure("write key", file, error);
  }
}

function removeIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

const keygen: Runner<Verbs["keygen"]> = ({ file, force }, context) => {
  const { output, globals } = context;
  if (file === undefined) {
    const key = generateKey();
    if (output.json) output.printJson({ dryRun: globals.dryRun, key: key.trim(), file: null });
    else output.write(key);
    return 0;
  }
  const subject = `a key to ${file}`;
  if (globals.dryRun) {
    planSecret(file, force);
    return reportChanges([{ do: "write", subject, outcome: { kind: "planned" } }], context);
  }
  writeSecret(file, generateKey(), force);
  if (output.json) output.printJson({ dryRun: false, key: null, file });
  else output.lines([`wrote ${subject}, mode 0600`]);
  return 0;
};

const watch: Runner<Verbs["watch"]> = async (input, context) =>
  (await import("./heartbeat-watch.ts")).watchHeartbeats(input, context);

const ping: Runner<Verbs["ping"]> = async (input, context) =>
  (await import("./heartbeat-ping.ts")).pingPeer(input, context);

export const runners: Runners<typeof spec> = { keygen, watch, ping };
