// Builds what the collector hands out: core.js and each of modules/ → built/, minified. A test
// builds anew and compares. Usage: npm ci && npm run build [-- --out FOLDER]
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { minify } from "terser";

const here = fileURLToPath(new URL(".", import.meta.url));
const { values } = parseArgs({ options: { out: { type: "string", default: join(here, "built") } } });

async function squeeze(code, options) {
  const done = await minify(code, { ecma: 2020, ...options, format: { ecma: 2020, comments: /^!/ } });
  return done.code.replace(/;$/, "");
}

// Names are given in this order, which packs best with core.js as it is written (measured).
const LETTERS = "esnhroP_lptNgbdwivkfcyaMETmZB$HRSG";
const name = number => LETTERS[number] ?? `${LETTERS[number % LETTERS.length]}${LETTERS[0]}`;

// What runs as the page loads, in parentheses: V8 then compiles it with the script, on another
// thread, and not when it is called.
function eager(code, start) {
  const from = code.search(start);
  if (from < 0) throw new Error(`nothing begins with ${start}`);
  let to = code.indexOf("{", from);
  for (let depth = 1; depth && to < code.length; ) depth += { "{": 1, "}": -1 }[code[++to]] ?? 0;
  return `${code.slice(0, from)}(${code.slice(from, to + 1)})${code.slice(to + 1)}`;
}

// The server calls it: (core)(read, script).
async function core() {
  const code = await readFile(join(here, "core.js"), "utf8");
  const squeezed = await squeeze(code.replace("export default ", ""), {
    compress: {
      passes: 3,
      expression: true,
      unsafe: true,
      pure_getters: true,
      booleans_as_integers: true,
    },
    mangle: { nth_identifier: { get: name } },
  });
  // The tick, and what it does with each hit.
  return [/\w=>\{try\{let\{told/, /\w=>\{try\{\(0===/].reduce(eager, squeezed);
}

// Each in a function of its own, with all that it imports.
async function module(file) {
  const bundled = await build({
    entryPoints: [join(here, "modules", file)],
    bundle: true,
    format: "iife",
    target: "es2020",
    legalComments: "inline",
    write: false,
  });
  return `${await squeeze(bundled.outputFiles[0].text, { compress: { passes: 3 } })};\n`;
}

const files = (await readdir(join(here, "modules"))).filter((file) => file.endsWith(".js")).sort();
await rm(join(values.out, "modules"), { recursive: true, force: true });
await mkdir(join(values.out, "modules"), { recursive: true });
await writeFile(join(values.out, "core.min.js"), await core());
for (const file of files) {
  const built = `${basename(file, ".js")}.min.js`;
  await writeFile(join(values.out, "modules", built), await module(file));
}
