// Drives the official TypeScript SDK 1.x: `driver_ts1.mjs legacy (http URL TOKEN | stdio COMMAND [ARG...])`.
import { ANSWERED, CAPABILITIES, SAMPLED, converse, edition, load, options, read, told, transport } from "./dialogue.mjs";

const SDK = "@modelcontextprotocol/sdk";
const { Client } = load(`${SDK}/client/index.js`);
const { CallToolResultSchema, CreateMessageRequestSchema, ElicitRequestSchema, McpError } = load(`${SDK}/types.js`);
const line = transport({ ...load(`${SDK}/client/streamableHttp.js`), ...load(`${SDK}/client/stdio.js`) });
const client = new Client({ name: "driver", version: "1" }, { capabilities: CAPABILITIES });
client.setRequestHandler(CreateMessageRequestSchema, () => SAMPLED);
client.setRequestHandler(ElicitRequestSchema, () => ANSWERED);

/** The transport is told which revision was agreed on, and nobody else. */
let revision = null;
const tellTransport = line.setProtocolVersion?.bind(line);
line.setProtocolVersion = (version) => {
  revision = version;
  tellTransport?.(version);
};

async function list() {
  const tools = [];
  let cursor;
  do {
    const page = await client.listTools({ cursor });
    tools.push(...page.tools.map((tool) => tool.name));
    cursor = page.nextCursor;
  } while (cursor);
  return { tools };
}

async function call({ name, arguments: values, ...wishes }) {
  const [progress, wanted] = options(wishes);
  return told(await client.callTool({ name, arguments: values }, CallToolResultSchema, wanted), progress);
}

await converse({
  rpcError: McpError,
  async connect() {
    await client.connect(line);
    return { revision, client: edition(SDK) };
  },
  verbs: { list, call, read: async ({ uri }) => read(await client.readResource({ uri })) },
  async close() {
    await line.terminateSession?.();
    await client.close();
  },
});
