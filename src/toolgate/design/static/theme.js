// Loaded before the first paint: what the person chose shows at once, without a flash of the other theme.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("toolgate-theme");
  } catch {
    // Storage is refused: the system's wish holds.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
