// The conversation of a test with a client that runs in Node: JSON lines as tests/clients/README.md tells them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";

const MINUTE = 60_000;

/** Loads a module of the set of packages that the driver runs in: its working directory. */
export const load = createRequire(`${process.cwd()}/`);

/** The name and version of an installed package. */
export function edition(name) {
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`));
  return `${name} ${version}`;
}

/** What the client says to a server that samples, and to one that asks a question. */
export const SAMPLED = { model: "model", role: "assistant", content: { type: "text", text: "sampled" }, stopReason: "endTurn" };
export const ANSWERED = { action: "accept", content: { name: "Ada" } };
export const CAPABILITIES = { sampling: {}, elicitation: {} };

/** The transport that the command line asks for: `MODE http URL TOKEN` or `MODE stdio COMMAND [ARG...]`. */
export function transport({ StreamableHTTPClientTransport, StdioClientTransport }) {
  const [kind, target, ...rest] = process.argv.slice(3);
  if (kind === "stdio") {
    return new StdioClientTransport({ command: target, args: rest, env: process.env });
  }
  const headers = { Authorization: `Bearer ${rest[0]}` };
  return new StreamableHTTPClientTransport(new URL(target), { requestInit: { headers } });
}

/** The options of one request, and the list that its progress goes to. */
export function options({ progress, timeout }) {
  const seen = [];
  const onprogress = (p) => seen.push([p.progress, p.total ?? null, p.message ?? null]);
  return [seen, { timeout: timeout ? timeout * 1000 : MINUTE, ...(progress && { onprogress }) }];
}

/** A tool's result as an answer. */
export function told(result, progress) {
  return {
    is_error: result.isError ?? false,
    text: result.content.map((block) => block.text ?? "").join(""),
    structured: result.structuredContent ?? null,
    progress,
  };
}

/** A resource's contents as an answer. */
export function read(result) {
  return { text: result.contents.map((block) => block.text ?? "").join("") };
}

function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** What the client threw, with the code of a JSON-RPC error: other errors carry codes of another kind. */
function raised(error, rpcError) {
  const code = error instanceof rpcError ? error.code : null;
  return { raised: error.constructor.name, code, text: error.message };
}

/** Connects, then answers requests until standard input ends, then disconnects. */
export async function converse({ connect, verbs, close, rpcError }) {
  try {
    say(await connect());
  } catch (error) {
    say(raised(error, rpcError));
    process.exit(1);
  }
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: verb, ...request } = JSON.parse(line);
    try {
      say(await verbs[verb](request));
    } catch (error) {
      say(raised(error, rpcError));
    }
  }
  await close();
  process.exit(0);
}
