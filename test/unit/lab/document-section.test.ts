import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSection } from "../../support/document-section.ts";

test("writeSection() makes the file, adds a section, and replaces it where it is", () => {
  const folder = mkdtempSync(join(tmpdir(), "tandem-section-"));
  try {
    const path = join(folder, "docs/figures.md");
    writeSection(path, "Figures", "a", "## A\n");
    writeSection(path, "Figures", "b", "## B");
    writeSection(path, "Other", "a", "## A again");
    expect(readFileSync(path, "utf8")).toBe(
      "# Figures\n\n<!-- a: begin -->\n## A again\n<!-- a: end -->\n\n<!-- b: begin -->\n## B\n<!-- b: end -->\n",
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
