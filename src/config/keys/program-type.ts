import { pathProblem, plainText } from "./text-types.ts";
import { list, type ScalarType } from "./value-type.ts";

const MAX_WORDS = 100;
const MAX_WORD_BYTES = 4096;
const EXPECTED = "a program's absolute path and its arguments, as a list of texts";

/** A program with its arguments, one text each, since it is run without a shell. */
function commandLine(min: 0 | 1): ScalarType<readonly string[]> {
  const words = list(plainText("a text", MAX_WORD_BYTES), EXPECTED, { min, max: MAX_WORDS });
  return {
    ...words,
    read: (value, place) => {
      if (typeof value === "string") {
        const split = value.split(" ").filter((word) => word !== "");
        place.error(`${place.name} must be ${EXPECTED}, not a text`, `no shell splits it: ${words.format(split)}`);
        return undefined;
      }
      const read = words.read(value, place);
      const path = read?.[0];
      const wrong = path === undefined ? undefined : pathProblem(path, "a program's absolute path");
      if (wrong === undefined) return read;
      const first = place.index(0);
      first.error(`${first.name}: ${wrong}`);
      return undefined;
    },
  };
}

/** A program with its arguments. */
export const program: ScalarType<readonly string[]> = commandLine(1);

/** The same; the empty list is no program. */
export const optionalProgram: ScalarType<readonly string[]> = commandLine(0);
