/** The layers and rooms of src as ARCHITECTURE.md shows them, from the tables that the rules enforce. */
import { MAY_IMPORT } from "./import-rules.ts";
import { ROOMS } from "./room-rules.ts";

/** The section of ARCHITECTURE.md that has the diagram. */
export const DIAGRAM_SECTION = "layers";

const MAIN = "main.ts";

/** Folders by floor, the highest first: each stands above all that it may import. */
function floors(): readonly (readonly string[])[] {
  const heights = new Map<string, number>();
  const height = (folder: string): number => {
    const known = heights.get(folder);
    if (known !== undefined) return known;
    const own =
      1 +
      Math.max(-1, ...(MAY_IMPORT[folder] ?? []).filter((below) => below in MAY_IMPORT && below !== "").map(height));
    heights.set(folder, own);
    return own;
  };
  const folders = Object.keys(MAY_IMPORT).filter((folder) => folder !== "build");
  const top = Math.max(...folders.map(height));
  return Array.from({ length: top + 1 }, (_, floor) => folders.filter((folder) => height(folder) === top - floor));
}

/** A line for each floor, with the rooms of its folders from the top down. */
export function layerDiagram(): string {
  const lines = floors().map((folders) =>
    folders
      .map((folder) => {
        const rooms = (ROOMS[folder] ?? []).filter((room) => room !== ".").toReversed();
        return `${folder || MAIN}${rooms.length === 0 ? "" : ` { ${rooms.join(" → ")} }`}`;
      })
      .join("\n"),
  );
  return ["```", lines.join("\n  ↓\n"), "```"].join("\n");
}
