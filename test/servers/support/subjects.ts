import type { CheckMethod } from "../../../src/model/health-check.ts";
import type { CertificateFiles } from "./certificates.ts";
import type { Story } from "./expected.ts";
import { RealServer, type ServerPlan } from "./server-process.ts";
import { certificateStory, storyOf } from "./story.ts";

/** One way to check one server, and what should be said of it. */
export interface SubjectPlan {
  readonly name: string;
  readonly port: number;
  readonly method: CheckMethod;
  readonly expected: Story;
  /** Present: within TLS, what should be said of certificates. */
  readonly certificates?: Story;
}

export interface Found {
  readonly story: Story;
  readonly certificates: Story | undefined;
}

/** A server with everything that is checked on it. */
export interface ServerSubjects {
  readonly plan: ServerPlan;
  readonly subjects: readonly SubjectPlan[];
}

async function tellAll(
  { plan, subjects }: ServerSubjects,
  authorities: string,
  otherAuthorities: string,
): Promise<[string, Found][]> {
  await using server = await RealServer.start(plan);
  const found: [string, Found][] = [];
  for (const { name, port, method, certificates } of subjects) {
    const story = await storyOf({ server, port, method });
    const files = { authorities, otherAuthorities };
    found.push([name, { story, certificates: certificates && (await certificateStory(method, port, files)) }]);
  }
  return found;
}

/** Lives through all the stories: those of different servers at once, since most of each is waiting. */
export async function liveThrough(
  servers: readonly ServerSubjects[],
  authority: CertificateFiles,
  other: CertificateFiles,
): Promise<ReadonlyMap<string, Found>> {
  const told = await Promise.all(servers.map((each) => tellAll(each, authority.certificate, other.certificate)));
  return new Map(told.flat());
}
