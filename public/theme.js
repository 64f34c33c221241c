// Sets the colours before the first paint. The server has already set those that a cookie chose.
(() => {
  const root = document.documentElement;
  if (!root.dataset.theme) {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const set = () => { root.dataset.theme = dark.matches ? "dark" : "light"; };
    set();
    dark.addEventListener("change", () => { if (!document.cookie.includes("theme=")) set(); });
  }
})();
