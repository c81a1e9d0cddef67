import { announce } from "./announce.js";

// Shows the buttons of copy boxes and makes them work. Call it again for a part that was added later.
export function copyButtons(root) {
  for (const button of root.querySelectorAll("[data-copy][hidden]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  const copied = await write(code.textContent) || select(code);
  const label = button.querySelector("span");
  label.textContent = copied === true ? "Copied" : "Selected";
  announce(copied === true ? "Copied" : "Selected: press Control C");
  setTimeout(() => { label.textContent = "Copy"; }, 2000);
}

async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // refused, or the page is not served over https
  }
}

function select(code) {
  const range = document.createRange();
  range.selectNodeContents(code);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
  return "selected";
}
