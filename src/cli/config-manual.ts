import type { KeyReference, TableReference } from "../config/reference.ts";
import { roffBold, roffDefinition, roffParagraphs, roffSection, roffText, roffTitle, roffVerbatim } from "./roff.ts";

/** `man/tandem.toml.5`, from the reference that the configuration's parser itself is made of. */

function keyLines(key: KeyReference): string[] {
  const fallback = key.default === undefined ? "" : ` Default: ${key.default}.`;
  const required = key.required ? " Required." : fallback;
  return roffDefinition(`${key.name} = ${key.example}`, [`${key.meaning} Value: ${key.type}.${required}`]);
}

const DESCRIPTION = [
  "The configuration of tandem(8): one TOML file, the same on both routers. A router finds out which of the two it is by the addresses it has. Unknown keys are errors. Durations are texts with a unit: 200ms, 1.5s, 10m, 2h.",
  "tandem config check says every mistake of a file at once, each with line and column; tandem config show prints what takes effect; tandem config plan what would change in the kernel. SIGHUP makes a running daemon read the file again.",
];

/** The manual page of the configuration file. `example` is a whole valid file. */
export function configManual(tables: readonly TableReference[], example: string, version: string): string {
  const lines = [
    ...roffTitle("tandem.toml", 5, `tandem ${version}`),
    roffSection("name"),
    "tandem.toml \\- the configuration of a pair of LVS routers",
    roffSection("synopsis"),
    roffBold("/etc/tandem/tandem.toml"),
    roffSection("description"),
    ...roffParagraphs(DESCRIPTION),
    ...tables.flatMap((table) => [
      roffSection(table.header),
      roffText(`${table.meaning}${table.required ? " Required." : ""}`),
      ...table.keys.flatMap(keyLines),
    ]),
    roffSection("example"),
    ...roffVerbatim(example.trimEnd().split("\n")),
    roffSection("see also"),
    "tandem(8)",
  ];
  return `${lines.join("\n")}\n`;
}
