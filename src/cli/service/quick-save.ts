/** `service save`: the kernel's table as a text that restore reads. */
import { type FormatTable, isPlainTable, QuickFormat } from "../../import/table/quick-format.ts";
import type { SavedFormat } from "../../import/words/import-formats.ts";
import { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import { ByteText } from "../../lib/byte-text.ts";
import type { Runner } from "../line/context.ts";
import type { service as spec } from "../spec/service-spec.ts";
import { writeEndpoint } from "./endpoint-bytes.ts";

type Save = (typeof spec)["verbs"]["save"];

async function wholeFormat(format: SavedFormat): Promise<FormatTable> {
  switch (format) {
    case "ipvsadm":
      return (await import("../../import/ipvsadm/ipvsadm-format.ts")).formatIpvsadm;
    case "toml": {
      const { formatTable } = await import("../../import/table/table-toml.ts");
      return (services) => formatTable(services);
    }
  }
}

/** Prints the kernel's table, or writes it to a file. */
export const save: Runner<Save> = async ({ file, format = "toml" }, context) => {
  const { output, globals } = context;
  if (output.json) return (await import("./service-save.ts")).saveJson(context);
  using client = IpvsClient.open();
  const table = client.tableRows();
  const whole = isPlainTable(table) ? undefined : await wholeFormat(format);
  const pieces: Uint8Array[] = [];
  const isPrinted = file === undefined || file === "-";
  const out = new ByteText((piece) => (isPrinted ? output.write(piece) : pieces.push(piece.slice())));
  if (format === "toml") {
    const { settingsText } = await import("../../import/table/table-settings.ts");
    const { readSettings } = await import("./restore-settings.ts");
    out.text(settingsText(readSettings(client)));
  }
  new QuickFormat(out, format, writeEndpoint, whole).write(table);
  out.end();
  if (isPrinted) return 0;
  const { writeFile } = await import("../line/write-file.ts");
  if (!globals.dryRun) writeFile(file, Buffer.concat(pieces));
  const { counted } = await import("../output/figures.ts");
  output.note(`${globals.dryRun ? "would write" : "wrote"} ${counted(table.services.length, "service")} to ${file}`);
  return 0;
};
