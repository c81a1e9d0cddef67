// Drives the command line of the inspector, which makes one request a run. Arguments and dialogue: ../README.md.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { PATIENCE, converse, edition, mode, read, told, where } from "./dialogue.mjs";

const PACKAGE = "@modelcontextprotocol/inspector";
const { bin } = JSON.parse(readFileSync(`node_modules/${PACKAGE}/package.json`));
const PROGRAM = [`node_modules/${PACKAGE}/${bin["mcp-inspector"]}`, "--cli", "--format", "json", "--quiet"];
const MEGABYTES = 64 << 20;

/** What the inspector keeps goes here, not into the user's home. */
const folder = mkdtempSync(join(tmpdir(), "inspector-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** A sign-in would go as far as at a terminal. */
const ENVIRONMENT = { ...process.env, MCP_STORAGE_DIR: folder, MCP_AUTO_OPEN_ENABLED: "true" };

/** Told as the inspector reports it: the name of its error, and its sentence. */
class Failed extends Error {}

/** The options that name the server: a header for HTTP; a file for a command, which is to get our whole environment. */
function server([kind, target, ...rest]) {
  if (kind === "http") {
    return [target, "--transport", "http", "--header", `Authorization: Bearer ${rest[0]}`];
  }
  const file = join(folder, "servers.json");
  writeFileSync(file, JSON.stringify({ mcpServers: { driven: { command: target, args: rest, env: process.env } } }));
  return ["--config", file, "--server", "driven"];
}

const connection = [...server(where), "--protocol-era", mode === "legacy" || mode === "auto" ? mode : "modern"];

/** The result of one run; a tool's own error is a result too, though the inspector ends with a status for it. */
function run(method, words, timeout) {
  const done = spawnSync(process.execPath, [...PROGRAM, ...connection, "--method", method, ...words], {
    encoding: "utf8",
    env: ENVIRONMENT,
    maxBuffer: MEGABYTES,
    stdio: ["ignore", "pipe", "pipe"],
    timeout,
  });
  if (done.error) {
    throw done.error;
  }
  if (done.stdout) {
    return JSON.parse(done.stdout).result;
  }
  const { code, message } = JSON.parse(done.stderr.trim().split("\n").at(-1)).error;
  throw new Failed(`${code}: ${message}`);
}

await converse({
  connect: async () => ({ revision: null, client: edition(PACKAGE) }),
  verbs: {
    list: async () => ({ tools: run("tools/list", []).tools.map((tool) => tool.name) }),
    async call({ name, arguments: values, timeout }) {
      const words = ["--tool-name", name, "--tool-args-json", JSON.stringify(values)];
      return told(run("tools/call", words, timeout ? timeout * 1000 : PATIENCE));
    },
    read: async ({ uri }) => read(run("resources/read", ["--uri", uri])),
  },
  close: async () => {},
});
