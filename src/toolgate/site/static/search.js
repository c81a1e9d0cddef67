// Search in a site of files: loads a list of words, and of the tools only the part that may fit.
import { announce } from "./announce.js";
import { alike, attacksNamed, CATEGORIES, RISKS, serversNamed, shardsFor, toolsIn, wordsOf } from "./finding.js";

const SHOWN = 100;
const place = document.querySelector("[data-search]");
const box = document.querySelector("#q");
const kept = new Map();

function load(name) {
  if (!kept.has(name)) {
    kept.set(name, fetch(`${place.dataset.search}/${name}.json`).then((answer) => {
      if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
      return answer.json();
    }));
  }
  return kept.get(name);
}

async function find(text) {
  const [counts, servers, attacks] = await Promise.all([load("words"), load("servers"), load("attacks")]);
  const known = Object.keys(counts);
  const named = [...new Set(servers.flatMap(([name]) => wordsOf(name)))];
  const meanings = wordsOf(text).map((word) => alike(word, known));
  const shards = await Promise.all(shardsFor(meanings, counts).map((shard) => load(`shard-${shard}`)));
  const words = wordsOf(text).map((word) => alike(word, named));
  return {
    tools: toolsIn(shards, meanings, servers),
    servers: words.length ? serversNamed(words, servers) : [],
    attacks: attacksNamed(wordsOf(text), attacks),
  };
}

function link(href, text, mono = false) {
  const element = document.createElement("a");
  element.href = href;
  const inside = mono ? element.appendChild(document.createElement("code")) : element;
  inside.textContent = legible(text);
  return element;
}

// What the pages do with names of strangers: nothing hides in them or reorders what stands beside.
function legible(text) {
  const odd = /[^\p{L}\p{N}\p{P}\p{S} ]|[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u115f\u1160\u2800\u3164\uffa0]/gu;
  return text.replace(odd, (char) => [...char].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""));
}

function list(title, rows, all) {
  const card = document.createElement("section");
  card.className = "card";
  const head = card.appendChild(document.createElement("div"));
  head.className = "top";
  head.appendChild(document.createElement("h2")).textContent = title;
  head.appendChild(document.createElement("span")).textContent = all > rows.length ? `the best ${rows.length} of ${all}` : "";
  const items = card.appendChild(document.createElement("ul"));
  items.className = "results";
  items.append(...rows);
  return card;
}

function row(main, words, risk) {
  const item = document.createElement("li");
  const what = item.appendChild(document.createElement("div"));
  what.append(main, ...words);
  const badge = item.appendChild(document.createElement("span"));
  badge.className = `badge ${{ Low: "good", Medium: "info", High: "warn", Critical: "critical" }[risk] ?? "neutral"}`;
  badge.textContent = risk ? `${risk} risk` : "no tools known";
  return item;
}

function attackRow(attack, prefix) {
  const item = row(link(`${prefix}/attacks/${attack.slug}/`, attack.title), [], "");
  item.lastElementChild.textContent = attack.verdict;
  return item;
}

function small(...parts) {
  const span = document.createElement("span");
  span.className = "small muted";
  span.append(...parts);
  return span;
}

function show({ tools, servers, attacks }) {
  const prefix = place.dataset.searchPrefix;
  const toolRows = tools.slice(0, SHOWN).map((tool) => row(
    link(`${prefix}/tools/${tool.serverSlug}/${tool.slug}/`, tool.name, true),
    [small("of ", link(`${prefix}/policies/${tool.serverSlug}/`, tool.server), ` · ${CATEGORIES[tool.category]}`)],
    RISKS[tool.category],
  ));
  const serverRows = servers.slice(0, 10).map((server) => row(
    link(`${prefix}/policies/${server.slug}/`, server.name), [small(`${server.tools} tools`)], server.risk,
  ));
  const attackRows = attacks.slice(0, 10).map((attack) => attackRow(attack, prefix));
  const cards = [];
  if (serverRows.length) cards.push(list("Servers", serverRows, servers.length));
  if (attackRows.length) cards.push(list("Attacks", attackRows, attacks.length));
  if (toolRows.length) cards.push(list("Tools", toolRows, tools.length));
  if (!cards.length) cards.push(Object.assign(document.createElement("p"), { textContent: "Nothing fits. Try fewer words." }));
  place.replaceChildren(...cards);
  announce(`${tools.length} tools, ${servers.length} servers, ${attacks.length} attacks`);
}

let turn = 0;

async function look() {
  const mine = (turn += 1);
  const text = box.value.trim();
  history.replaceState(null, "", text ? `?q=${encodeURIComponent(text)}` : location.pathname);
  if (!text) return place.replaceChildren();
  try {
    const found = await find(text);
    if (mine === turn) show(found);
  } catch {
    place.textContent = "The files of the search could not be loaded. Look through the letters below.";
  }
  return undefined;
}

let waiting = 0;
box.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(look, 200);
});
box.form.addEventListener("submit", (event) => {
  event.preventDefault();
  look();
});
document.querySelector("[data-search-hint]").hidden = true;
box.value = new URLSearchParams(location.search).get("q") ?? "";
if (box.value) look();
