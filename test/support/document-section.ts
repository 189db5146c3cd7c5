import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Puts a section into a Markdown file that several programs write to, in the place of its last version.
 * @param title of a file that does not exist yet
 */
export function writeSection(path: string, title: string, name: string, text: string): void {
  const begin = `<!-- ${name}: begin -->`;
  const end = `<!-- ${name}: end -->`;
  const old = existsSync(path) ? readFileSync(path, "utf8") : `# ${title}\n`;
  const section = `${begin}\n${text.trim()}\n${end}`;
  const from = old.indexOf(begin);
  const to = old.indexOf(end);
  const whole =
    from < 0 || to < from
      ? `${old.trimEnd()}\n\n${section}\n`
      : `${old.slice(0, from)}${section}${old.slice(to + end.length)}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, whole);
}
