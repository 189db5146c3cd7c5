/** One trial inside the lab. Arguments: the row's place in the list, product, setting, and a file for the result. */
import { appendFileSync } from "node:fs";
import { PRODUCTS, SETTINGS } from "./contender.ts";
import { BENCH_ROWS } from "./rows.ts";
import { runTrial } from "./trial.ts";

const [place, productName, settingName, file = ""] = process.argv.slice(2);
const row = BENCH_ROWS[Number(place)];
const product = PRODUCTS.find((name) => name === productName);
const setting = SETTINGS.find((name) => name === settingName);
if (row === undefined || product === undefined || setting === undefined) throw new Error("no such trial");
appendFileSync(file, `${JSON.stringify(await runTrial(row, product, setting))}\n`);
process.exit(0);
