// Moments are written in UTC; here they become the reader's own, with the original kept as their title.
const FORM = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const NEAR = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const UNITS = [[86400, "day"], [3600, "hour"], [60, "minute"]];

// Call it again for a part that was added later.
export function localTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]:not([title])")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    element.title = element.textContent;
    element.textContent = near(moment) ?? FORM.format(moment);
  }
}

// "3 minutes ago" within a day; null for what is further away.
function near(moment) {
  const seconds = (moment.getTime() - Date.now()) / 1000;
  if (Math.abs(seconds) >= 86400) return null;
  if (Math.abs(seconds) < 45) return "just now";
  const [size, unit] = UNITS.find(([length]) => Math.abs(seconds) >= length * 0.75);
  return NEAR.format(Math.round(seconds / size), unit);
}
