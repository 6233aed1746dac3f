// Types of the api's bodies, from the frozen OpenAPI document: `npm run schema` writes src/api/schema.ts; a test holds the two together.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const document = new URL("../../../../docs/openapi.json", import.meta.url);
const target = new URL("../src/api/schema.ts", import.meta.url);

const nameOf = (ref) => ref.split("/").pop();

function typeOf(schema) {
  if (schema === undefined || schema === true || Object.keys(schema).length === 0) return "unknown";
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const union = schema.anyOf ?? schema.oneOf;
  if (union) return [...new Set(union.map(typeOf))].join(" | ");
  if (schema.allOf) return schema.allOf.map(typeOf).join(" & ");
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(" | ");
  if (schema.type === "array") return schema.prefixItems ? `[${schema.prefixItems.map(typeOf).join(", ")}]` : `(${typeOf(schema.items)})[]`;
  if (schema.type === "object" || schema.properties) {
    if (schema.properties) return `{\n${members(schema, "    ")}  }`;
    return `Record<string, ${typeOf(schema.additionalProperties === false ? undefined : schema.additionalProperties)}>`;
  }
  return { string: "string", number: "number", integer: "number", boolean: "boolean", null: "null" }[schema.type] ?? "unknown";
}

function members(schema, indent) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, value]) => {
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
    return `${indent}${key}${required.has(name) ? "" : "?"}: ${typeOf(value)};\n`;
  }).join("");
}

function declaration([name, schema]) {
  if (schema.properties) return `export interface ${name} {\n${members(schema, "  ")}}\n`;
  return `export type ${name} = ${typeOf(schema)};\n`;
}

export function generated() {
  const { components } = JSON.parse(readFileSync(document, "utf8"));
  const declared = Object.entries(components.schemas).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(declaration);
  return `// Written by scripts/schema.mjs from docs/openapi.json; do not edit.\n\n${declared.join("\n")}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes("--check")) process.exit(readFileSync(target, "utf8") === generated() ? 0 : 1);
  writeFileSync(target, generated());
}
