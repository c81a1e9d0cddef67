// The conversation of a test with a client that runs in Node: JSON lines as tests/clients/README.md tells them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";

/** Milliseconds that a request without a time-out of its own may take. */
export const PATIENCE = 90_000;

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

/** How the command line says to connect: `http URL TOKEN` or `stdio COMMAND [ARG...]`, after the mode. */
export const [mode, ...where] = process.argv.slice(2);

/** The transport of the official SDK for such words. */
export function transport({ StreamableHTTPClientTransport, StdioClientTransport }, [kind, target, ...rest]) {
  if (kind === "stdio") {
    return new StdioClientTransport({ command: target, args: rest, env: process.env });
  }
  const headers = { Authorization: `Bearer ${rest[0]}` };
  return new StreamableHTTPClientTransport(new URL(target), { requestInit: { headers } });
}

/** The progress of the one call that is under way. */
const seen = [];

/** Handles notifications/progress. The SDK's own `onprogress` forgets what arrives in one piece with the result. */
export function progressed({ params: { progress, total = null, message = null } }) {
  seen.push([progress, total, message]);
}

/** The options of one call; with `onprogress` the SDK asks for progress. */
export function options({ progress, timeout }) {
  seen.length = 0;
  return { timeout: timeout ? timeout * 1000 : PATIENCE, ...(progress && { onprogress() {} }) };
}

/** A tool's result as an answer. */
export function told(result) {
  return {
    is_error: result.isError ?? false,
    text: result.content.map((block) => block.text ?? "").join(""),
    structured: result.structuredContent ?? null,
    progress: seen,
  };
}

/** A resource's contents as an answer. */
export function read(result) {
  return { text: result.contents.map((block) => block.text ?? "").join("") };
}

function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** What the client threw; the code is that of a JSON-RPC error, for other errors carry codes of another kind. */
function raised(error, rpcError) {
  const code = rpcError && error instanceof rpcError ? error.code : null;
  return { raised: error.constructor.name, code, text: error.message };
}

/** Connects, then answers requests until standard input ends, then disconnects. `rpcError` is the client's class. */
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
  await close().catch(() => {}); // by now the server may be gone, or the access to it
  process.exit(0);
}
