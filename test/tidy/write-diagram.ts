/** Writes the diagram of layers and rooms into ARCHITECTURE.md. */
import { join } from "node:path";
import { writeSection } from "../support/document-section.ts";
import { DIAGRAM_SECTION, layerDiagram } from "./layer-diagram.ts";
import { ROOT } from "./project-files.ts";

writeSection(join(ROOT, "ARCHITECTURE.md"), "Architecture", DIAGRAM_SECTION, layerDiagram());
