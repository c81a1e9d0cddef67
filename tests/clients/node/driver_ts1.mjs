// Drives the official TypeScript SDK 1.x. Arguments and dialogue: ../README.md.
import { edition, where } from "./dialogue.mjs";
import { SDK, drive } from "./sdk1.mjs";

await drive(where, edition(SDK));
