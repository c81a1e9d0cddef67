// Finding tools in the files of a built site. Pure, so that it can be tried without a browser.
//
// words: every word with how many tools have it. servers: name, slug, number of tools, risk. A shard: pairs of a
// server's place and its tools, each with name, place of its category, and its slug where that is not its name.

export const CATEGORIES = ["Read", "Write", "Execute", "Destructive", "Financial"];
export const RISKS = ["Low", "Medium", "High", "Critical", "Critical"];
const MOST_WORDS = 8;
const MOST_ALIKE = 40;

// Signs of scripts that are written without spaces: each is a word.
const SIGN = "[\\u0e00-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u3040-\\u30ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\u{20000}-\\u{2ffff}]";
const WORD = new RegExp(`${SIGN}|(?:(?!${SIGN})[\\p{L}\\p{N}])+`, "gu");

// The words of a name, or those that somebody looks for.
export function wordsOf(text) {
  const plain = text.replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2").toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
  return [...new Set(plain.match(WORD) ?? [])].slice(0, MOST_WORDS);
}

// The file that a word is in: its first two letters, where these can be part of a file's name.
export function shardOf(word) {
  const start = [...word].slice(0, 2).join("");
  return /^[a-z0-9]+$/.test(start) ? start : "other";
}

// Known words that a word may mean, with how well each fits: itself, a longer one, one that holds it, one misspelt.
export function alike(word, known) {
  const found = [];
  for (const each of known) {
    if (each === word) found.push([each, 4]);
    else if (each.startsWith(word)) found.push([each, 3]);
    else if (word.length >= 3 && each.includes(word)) found.push([each, 2]);
  }
  if (!found.some(([, fit]) => fit > 2)) {
    const slips = word.length >= 8 ? 2 : word.length >= 4 ? 1 : 0;
    for (const each of known) if (slips && !each.includes(word) && distance(word, each, slips) <= slips) found.push([each, 1]);
  }
  return found.sort((one, other) => other[1] - one[1] || one[0].length - other[0].length).slice(0, MOST_ALIKE);
}

// How many letters must be put in, taken out, changed or swapped with their neighbour; above `most` it is not exact.
export function distance(one, other, most) {
  if (Math.abs(one.length - other.length) > most) return most + 1;
  let older = [];
  let before = Array.from({ length: other.length + 1 }, (_, place) => place);
  for (let row = 1; row <= one.length; row += 1) {
    const now = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const same = one[row - 1] === other[column - 1];
      let least = Math.min(before[column] + 1, now[column - 1] + 1, before[column - 1] + (same ? 0 : 1));
      const swapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (row > 1 && column > 1 && swapped) least = Math.min(least, older[column - 2] + 1);
      now.push(least);
    }
    if (Math.min(...now) > most) return most + 1;
    [older, before] = [before, now];
  }
  return before[other.length];
}

// Which shards to load: those of the word whose meanings the fewest tools have. Empty where a word means nothing.
export function shardsFor(meanings, counts) {
  if (!meanings.length || meanings.some((each) => !each.length)) return [];
  const weight = (each) => each.reduce((sum, [word]) => sum + counts[word], 0);
  const rarest = meanings.reduce((one, other) => (weight(other) < weight(one) ? other : one));
  return [...new Set(rarest.map(([word]) => shardOf(word)))];
}

// The tools of the shards in which each word is found, the best first.
export function toolsIn(shards, meanings, servers) {
  const found = new Map();
  for (const [place, tools] of shards.flat()) {
    const [server, serverSlug] = servers[place];
    const around = named(server);
    for (const [name, category, slug = name] of tools) {
      const score = scored(named(name), around, meanings);
      if (score) found.set(`${serverSlug}/${slug}`, { name, slug, server, serverSlug, category, score: score - name.length / 1000 });
    }
  }
  return [...found.values()].sort((one, other) => other.score - one.score || (one.name < other.name ? -1 : 1));
}

// The servers in whose names each word is found, the best first.
export function serversNamed(meanings, servers) {
  return servers
    .map(([name, slug, tools, risk]) => ({ name, slug, tools, risk, score: scored(named(name), named(""), meanings) }))
    .filter((server) => server.score)
    .sort((one, other) => other.score - one.score || other.tools - one.tools);
}

// The attacks in whose words each word is found, those with most of them in the title first.
export function attacksNamed(words, attacks) {
  if (!words.length) return [];
  return attacks
    .map(([title, slug, verdict, text], place) => ({ title, slug, verdict, text, place, score: words.filter((word) => title.toLowerCase().includes(word)).length }))
    .filter(({ text }) => words.every((word) => text.includes(word)))
    .sort((one, other) => other.score - one.score || one.place - other.place);
}

function named(name) {
  const words = wordsOf(name);
  return { words, joined: words.join("") };
}

function holds({ words, joined }, word) {
  return words.includes(word) || (word.length >= 3 && joined.includes(word));
}

function scored(own, around, meanings) {
  let sum = 0;
  for (const meaning of meanings) {
    const found = meaning.find(([word]) => holds(own, word))?.[1];
    const best = found ?? (meaning.find(([word]) => holds(around, word))?.[1] ?? 0) / 2;
    if (!best) return 0;
    sum += best;
  }
  return sum;
}
