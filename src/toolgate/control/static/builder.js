// Keeps form, JSON and verdict of the policy builder in step. Each change sends the whole form, as its buttons do without
// scripts, and the parts of the page that come back take the place of the old ones. The server alone knows policies.
import { firstDifference, holds, lineRange } from "./lines.js";
import { localTimes } from "./times.js";

const PARTS = ["builder-carried", "builder-form", "builder-state", "try-call", "try-result"];
const NAVIGATE = ["review", "save"];
const PAUSE = 350;
const form = document.getElementById("builder");
const pane = document.getElementById("pane");
let changes = 0;
let timer = 0;
let running = null;
let typed = new Map();
const earlier = [];

document.documentElement.classList.add("scripted");

async function send(press = "apply") {
  clearTimeout(timer);
  running?.abort();
  const mine = (running = new AbortController());
  if (press === "undo" && earlier.length) form.elements.before.value = earlier.at(-1);
  const sent = changes;
  const body = new URLSearchParams(new FormData(form));
  body.set("do", press);
  body.delete("q");
  typed = new Map();
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, signal: mine.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (running !== mine) return;
    // Somebody who is signed out, or a fault: let the browser show what the server says.
    if (!page.getElementById("builder")) return form.submit();
    if (sent !== changes && press === "apply") return send();
    take(page, press);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  } finally {
    if (running === mine) {
      running = null;
      form.removeAttribute("aria-busy");
    }
  }
}

function take(page, press) {
  const focus = remember();
  const draft = form.elements.draft.value;
  const opened = [...form.querySelectorAll("details[data-keep][open]")].map((each) => each.dataset.keep);
  const sought = form.elements.q?.value ?? "";
  for (const id of PARTS) {
    const fresh = page.getElementById(id);
    document.getElementById(id).replaceChildren(...document.adoptNode(fresh).childNodes);
  }
  // What was typed while the answer was on its way is newer than the answer.
  for (const [name, [value, checked]] of typed) {
    const field = form.elements[name];
    if (field instanceof Element) Object.assign(field, field.type === "checkbox" ? { checked } : { value });
  }
  for (const each of form.querySelectorAll("details[data-keep]")) each.open ||= opened.includes(each.dataset.keep);
  if (press === "undo") earlier.pop();
  else if (draft !== form.elements.draft.value) earlier.push(draft);
  form.querySelector('[value="undo"]').disabled = !earlier.length;
  const text = page.getElementById("pane").value;
  const line = firstDifference(pane.value, text);
  if (line >= 0) {
    pane.value = text;
    show(line);
  }
  if (form.elements.q) form.elements.q.value = sought;
  find();
  localTimes(form);
  suit(form);
  restore(focus, press);
  if (press === "try") document.getElementById("try-result").scrollIntoView({ block: "nearest" });
}

// Fields are known by name, buttons also by what they do.
function remember() {
  const at = document.activeElement;
  if (!form.contains(at) || !at.name) return null;
  const range = at.selectionStart === undefined ? null : [at.selectionStart, at.selectionEnd];
  return { name: at.name, value: at.tagName === "BUTTON" ? at.value : null, range };
}

function restore(focus, press) {
  const wrong = form.querySelector('[aria-describedby="wrong-field"]');
  if (wrong) return wrong.focus();
  if (press.startsWith("open|")) return form.querySelector(".editor select, .editor input:not([type=hidden])")?.focus();
  if (!focus || document.activeElement?.name === focus.name) return;
  const same = [...form.elements].filter((each) => each.name === focus.name);
  const field = focus.value === null ? same[0] : same.find((each) => each.value === focus.value);
  field?.focus({ preventScroll: true });
  if (field && focus.range && field.setSelectionRange) field.setSelectionRange(...focus.range);
}

function show(line) {
  const height = parseFloat(getComputedStyle(pane).lineHeight) || 18;
  pane.scrollTop = Math.max(0, (line - 4) * height);
}

function find() {
  const sought = form.elements.q?.value.trim() ?? "";
  for (const row of form.querySelectorAll("[data-name]")) row.hidden = !row.classList.contains("opened") && !holds(row.dataset.name, sought);
}

// Of each condition only the operators that suit its argument are offered; a fresh one begins with the likeliest.
function suit(part, fresh = false) {
  for (const path of part.querySelectorAll('[name$=":path"]')) {
    const known = [...(path.list?.options ?? [])].find((option) => option.value === path.value);
    const row = path.closest("[data-condition]");
    const test = row?.querySelector('[name$=":op"]');
    if (!known || !test) continue;
    const suiting = known.dataset.operators.split(" ");
    for (const option of test.options) option.hidden = !suiting.includes(option.value) && !option.selected;
    if (fresh) test.value = suiting[0];
    row.querySelector('[name$=":value"]').placeholder = known.dataset.example ?? "";
  }
}

function later() {
  changes += 1;
  clearTimeout(timer);
  timer = setTimeout(send, PAUSE);
}

form.addEventListener("input", (event) => {
  const field = event.target;
  if (field.name === "q") return find();
  typed.set(field.name, [field.value, field.checked]);
  if (field.name === "try:tool") return send("example");
  if (field.closest("[data-compose]") && field.name.endsWith(":path")) suit(field.closest("[data-condition]"), true);
  if (form.elements["try:live"] && /^(try|arg):/.test(field.name)) return later();
  if (field.closest("[data-compose]") || field.name === "name") return;
  later();
});

suit(form);

// Enter adds what is being composed, and tries the call that is being filled in.
form.addEventListener("keydown", (event) => {
  const part = event.target.closest("[data-compose]");
  if (event.key !== "Enter" || event.target.tagName !== "INPUT" || !part) return;
  event.preventDefault();
  part.querySelector('button[name="do"]').click();
});

form.addEventListener("submit", (event) => {
  const press = event.submitter?.value ?? "apply";
  if (NAVIGATE.includes(press)) return;
  event.preventDefault();
  changes += 1;
  send(press);
});

form.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-line]");
  if (!link?.dataset.line) return;
  event.preventDefault();
  const line = Number(link.dataset.line) - 1;
  pane.focus();
  pane.setSelectionRange(...lineRange(pane.value, line));
  show(line);
});
