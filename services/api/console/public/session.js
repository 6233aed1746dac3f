// Who is signed in, and the form that asks; every page of ours calls `signedIn` before it asks for anything else.
import { applyWords, language, make, toggleLanguage, word } from "/console/words.js";

const PROVIDER = "/v1/session/oidc";
const dialog = make("dialog", "sign-in");
dialog.addEventListener("cancel", (event) => event.preventDefault()); // there is nothing behind it yet

async function send(method, path, body) {
  const headers = { "Accept-Language": language, ...(body && { "Content-Type": "application/json" }) };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const found = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw Object.assign(new Error(found.errors?.[0]?.detail ?? found.detail), { type: found.type.split(":").pop() });
  return found;
}

// Words that follow a change of language while the form is open.
function text(key, tag = "span") {
  const found = make(tag, "", word(key));
  found.dataset.text = key;
  return found;
}

function field(name, type, autocomplete) {
  const label = make("label");
  const input = make("input");
  Object.assign(input, { name, type, autocomplete, required: true, autocapitalize: "none", spellcheck: false });
  label.append(text(name), input);
  return label;
}

// One form at a time; resolves when it was sent and accepted.
function ask(title, fields, accept) {
  return new Promise((resolve) => {
    const form = make("form");
    const said = make("p", "said");
    said.role = "alert";
    const button = text("go", "button");
    const other = text("other", "button");
    Object.assign(other, { type: "button", className: "other" });
    other.addEventListener("click", () => {
      toggleLanguage();
      applyWords();
      said.textContent = "";
    });
    form.append(text(title, "h2"), other, ...fields, said, button);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        resolve(await accept(Object.fromEntries(new FormData(form)), form));
      } catch (error) {
        said.textContent = error.message;
        button.disabled = false;
        (form.elements.code ?? form.querySelector("input[type=password]"))?.select();
      }
    });
    dialog.replaceChildren(form);
    if (!dialog.isConnected) document.body.append(dialog);
    if (!dialog.open) dialog.showModal();
    form.querySelector("input")?.focus();
  });
}

async function signIn() {
  offerProvider();
  return ask("signIn", [field("login", "text", "username"), field("password", "password", "current-password")], async (given, form) => {
    try {
      return { me: await send("POST", "/v1/session", given), password: given.password };
    } catch (error) {
      if (error.type === "code-required" && !form.elements.code) form.querySelector(".said").before(field("code", "text", "one-time-code"));
      throw error;
    }
  });
}

// An identity provider, if one is set up: it answers with a redirect, which a page may not read but can tell.
async function offerProvider() {
  const answer = await fetch(PROVIDER, { redirect: "manual" });
  const form = dialog.querySelector("form");
  if (answer.type !== "opaqueredirect" || !form) return;
  const link = text("provider", "a");
  link.href = PROVIDER;
  form.append(link);
}

async function change(old) {
  await ask("changePassword", [field("new", "password", "new-password")], (given) => send("PUT", "/v1/me/password", { old, new: given.new }));
}

export async function signedIn() {
  let me;
  try {
    me = await send("GET", "/v1/me");
  } catch (error) {
    if (error.type !== "login-required") throw error;
  }
  let password = "";
  if (!me || me.must_change_password) ({ me, password } = await signIn());
  if (me.must_change_password) await change(password);
  if (dialog.open) dialog.close();
  return me;
}

export async function signOut() {
  await send("DELETE", "/v1/session");
  location.reload();
}
