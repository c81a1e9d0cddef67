// What the official TypeScript SDK 1.x is driven with, in front of a server or of a program that stands for one.
import {
  ANSWERED,
  CAPABILITIES,
  SAMPLED,
  converse,
  load,
  options,
  progressed,
  read,
  told,
  transport,
} from "./dialogue.mjs";

export const SDK = "@modelcontextprotocol/sdk";
const { Client } = load(`${SDK}/client/index.js`);
const types = load(`${SDK}/types.js`);
const transports = { ...load(`${SDK}/client/streamableHttp.js`), ...load(`${SDK}/client/stdio.js`) };

function newClient() {
  const client = new Client({ name: "driver", version: "1" }, { capabilities: CAPABILITIES });
  client.setRequestHandler(types.CreateMessageRequestSchema, () => SAMPLED);
  client.setRequestHandler(types.ElicitRequestSchema, () => ANSWERED);
  client.setNotificationHandler(types.ProgressNotificationSchema, progressed);
  return client;
}

async function allTools(client) {
  const tools = [];
  let cursor;
  do {
    const page = await client.listTools({ cursor });
    tools.push(...page.tools.map((tool) => tool.name));
    cursor = page.nextCursor;
  } while (cursor);
  return tools;
}

/** Converses over the transport that `where` names, as the client `edition`. */
export async function drive(where, edition) {
  const line = transport(transports, where);
  const client = newClient();
  await converse({
    rpcError: types.McpError,
    async connect() {
      await client.connect(line);
      return { revision: line.protocolVersion ?? null, client: edition };
    },
    verbs: {
      list: async () => ({ tools: await allTools(client) }),
      async call({ name, arguments: values, ...wishes }) {
        const wanted = options(wishes);
        return told(await client.callTool({ name, arguments: values }, types.CallToolResultSchema, wanted));
      },
      read: async ({ uri }) => read(await client.readResource({ uri })),
    },
    async close() {
      await line.terminateSession?.();
      await client.close();
    },
  });
}
