/** `npm run generate`: writes the man pages and the shell completions from the command table. */
import { join } from "node:path";
import { version } from "../../package.json";
import { generatedFiles } from "../cli/docs/generated.ts";

for (const [path, text] of generatedFiles(version)) await Bun.write(join(import.meta.dir, "../..", path), text);
