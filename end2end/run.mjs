// Runs the specs one after the other, in one process with one browser: they share one lab.
//
//   node end2end/run.mjs                 all
//   node end2end/run.mjs nic gateway     only these
import { after } from "node:test";

import { closeBrowser } from "./lib/browser.mjs";
import { ready } from "./lib/lab.mjs";

// The last one locks everybody out for a minute.
const specs = ["access", "login", "picture", "later", "bridge", "nic", "draft", "network", "gateway", "explain", "history", "wire", "export", "survival", "address", "channel", "hostile", "resolver", "accessibility", "attempts"];
const wanted = process.argv.slice(2);

await ready();
for (const spec of wanted.length > 0 ? wanted : specs) await import(`./${spec}.spec.mjs`);
after(closeBrowser);
