// Drives mcp-remote: a stdio server in front of the gateway's HTTP, used through the TypeScript SDK 1.x.
// The token goes in as its documentation advises: a header that names a variable, so that no process list shows it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { edition, mode, where } from "./dialogue.mjs";
import { drive } from "./sdk1.mjs";

const [, url, token] = where;
const folder = mkdtempSync(join(tmpdir(), "mcp-remote-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
process.env.MCP_REMOTE_CONFIG_DIR = folder;
process.env.GATEWAY_AUTHORIZATION = `Bearer ${token}`;
const program = [process.execPath, "node_modules/mcp-remote/dist/proxy.js", url];
const settings = ["--header", "Authorization:${GATEWAY_AUTHORIZATION}", "--protocol", mode, "--silent"];
await drive(["stdio", ...program, ...settings], edition("mcp-remote"));
