/** `man/tandem.toml.5`, from the reference that the configuration's parser itself is made of. */
import type { KeyReference, TableReference } from "../../config/keys/reference.ts";
import { roffBold, roffDefinition, roffParagraphs, roffSection, roffText, roffTitle, roffVerbatim } from "./roff.ts";

function keyLines(key: KeyReference): string[] {
  const fallback = key.default === undefined ? "" : ` Default: ${key.default}.`;
  const required = key.required ? " Required." : fallback;
  return roffDefinition(`${key.name} = ${key.example}`, [`${key.meaning} Value: ${key.type}.${required}`]);
}

function limitOf({ max }: TableReference): string {
  return max === undefined ? "" : ` There may be at most ${max} of them.`;
}

const DESCRIPTION = [
  "The configuration of tandem(8): one TOML file, the same on both routers. A router finds out which of the two it is by the addresses it has. Unknown keys are errors. Durations are texts with a unit: 200ms, 1.5s, 10m, 2h.",
  "tandem config check says every mistake of a file at once, each with line and column; tandem config show prints what takes effect; tandem config plan what would change in the kernel. SIGHUP makes a running daemon read the file again.",
];

/** What becomes of connections, by what happens to their real server and how `[ipvs]` is set; each case was seen in a kernel. */
const CONNECTIONS: readonly (readonly [string, readonly string[]])[] = [
  [
    'A real server fails its checks with on_failure = "remove", is taken out of the configuration, or is deleted by hand',
    [
      "It is removed from the kernel's table. With expire_nodest_conn = true, the default, its connections are forgotten at once: the next UDP packet of a client goes to another server; the next TCP packet of a client is answered with a reset, so that its program can connect again. A TCP client that only waits learns nothing until it sends, or until TCP's keepalive does.",
      "With expire_nodest_conn = false its packets are dropped in silence. A UDP client that goes on sending stays with the dead server until 5 minutes without a packet have passed (the key udp of [timeouts]). A TCP connection hangs until its client gives up, but goes on if the server is back in the table before that: this is for servers that fail for moments and keep their state.",
      "New connections go to other servers in both cases, those of persistent clients as well.",
    ],
  ],
  [
    'A real server fails its checks with on_failure = "quiesce", or is drained',
    [
      "It stays in the table with weight 0. Open connections go on, TCP and UDP, for as long as the server answers; new ones go to other servers. A UDP client that goes on sending from the same port is no new connection.",
      "A persistent client goes elsewhere with its next connection, with expire_quiescent_template = true, the default. With false it comes back to this server, and each try renews its memory of it.",
    ],
  ],
  [
    "A service is removed",
    [
      "Its open connections end as if each of its servers were removed; with expire_nodest_conn = false they are dropped in silence. New ones are refused.",
    ],
  ],
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
      roffText(`${table.meaning}${limitOf(table)}${table.required ? " Required." : ""}`),
      ...table.keys.flatMap(keyLines),
    ]),
    roffSection("connections"),
    roffText("What becomes of open connections:"),
    ...CONNECTIONS.flatMap(([name, texts]) => roffDefinition(name, texts)),
    roffSection("example"),
    ...roffVerbatim(example.trimEnd().split("\n")),
    roffSection("see also"),
    "tandem(8)",
  ];
  return `${lines.join("\n")}\n`;
}
