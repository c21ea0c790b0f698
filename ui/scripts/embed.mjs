// After the build: compresses every file, writes dist/files.rs for the program, and checks the budgets.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const kB = 1000;
// Of bytes compressed with gzip; the last two are of the whole: brotli alone, and both forms, which is what the
// program grows by.
const budgets = {
  shell: 200 * kB,
  style: 30 * kB,
  query: 380 * kB,
  page: 250 * kB,
  brotli: 700 * kB,
  program: 1200 * kB,
};

const mediaTypes = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

function read(path, name) {
  const raw = readFileSync(join(dist, path));
  const mediaType = mediaTypes[extname(path)];
  if (!mediaType) throw new Error(`${path}: no media type is known for it; add one to scripts/embed.mjs`);
  const gzip = gzipSync(raw, { level: 9 });
  const brotli = brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  const etag = createHash("sha256").update(raw).digest("hex").slice(0, 16);
  writeFileSync(join(dist, `${path}.gz`), gzip);
  writeFileSync(join(dist, `${path}.br`), brotli);
  return { path, name, mediaType, etag, raw: raw.length, gzip: gzip.length, brotli: brotli.length };
}

const names = readdirSync(join(dist, "assets")).filter((name) => !/\.(gz|br)$/.test(name));
const files = [read("index.html", "index.html"), ...names.sort().map((name) => read(`assets/${name}`, name))];

const entry = (file) => `    UiFile {
        name: ${JSON.stringify(file.name)},
        media_type: ${JSON.stringify(file.mediaType)},
        etag: "\\"${file.etag}\\"",
        gzip: include_bytes!(${JSON.stringify(`${file.path}.gz`)}),
        brotli: include_bytes!(${JSON.stringify(`${file.path}.br`)}),
    },
`;
writeFileSync(join(dist, "files.rs"), `&[\n${files.map(entry).join("")}]\n`);

// What a browser loads for a page: the entry, the page's own chunk, what both import, and what the page loads
// later, such as an editor. What the entry loads later is other pages.
const manifest = JSON.parse(readFileSync(join(dist, ".vite/manifest.json"), "utf8"));
const sizeOf = new Map(files.map((file) => [file.path, file.gzip]));

function loaded(entry, page) {
  const scripts = new Set();
  const styles = new Set();
  const seen = new Set();
  const visit = (key, takesLater) => {
    if (seen.has(key)) return;
    seen.add(key);
    const chunk = manifest[key];
    scripts.add(chunk.file);
    for (const style of chunk.css ?? []) styles.add(style);
    for (const next of chunk.imports ?? []) visit(next, takesLater);
    if (takesLater) for (const next of chunk.dynamicImports ?? []) visit(next, true);
  };
  visit(entry, false);
  if (page) visit(page, true);
  const sum = (set) => [...set].reduce((total, file) => total + (sizeOf.get(file) ?? 0), 0);
  return { scripts: sum(scripts), styles: sum(styles) };
}

const problems = [];
const rows = [];
function check(name, bytes, limit) {
  rows.push(
    `  ${name.padEnd(28)} ${(bytes / kB).toFixed(1).padStart(8)} kB of ${(limit / kB).toFixed(0).padStart(5)} kB`,
  );
  if (bytes > limit) problems.push(`${name} is ${(bytes / kB).toFixed(1)} kB, over its budget of ${limit / kB} kB`);
}

const shell = loaded("index.html");
check("shell, scripts", shell.scripts, budgets.shell);
check("shell, styles", shell.styles, budgets.style);
for (const [key, chunk] of Object.entries(manifest)) {
  if (!chunk.isDynamicEntry || !key.startsWith("src/pages/")) continue;
  const name = key.replace("src/pages/", "").replace(/\.tsx$/, "");
  const size = loaded("index.html", key);
  check(name, size.scripts + size.styles, name.startsWith("query/") ? budgets.query : budgets.page);
}
const total = (field) => files.reduce((sum, file) => sum + file[field], 0);
check("everything, brotli", total("brotli"), budgets.brotli);
check("everything, in the program", total("brotli") + total("gzip"), budgets.program);
console.log(
  `sizes (gzip where nothing else is said; ${(total("raw") / kB).toFixed(0)} kB before):\n${rows.join("\n")}`,
);
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
