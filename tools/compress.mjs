// Puts a brotli copy beside each file of a folder, unless there is one that is newer than the file.
import { readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

const compress = promisify(brotliCompress);
const worth = /\.(css|html|js|json|mjs|svg|txt|wasm)$/;
const root = process.argv[2];

for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath ?? entry.path, entry.name);
  if (!entry.isFile()) continue;
  if (path.endsWith(".br")) {
    // A copy that outlived its file would be served in its place.
    if (!(await modified(path.slice(0, -3)))) await rm(path);
    continue;
  }
  if (!worth.test(path) || (await modified(`${path}.br`)) >= (await modified(path))) continue;
  const content = await readFile(path);
  const smaller = await compress(content, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length, [constants.BROTLI_PARAM_LGBLOCK]: 20 },
  });
  await writeFile(`${path}.br`, smaller);
}

/** Milliseconds since 1970, or 0 for what does not exist. */
async function modified(path) {
  return (await stat(path).catch(() => ({ mtimeMs: 0 }))).mtimeMs;
}
