// Runs the specs one after the other, in one process with one browser: they share one lab.
//
//   node end2end/run.mjs                 those that are known to hold
//   node end2end/run.mjs nic gateway     only these: nic, gateway, accessibility and attempts are not settled yet
import { after } from "node:test";

import { closeBrowser } from "./lib/browser.mjs";
import { ready } from "./lib/lab.mjs";

const specs = ["access", "login", "picture", "bridge"];
const wanted = process.argv.slice(2);

await ready();
for (const spec of wanted.length > 0 ? wanted : specs) await import(`./${spec}.spec.mjs`);
after(closeBrowser);
