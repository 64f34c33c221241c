// Starts the WebAssembly that brings the page to life. Module scripts run after the document is parsed.
const here = document.getElementById("hydrate").dataset;
const app = await import(here.script);
await app.default({ module_or_path: here.wasm });
app.hydrate();
document.documentElement.dataset.hydrated = "";
