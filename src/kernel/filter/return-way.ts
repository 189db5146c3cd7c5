/** Whether a real server's answers come back through this router. */
import type { IpAddress } from "../../model/address.ts";
import { type EchoAnswer, type EchoQuestion, Reachability } from "./reachability.ts";

/** A real server behind NAT, whose answers must come back through this router. */
export interface ReturnQuestion {
  readonly server: IpAddress;
  /** The interface that leads to it, and the own address that packets to it have there. */
  readonly interface: string;
  readonly near: IpAddress;
  /** An own address of another network, in a client's place: a VIP that this router has. */
  readonly far: IpAddress;
}

/**
 * `direct`: what it sends to other networks comes straight from it. `absent`: it answers the near address, but not the
 * far one. `elsewhere`: its answers come in by another interface. `indirect`: another router is between.
 * `unproven`: it does not answer at all.
 */
export type ReturnWay = "direct" | "absent" | "elsewhere" | "indirect" | "unproven";

/** One packet may be lost, and a neighbour's MAC may have to be found first. */
const ATTEMPTS = 3;
const WAIT_MS = 200;

type Answers = ReadonlyMap<number, EchoAnswer>;

/** Asks all at once. @returns the answers by their tags. @throws SyscallError (EPERM, exit code 4). */
async function askAll(questions: readonly EchoQuestion[], device?: string): Promise<Answers> {
  const answers = new Map<number, EchoAnswer>();
  const all = Promise.withResolvers<void>();
  const take = (answer: EchoAnswer) => {
    answers.set(answer.tag, answer);
    if (answers.size === questions.length) all.resolve();
  };
  using reachability = Reachability.open({
    onAnswer: take,
    ...(device === undefined ? {} : { interface: device }),
  });
  for (let attempt = 0; attempt < ATTEMPTS && answers.size < questions.length; attempt += 1) {
    for (const question of questions) if (!answers.has(question.tag)) reachability.ask(question);
    await Promise.race([all.promise, Bun.sleep(WAIT_MS)]);
  }
  for (const answer of reachability.drain()) take(answer);
  return answers;
}

function judge(
  near: EchoAnswer | undefined,
  inside: EchoAnswer | undefined,
  anywhere: EchoAnswer | undefined,
): ReturnWay {
  if (near === undefined) return "unproven";
  if (inside === undefined) return anywhere === undefined ? "absent" : "elsewhere";
  // The server begins with the same number in both answers; each router on the way takes one off.
  const isFurther = inside.timeToLive !== undefined && inside.timeToLive !== near.timeToLive;
  return isFurther ? "indirect" : "direct";
}

/**
 * How the answers of real servers to other networks come back, by ICMP echo from a near and from a far own address.
 * Linked servers with a gateway other than this router are found even where that gateway sends the answers on to it.
 * @throws SyscallError (EPERM, exit code 4).
 */
export async function proveReturnWays(questions: readonly ReturnQuestion[]): Promise<readonly ReturnWay[]> {
  const tagged = questions.map((question, tag) => ({ question, tag }));
  const from = (source: "near" | "far", some: typeof tagged): EchoQuestion[] =>
    some.map(({ question, tag }) => ({ source: question[source], target: question.server, tag }));
  const byInterface = [...Map.groupBy(tagged, ({ question }) => question.interface)];
  const [near, anywhere, ...inside] = await Promise.all([
    askAll(from("near", tagged)),
    askAll(from("far", tagged)),
    ...byInterface.map(([device, some]) => askAll(from("far", some), device)),
  ]);
  return tagged.map(({ tag }) => {
    const heard = inside.find((answers) => answers.has(tag));
    return judge(near?.get(tag), heard?.get(tag), anywhere?.get(tag));
  });
}
