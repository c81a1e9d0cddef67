import { announce } from "./announce.js";

// The button that changes between light and dark; the choice stays in this browser.
export function themeToggles(root) {
  for (const button of root.querySelectorAll("[data-theme-toggle]")) {
    button.hidden = false;
    name(button);
    button.addEventListener("click", () => change(root));
  }
}

function current() {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  return document.documentElement.dataset.theme ?? system;
}

function change(root) {
  const next = current() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("toolgate-theme", next);
  } catch {
    // Storage is refused: the choice holds for this page.
  }
  root.querySelectorAll("[data-theme-toggle]").forEach(name);
  announce(`${next} theme`);
}

function name(button) {
  button.querySelector("span").textContent = current() === "dark" ? "Light" : "Dark";
}
