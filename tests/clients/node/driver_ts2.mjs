// Drives the official TypeScript client 2.x: `driver_ts2.mjs MODE (http URL TOKEN | stdio COMMAND [ARG...])`.
import process from "node:process";
import { ANSWERED, CAPABILITIES, SAMPLED, converse, edition, load, options, read, told, transport } from "./dialogue.mjs";

const PACKAGE = "@modelcontextprotocol/client";
const { Client, ProtocolError, ...transports } = load(PACKAGE);
const line = transport({ ...transports, ...load(`${PACKAGE}/stdio`) });
const asked = process.argv[2];
const mode = asked === "legacy" || asked === "auto" ? asked : { pin: asked };
const client = new Client(
  { name: "driver", version: "1" },
  { capabilities: CAPABILITIES, versionNegotiation: { mode } },
);
client.setRequestHandler("sampling/createMessage", () => SAMPLED);
client.setRequestHandler("elicitation/create", () => ANSWERED);

async function list() {
  return { tools: (await client.listTools()).tools.map((tool) => tool.name) };
}

async function call({ name, arguments: values, ...wishes }) {
  const [progress, wanted] = options(wishes);
  return told(await client.callTool({ name, arguments: values }, wanted), progress);
}

await converse({
  rpcError: ProtocolError,
  async connect() {
    await client.connect(line);
    return { revision: client.getNegotiatedProtocolVersion(), client: edition(PACKAGE) };
  },
  verbs: { list, call, read: async ({ uri }) => read(await client.readResource({ uri })) },
  async close() {
    await line.terminateSession?.();
    await client.close();
  },
});
