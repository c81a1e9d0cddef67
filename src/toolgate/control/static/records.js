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
  const [when, outcome, grant, tool, why] = row.children;
  fill(when.querySelector("a"), record.id && `/records/${encodeURIComponent(record.id)}`);
  const moment = when.querySelector("time");
  moment.dateTime = record.time;
  moment.textContent = `${record.time.slice(0, 10)} ${record.time.slice(11, 16)} UTC`;
  outcome.append(badge(record.outcome));
  grant.querySelector(".name").append(named(record.grant, record.grant_id && `/grants/${encodeURIComponent(record.grant_id)}`));
  text(grant.querySelector(".sub"), record.principal === record.grant ? "" : record.principal);
  text(tool.querySelector("code"), record.tool);
  text(tool.querySelector(".sub"), record.server);
  text(why.querySelector(".clip"), record.message);
  text(why.querySelector("code"), record.rule);
  body.prepend(row);
  localTimes(row);
  while (body.children.length > ROWS) body.lastElementChild.remove();
  document.querySelector(".log + .empty")?.remove();
}

function text(element, words) {
  element.textContent = words;
  element.hidden = !words;
}

function fill(link, href) {
  if (href) link.href = href;
}

function named(words, href) {
  const element = document.createElement(href ? "a" : "span");
  element.textContent = words || "none";
  if (href) element.href = href;
  else element.className = "muted";
  return element;
}

function badge(outcome) {
  const template = document.querySelector(`template[data-outcome="${CSS.escape(outcome)}"]`);
  return template ? template.content.cloneNode(true) : document.createTextNode(outcome);
}
