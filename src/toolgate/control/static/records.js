import { announce } from "./announce.js";
import { localTimes } from "./times.js";

// New records appear on top of the log as they are decided. The page holds at most ROWS of them, and stops while paused.
const ROWS = 200;
const HELD = 50;
const SAY_EVERY = 5000;

const control = document.querySelector("[data-live]");
const body = document.querySelector(".log tbody");
if (control && body) follow();

function follow() {
  const words = control.querySelector("[data-live-words]");
  const button = control.querySelector("[data-live-hold]");
  const held = [];
  let holding = false, unheard = 0;
  control.hidden = false;

  const show = (state, text) => { control.dataset.state = state; words.textContent = text; };
  const status = () => holding ? show("held", `Paused, ${held.length}${held.length === HELD ? " or more" : ""} waiting`) : show("on", "Live");

  const source = new EventSource(control.dataset.live);
  source.addEventListener("open", status);
  source.addEventListener("error", () => {
    const over = source.readyState === EventSource.CLOSED;
    show("off", over ? "Not live: reload the page" : "Reconnecting");
  });
  source.addEventListener("message", (event) => {
    const record = JSON.parse(event.data);
    if (holding) {
      held.push(record);
      if (held.length > HELD) held.shift();
      status();
    } else {
      add(record);
      unheard += 1;
    }
  });
  source.addEventListener("skipped", (event) => { if (!holding) show("on", `Live, ${event.data} too fast to show`); });

  button.addEventListener("click", () => {
    holding = !holding;
    button.textContent = holding ? "Resume" : "Pause";
    if (!holding) held.splice(0).forEach(add);
    status();
    announce(words.textContent);
  });

  setInterval(() => {
    if (unheard) announce(unheard === 1 ? "1 new decision" : `${unheard} new decisions`);
    unheard = 0;
  }, SAY_EVERY);
}

function add(record) {
  const row = document.getElementById("live-row").content.cloneNode(true).querySelector("tr");
  const link = row.querySelector("a");
  if (record.id) link.href = `/records/${encodeURIComponent(record.id)}`;
  const moment = row.querySelector("time");
  moment.dateTime = record.time;
  moment.textContent = `${record.time.slice(0, 10)} ${record.time.slice(11, 16)} UTC`;
  for (const place of row.querySelectorAll("[data-fill]")) fill(place, place.dataset.fill, record);
  body.prepend(row);
  localTimes(row);
  while (body.children.length > ROWS) body.lastElementChild.remove();
  document.querySelector(".log + .empty")?.remove();
}

function fill(place, name, record) {
  if (name === "outcome") place.append(badge(record.outcome));
  else if (name === "grant") place.append(holder(record));
  else if (name !== "principal" || record.principal !== record.grant) place.textContent = record[name];
  if (place.localName !== "td") place.hidden = !place.textContent;
}

function holder(record) {
  const element = document.createElement(record.grant_id ? "a" : "span");
  element.textContent = record.grant || "no grant";
  if (record.grant_id) element.href = `/grants/${encodeURIComponent(record.grant_id)}`;
  else element.className = "muted";
  return element;
}

function badge(outcome) {
  const template = document.querySelector(`template[data-outcome="${CSS.escape(outcome)}"]`);
  return template ? template.content.cloneNode(true) : document.createTextNode(outcome);
}
