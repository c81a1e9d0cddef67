// Keeps a page of waiting calls up to date: asks for a small stamp, and loads the parts anew when it has changed.
import { announce } from "./announce.js";
import { localTimes } from "./times.js";

const EVERY = 3000;

const live = document.querySelector("[data-live]");
if (live) setInterval(look, EVERY);
setInterval(countDown, 1000);

async function look() {
  if (document.hidden) return;
  const stamp = await asked(live.dataset.live);
  if (stamp === null || stamp === live.dataset.stamp) return;
  live.dataset.stamp = stamp;
  if (await replaced()) announce("The page has changed");
}

// What the server says now, in the words of data-stamp; null when it could not be asked.
async function asked(url) {
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok) return null;
    return (await answer.json()).state;
  } catch {
    return null; // the server restarts, or the network is away: the next turn asks again
  }
}

// Puts the parts of the same page, loaded anew, in the place of those shown; never while somebody types in one.
async function replaced() {
  const answer = await fetch(location.href);
  if (!answer.ok) return false;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    if (next === null || busy(part)) continue;
    part.replaceWith(document.adoptNode(next));
    localTimes(next);
  }
  return true;
}

function busy(part) {
  const field = part.querySelector("#reason");
  return field !== null && field.value !== "";
}

function countDown() {
  for (const element of document.querySelectorAll("[data-left]")) {
    const left = Math.max(0, Number(element.dataset.left) - 1);
    element.dataset.left = String(left);
    element.querySelector("span").textContent = `${words(left)} left`;
    if (left < 60) element.classList.replace("warn", "bad");
  }
}

function words(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
