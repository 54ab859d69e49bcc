// The page /docs: lists what /openapi.json says and sends requests. It loads nothing but that document.
"use strict";

const make = (tag, attributes = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...children);
  return element;
};

const resolve = (api, node) => {
  while (node && node.$ref) node = node.$ref.slice(2).split("/").reduce((at, step) => at[step], api);
  return node || {};
};

// The type in a few words.
const kind = (api, schema) => {
  if (schema.$ref) return schema.$ref.split("/").pop();
  const several = schema.anyOf || schema.oneOf;
  if (several) return several.map((item) => kind(api, item)).join(" | ");
  if (schema.enum || schema.const !== undefined) return (schema.enum || [schema.const]).map((item) => JSON.stringify(item)).join(" | ");
  if (schema.type === "array") return `${kind(api, schema.items || {})}[]`;
  return [schema.type || "any", schema.format && `(${schema.format})`].filter(Boolean).join(" ");
};

// A document of this schema to begin with: its example, its defaults, the fields that it needs.
const sample = (api, node, depth = 0) => {
  const schema = resolve(api, node);
  if (schema.examples) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  const several = schema.anyOf || schema.oneOf;
  if (several) return sample(api, several[0], depth);
  if (schema.type === "object" && depth < 4) {
    const needed = schema.required || [];
    return Object.fromEntries(needed.map((name) => [name, sample(api, (schema.properties || {})[name], depth + 1)]));
  }
  return { array: [], integer: 0, number: 0, boolean: false, object: {} }[schema.type] ?? "";
};

const schemaTable = (api, node) => {
  const schema = resolve(api, node);
  if (!schema.properties) return make("p", {}, make("code", { textContent: kind(api, node) }));
  const rows = Object.entries(schema.properties).map(([name, field]) => make("tr", {},
    make("td", {}, make("code", { textContent: name + ((schema.required || []).includes(name) ? " *" : "") })),
    make("td", {}, make("code", { textContent: kind(api, field) })),
    make("td", { textContent: field.description || "" })));
  const note = schema.description ? [make("p", { textContent: schema.description })] : [];
  return make("div", {}, ...note, make("table", {}, ...rows));
};

const responsesOf = (api, operation) => Object.entries(operation.responses).map(([status, found]) => {
  const response = resolve(api, found);
  const parts = [make("summary", {}, make("b", { textContent: status }), ` ${response.description || ""}`)];
  const names = Object.entries(response.headers || {});
  if (names.length) parts.push(make("table", {}, ...names.map(([name, header]) => make("tr", {},
    make("td", {}, make("code", { textContent: name })), make("td", { textContent: header.description || "" })))));
  for (const [type, content] of Object.entries(response.content || {})) {
    parts.push(make("p", {}, make("code", { textContent: type })));
    const examples = Object.values(content.examples || {}).map((example) => resolve(api, example).value);
    if (content.example) parts.push(make("pre", { textContent: JSON.stringify(content.example, null, 2) }));
    if (examples.length) parts.push(...examples.map((value) => make("pre", { textContent: JSON.stringify(value, null, 2) })));
    else if (content.schema) parts.push(schemaTable(api, content.schema));
  }
  return make("details", {}, ...parts);
});

const inputsOf = (api, operation) => (operation.parameters || []).map((found) => {
  const parameter = resolve(api, found);
  const input = make("input", { placeholder: kind(api, parameter.schema) });
  return { parameter, input, row: make("tr", {},
    make("td", {}, make("code", { textContent: parameter.name + (parameter.required ? " *" : "") }), ` ${parameter.in}`),
    make("td", { textContent: parameter.description || "" }), make("td", {}, input)) };
});

const bodyOf = (api, operation) => {
  const content = (operation.requestBody || {}).content || {};
  if (content["application/json"]) {
    const text = JSON.stringify(sample(api, content["application/json"].schema), null, 2);
    return { type: "application/json", input: make("textarea", { value: text, spellcheck: false }) };
  }
  const [type] = Object.keys(content);
  return type ? { type, input: make("input", { type: "file" }) } : null;
};

const send = async (method, path, inputs, body, output) => {
  const headers = {}, query = new URLSearchParams();
  let url = path;
  for (const { parameter, input } of inputs) {
    if (input.value === "") continue;
    if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (parameter.in === "header") headers[parameter.name] = input.value;
    else query.append(parameter.name, input.value);
  }
  const key = document.getElementById("key").value;
  if (key) headers.Authorization = `Bearer ${key}`;
  const options = { method: method.toUpperCase(), headers };
  if (body) {
    headers["Content-Type"] = body.type;
    options.body = body.input.type === "file" ? body.input.files[0] : body.input.value;
  }
  output.textContent = "…";
  const answer = await fetch(url + (query.size ? `?${query}` : ""), options);
  const type = answer.headers.get("content-type") || "";
  const lines = [`${answer.status} ${answer.statusText}`, ...[...answer.headers].map(([name, value]) => `${name}: ${value}`), ""];
  output.textContent = lines.join("\n");
  if (type.includes("json")) output.textContent += `\n${JSON.stringify(await answer.json(), null, 2)}`;
  else if (type.includes("event-stream")) {
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) output.textContent += chunk;
  } else if (type.startsWith("text/")) output.textContent += `\n${await answer.text()}`;
  else await answer.body?.cancel();
};

const show = (api, path, method, operation) => {
  const inputs = inputsOf(api, operation), body = bodyOf(api, operation);
  const output = make("pre", { hidden: true }), button = make("button", { textContent: "Send" });
  button.onclick = () => {
    output.hidden = false;
    send(method, path, inputs, body, output).catch((error) => { output.textContent += `\n${error}`; });
  };
  const first = (operation.description || operation.summary || "").split(/(?<=\.)\s/)[0];
  const inside = make("div", {}, make("p", { textContent: operation.description || "" }));
  if (inputs.length) inside.append(make("table", {}, ...inputs.map((item) => item.row)));
  for (const [type, content] of Object.entries((operation.requestBody || {}).content || {})) {
    inside.append(make("details", {}, make("summary", {}, "Body ", make("code", { textContent: type })), schemaTable(api, content.schema)));
  }
  for (const { lang, source } of operation["x-codeSamples"] || []) {
    inside.append(make("details", {}, make("summary", {}, lang), make("pre", { textContent: source })));
  }
  if (body) inside.append(body.input);
  inside.append(button, output, make("h4", { textContent: "Responses" }), ...responsesOf(api, operation));
  return make("details", { className: "operation", id: operation.operationId }, make("summary", {},
    make("span", { className: `method ${method}`, textContent: method.toUpperCase() }),
    make("span", { className: "path", textContent: path }), make("span", { className: "what", textContent: first })), inside);
};

const start = async () => {
  const api = await (await fetch("/openapi.json")).json();
  document.getElementById("version").textContent = api.info.version;
  document.getElementById("description").textContent = api.info.description;
  const sections = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = (operation.tags || ["other"])[0];
      if (!sections.has(tag)) sections.set(tag, make("section", {}, make("h2", { textContent: tag })));
      sections.get(tag).append(show(api, path, method, operation));
    }
  }
  document.getElementById("operations").append(...sections.values());
  if (location.hash) document.querySelector(location.hash)?.setAttribute("open", "");
};

start();
