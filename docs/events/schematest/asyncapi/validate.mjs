// Reads a document as any tool for AsyncAPI does, and ends with 1 if it has a fault.
import { Parser, fromFile } from "@asyncapi/parser";

const parser = new Parser();
const { document, diagnostics } = await fromFile(parser, process.argv[2]).parse();
const faults = diagnostics.filter((d) => d.severity === 0);
for (const d of faults) console.error(`${d.path.join(".")}: ${d.message}`);
if (!document || faults.length > 0) process.exit(1);
const messages = document.messages().all();
console.log(JSON.stringify({
  version: document.version(),
  channels: document.channels().all().map((c) => c.address()),
  payloads: messages.filter((m) => m.hasPayload()).length,
  types: messages.map((m) => m.payload()?.json()?.properties?.type?.const).filter(Boolean),
}));
