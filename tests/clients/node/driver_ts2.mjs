// Drives the official TypeScript client 2.x. Arguments and dialogue: ../README.md.
import {
  ANSWERED,
  CAPABILITIES,
  SAMPLED,
  converse,
  edition,
  load,
  mode,
  options,
  progressed,
  read,
  told,
  transport,
  where,
} from "./dialogue.mjs";

const PACKAGE = "@modelcontextprotocol/client";
const { Client, ProtocolError, ...transports } = load(PACKAGE);
const line = transport({ ...transports, ...load(`${PACKAGE}/stdio`) }, where);
const versionNegotiation = { mode: mode === "legacy" || mode === "auto" ? mode : { pin: mode } };
const client = new Client({ name: "driver", version: "1" }, { capabilities: CAPABILITIES, versionNegotiation });
client.setRequestHandler("sampling/createMessage", () => SAMPLED);
client.setRequestHandler("elicitation/create", () => ANSWERED);
client.setNotificationHandler("notifications/progress", progressed);

await converse({
  rpcError: ProtocolError,
  async connect() {
    await client.connect(line);
    return { revision: client.getNegotiatedProtocolVersion(), client: edition(PACKAGE) };
  },
  verbs: {
    list: async () => ({ tools: (await client.listTools()).tools.map((tool) => tool.name) }),
    async call({ name, arguments: values, ...wishes }) {
      return told(await client.callTool({ name, arguments: values }, options(wishes)));
    },
    read: async ({ uri }) => read(await client.readResource({ uri })),
  },
  async close() {
    await line.terminateSession?.();
    await client.close();
  },
});
