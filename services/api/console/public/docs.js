// The operations of openapi.json on one page that needs nothing from elsewhere.
import { signedIn, signOut } from "/console/session.js";
import { applyWords, make, toggleLanguage, word } from "/console/words.js";

let openapi = null;

function named(schema) {
  return schema?.$ref ? openapi.components.schemas[schema.$ref.split("/").pop()] : schema;
}

function type(given) {
  const schema = named(given);
  if (!schema) return "";
  if (schema.properties) return "{…}";
  if (schema.anyOf) return schema.anyOf.map(type).filter((name) => name !== "null").join(" | ");
  if (schema.type === "array") return `${type(schema.items)}, …`;
  return schema.enum ? schema.enum.join(" | ") : [schema.type, schema.format].filter(Boolean).join(", ");
}

// `code` between backticks, the rest as it stands.
function prose(tag, className, text) {
  const found = make(tag, className);
  text.split("`").forEach((part, place) => found.append(place % 2 ? make("code", "", part) : part));
  return found;
}

function table(heads, lines) {
  const found = make("table");
  const head = found.createTHead().insertRow();
  for (const text of heads) head.append(make("th", "", text));
  const rows = found.createTBody();
  for (const line of lines) {
    const row = rows.insertRow();
    for (const text of line) row.append(make("td", "", text));
  }
  return found;
}

function meaning(parameter) {
  const said = parameter.description ?? parameter.schema?.description ?? "";
  return parameter.example === undefined ? said : `${said} (${[parameter.example].flat().join(",")})`;
}

function example(content) {
  const [media, described] = Object.entries(content)[0];
  const given = described.example ?? Object.values(described.examples ?? {})[0]?.value;
  if (given === undefined) return [];
  return [make("h3", "", media), make("pre", "", typeof given === "string" ? given : JSON.stringify(given, null, 1))];
}

function operation(path, method, described) {
  const found = make("details");
  found.id = described.operationId;
  const summary = make("summary");
  summary.append(make("span", "method", method.toUpperCase()), make("code", "", path), make("span", "title", described.summary));
  const body = make("div", "body");
  body.append(prose("p", "", described.description ?? ""));
  const parameters = described.parameters ?? [];
  if (parameters.length) {
    body.append(table([word("parameter"), "", word("type"), word("meaning")],
      parameters.map((one) => [one.name, one.in, type(one.schema), meaning(one)])));
  } else if (method === "get" && !path.includes("{")) {
    const link = make("a", "", path);
    link.href = path;
    body.append(link);
  }
  const sent = named(described.requestBody?.content["application/json"].schema);
  if (sent) {
    body.append(make("h3", "", word("body")));
    body.append(table([word("parameter"), "", word("type"), word("meaning")], Object.entries(sent.properties ?? {}).map(
      ([name, one]) => [name, sent.required?.includes(name) ? "*" : "", type(one), one.description ?? ""])));
    body.append(...example(described.requestBody.content));
  }
  for (const [status, answer] of Object.entries(described.responses)) {
    if (status === "200" || status === "201") body.append(...example(answer.content ?? {}));
    else body.append(make("h3", "", `${status} ${answer.description}`));
  }
  found.append(summary, body);
  return found;
}

applyWords();
const me = await signedIn();
document.getElementById("who").textContent = me.name;
openapi = await (await fetch("/openapi.json")).json();
document.getElementById("intro").replaceWith(prose("p", "intro", openapi.info.description));
const target = document.getElementById("operations");
draw();

function draw() {
  target.replaceChildren();
  for (const tag of openapi.tags) {
    target.append(make("h2", "", tag.description));
    for (const [path, methods] of Object.entries(openapi.paths)) {
      for (const [method, described] of Object.entries(methods)) {
        if (described.tags?.includes(tag.name)) target.append(operation(path, method, described));
      }
    }
  }
}
if (location.hash) {
  const chosen = document.getElementById(location.hash.slice(1));
  if (chosen) chosen.open = true;
}
document.getElementById("language").addEventListener("click", () => {
  toggleLanguage();
  applyWords();
  draw();
});
document.getElementById("sign-out").addEventListener("click", signOut);
