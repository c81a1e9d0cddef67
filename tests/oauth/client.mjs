// The official TypeScript client, which signs its person in. Run in the directory of its packages with the URL of an
// endpoint. Says the authorization URL in one line, reads the URL that the browser came back to, then says the result.
import { createRequire } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";

const load = createRequire(`${process.cwd()}/`);
const { Client, StreamableHTTPClientTransport, UnauthorizedError } = load("@modelcontextprotocol/client");
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const url = new URL(process.argv[2]);
const kept = {};

const authProvider = {
  redirectUrl: "http://127.0.0.1:9/callback",
  clientMetadata: {
    client_name: "notes reader",
    redirect_uris: ["http://127.0.0.1:9/callback"],
    application_type: "native",
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: "none",
  },
  clientInformation: () => kept.client,
  saveClientInformation: (client) => { kept.client = client; },
  tokens: () => kept.tokens,
  saveTokens: (tokens) => { kept.tokens = tokens; },
  saveCodeVerifier: (verifier) => { kept.verifier = verifier; },
  codeVerifier: () => kept.verifier,
  redirectToAuthorization: (where) => { say({ sign_in: where.href }); },
};

async function connected() {
  const transport = new StreamableHTTPClientTransport(url, { authProvider });
  const client = new Client({ name: "test", version: "1" });
  try {
    await client.connect(transport);
    return client;
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const back = new URL(await line());
    await transport.finishAuth(back.searchParams);
    return connected();
  }
}

function line() {
  return new Promise((resolve) => { createInterface({ input: process.stdin }).once("line", resolve); });
}

try {
  const client = await connected();
  say({ result: await client.callTool({ name: "run", arguments: { name: "x" } }) });
  await client.close();
} catch (error) {
  say({ error: error.stack });
}
process.exit(0);
