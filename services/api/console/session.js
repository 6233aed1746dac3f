// Who is signed in, and the form that asks; every page of ours calls `signedIn` before it asks for anything else.
import { language, make, word } from "/console/words.js";

const dialog = make("dialog", "sign-in");

async function send(method, path, body) {
  const headers = { "Accept-Language": language, ...(body && { "Content-Type": "application/json" }) };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const found = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw Object.assign(new Error(found.errors?.[0]?.detail ?? found.detail), { type: found.type.split(":").pop() });
  return found;
}

function field(name, type, autocomplete) {
  const label = make("label");
  const input = make("input");
  Object.assign(input, { name, type, autocomplete, required: true });
  label.append(make("span", "", word(name)), input);
  return label;
}

// One form at a time; resolves when it was sent and accepted.
function ask(title, fields, accept) {
  return new Promise((resolve) => {
    const form = make("form");
    const said = make("p", "said");
    said.role = "alert";
    const button = make("button", "", word("go"));
    form.append(make("h2", "", title), ...fields, said, button);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        resolve(await accept(Object.fromEntries(new FormData(form)), form));
      } catch (error) {
        said.textContent = error.message;
        button.disabled = false;
      }
    });
    dialog.replaceChildren(form);
    if (!dialog.isConnected) document.body.append(dialog);
    if (!dialog.open) dialog.showModal();
    form.querySelector("input")?.focus();
  });
}

async function signIn() {
  return ask(word("signIn"), [field("login", "text", "username"), field("password", "password", "current-password")], async (given, form) => {
    try {
      return { me: await send("POST", "/v1/session", given), password: given.password };
    } catch (error) {
      if (error.type === "code-required" && !form.elements.code) form.querySelector(".said").before(field("code", "text", "one-time-code"));
      throw error;
    }
  });
}

async function change(old) {
  await ask(word("changePassword"), [field("new", "password", "new-password")], (given) => send("PUT", "/v1/me/password", { old, new: given.new }));
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
