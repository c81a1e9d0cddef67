// The search of a built site, run over the files that were built: `node finding.test.mjs SITE`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { alike, attacksNamed, distance, serversNamed, shardsFor, toolsIn, wordsOf } from "../../src/toolgate/site/static/finding.js";

const load = (name) => JSON.parse(readFileSync(`${process.argv[2]}/search/${name}.json`, "utf8"));
const counts = load("words");
const servers = load("servers");

function tools(text) {
  const meanings = wordsOf(text).map((word) => alike(word, Object.keys(counts)));
  return toolsIn(shardsFor(meanings, counts).map((shard) => load(`shard-${shard}`)), meanings, servers);
}

assert.equal(tools("run")[0].name.toLowerCase(), "run");
assert.equal(tools("remove crate")[0].name, "remove_crate");
assert.equal(tools("removeCrate")[0].name, "remove_crate");
assert.equal(tools("remvoe crtae")[0].name, "remove_crate", "slips are forgiven");
assert.equal(tools("cargo tree")[0].name, "tree", "words of the server count");
assert.equal(tools("invoic")[0].name, "pay_invoice", "the last letters may be missing");
assert.equal(tools("get_104")[0].name, "get_104");
assert.deepEqual(tools("zzzzqqq"), []);
assert.deepEqual(tools(""), []);
assert.deepEqual(tools("高德").map((tool) => tool.name), ["高德天气查询助手"]);

const named = serversNamed(wordsOf("carg").map((word) => alike(word, servers.flatMap(([name]) => wordsOf(name)))), servers);
assert.equal(named[0].slug, "acme--cargo");

const attacks = load("attacks");
assert.equal(attacksNamed(wordsOf("server copies each mail"), attacks)[0].slug, "silent-copy");
assert.ok(attacksNamed(wordsOf("prefix traversal"), attacks).some(({ slug }) => slug === "path-prefix-bypass"));
assert.deepEqual(attacksNamed(wordsOf("prefix zzzzqqq"), attacks), []);
assert.deepEqual(attacksNamed([], attacks), []);

assert.equal(distance("delete", "delete", 2), 0);
assert.equal(distance("delete", "dleete", 2), 1);
assert.equal(distance("delete", "delte", 2), 1);
assert.ok(distance("delete", "create", 1) > 1);
