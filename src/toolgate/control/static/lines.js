// Places in a text, by line. Pure, so that it can be tried without a browser.

// The line (from 0) at which two texts first differ; -1 where they are equal.
export function firstDifference(before, after) {
  if (before === after) return -1;
  let at = 0;
  while (at < before.length && before[at] === after[at]) at += 1;
  return lineAt(after, at);
}

// The line (from 0) that a place is on.
export function lineAt(text, at) {
  let line = 0;
  for (let place = text.indexOf("\n"); place !== -1 && place < at; place = text.indexOf("\n", place + 1)) line += 1;
  return line;
}

// Where a line (from 0) begins and ends; the last line for one beyond the end.
export function lineRange(text, line) {
  let start = 0;
  for (let passed = 0; passed < line; passed += 1) {
    const next = text.indexOf("\n", start);
    if (next === -1) break;
    start = next + 1;
  }
  const end = text.indexOf("\n", start);
  return [start, end === -1 ? text.length : end];
}

// Whether a name holds every word that is sought, in any case.
export function holds(name, sought) {
  return sought.toLowerCase().split(/\s+/).every((word) => name.toLowerCase().includes(word));
}
