// Accounts: who may what, where; the first password is shown once and must be changed.
import { useState } from "react";
import { ask, send } from "../api/client";
import type { Account, FirstPassword, NewAccount, ScopeShape } from "../api/schema";
import { asError } from "../api/use";
import { labelOf, useLabel, useMeta } from "../app/session";
import { Button, Field } from "../ui";
import { toast } from "../ui/toast";
import { FormDialog, SecretDialog, listOf } from "./ask";
import { Keys } from "./Keys";
import { Paged } from "./paged";
import { useWords } from "./words";

export default function Accounts() {
  const say = useWords();
  const label = useLabel();
  const meta = useMeta();
  const [round, setRound] = useState(0);
  const [adding, setAdding] = useState(false);
  const [keysOf, setKeysOf] = useState<Account | null>(null);
  const [password, setPassword] = useState<string | null>(null);
  const [resetting, setResetting] = useState<Account | null>(null);
  const again = (): void => setRound((before) => before + 1);
  const failed = (error: unknown): void => toast(asError(error).message, true);
  const unlock = (row: Account): void => { send(`/v1/accounts/${row.id}/unlock`, { method: "POST" }).then(again, failed); };
  const activate = (row: Account): void => { send(`/v1/accounts/${row.id}`, { method: "PATCH", body: { active: !row.active }, ifMatch: `"${row.version}"` }).then(again, failed); };
  return (
    <>
      <div className="row"><Button look="primary" onClick={() => setAdding(true)}>{say("add")}</Button></div>
      <Paged<Account> path="/v1/accounts" query={{ limit: 100 }} round={round} keyOf={(row) => row.id} columns={[
        { name: say("login"), kind: "whole", cell: (row) => <code>{row.login}</code> },
        { name: say("name"), cell: (row) => row.name },
        { name: say("role"), kind: "whole", cell: (row) => label("roles", row.role) },
        { name: say("scope"), cell: (row) => <span className="small">{scopeText(row.scope, say("everything"))}</span> },
        { name: say("state"), kind: "whole", cell: (row) => <><span className={`tag ${row.active ? "good" : "bad"}`}>{say(row.active ? "active" : "disabled")}</span>{row.locked_until ? <span className="tag bad">{say("locked")}</span> : null}{row.totp ? <span className="tag">TOTP</span> : null}</> },
        { name: "", kind: "whole", cell: (row) => (
          <span className="row wrap">
            <Button look="tiny" onClick={() => setKeysOf(row)}>{say("keys")}</Button>
            <Button look="tiny" onClick={() => setResetting(row)}>{say("reset")}</Button>
            {row.locked_until ? <Button look="tiny" onClick={() => unlock(row)}>{say("unlock")}</Button> : null}
            <Button look={row.active ? "tiny danger" : "tiny"} onClick={() => activate(row)}>{say(row.active ? "deactivate" : "activate")}</Button>
          </span>
        ) },
      ]} />
      {keysOf ? <section className="stack large"><h2>{say("keys")} · {keysOf.login}</h2><Keys path={`/v1/accounts/${keysOf.id}/keys`} revokePath="/v1/keys" permissions={meta.roles.find((role) => role.code === keysOf.role)?.permissions} make={keysOf.role === "partner"} /></section> : null}
      {adding ? <Add close={() => setAdding(false)} made={(made) => { setPassword(made.first_password ? `${made.login}  ${made.first_password}` : null); again(); }} /> : null}
      {resetting ? <Reset account={resetting} close={() => setResetting(null)} done={(body) => { setPassword(`${body.login}  ${body.first_password}`); again(); }} /> : null}
      {password ? <SecretDialog lead={say("passwordOnce")} secret={password} close={() => setPassword(null)} /> : null}
    </>
  );
}

function Reset({ account, close, done }: { account: Account; close: () => void; done: (body: FirstPassword) => void }) {
  const say = useWords();
  return (
    <FormDialog title={`${say("reset")} · ${account.login}`} close={close} act={async (given) => {
      const { body } = await ask<FirstPassword>(`/v1/accounts/${account.id}/reset-password`, { body: { revoke_keys: given.get("revoke_keys") !== null } });
      if (body.keys_revoked > 0) toast(say("keysRevoked", { count: body.keys_revoked }));
      done(body);
    }}>
      <p>{say("resetLead")}</p>
      <label className="row"><input type="checkbox" name="revoke_keys" />{say("revokeKeys")}</label>
    </FormDialog>
  );
}

export function scopeText(scope: ScopeShape, everything: string): string {
  const parts = [scope.divisions, scope.operators, scope.classes].filter((one) => one !== null).map((one) => one.join(", "));
  return parts.length > 0 ? parts.join(" · ") : everything;
}

function Add({ close, made }: { close: () => void; made: (account: NewAccount) => void }) {
  const say = useWords();
  const meta = useMeta();
  return (
    <FormDialog title={say("add")} close={close} act={async (given) => {
      const [divisions, operators] = [listOf(given.get("divisions")), listOf(given.get("operators"))];
      const scope = { ...(divisions.length > 0 && { divisions }), ...(operators.length > 0 && { operators }) };
      made((await ask<NewAccount>("/v1/accounts", { body: { login: String(given.get("login")), name: String(given.get("name")), role: String(given.get("role")), scope } })).body);
    }}>
      <Field label={say("login")}><input name="login" required autoCapitalize="none" spellCheck={false} autoFocus /></Field>
      <Field label={say("name")}><input name="name" required /></Field>
      <Field label={say("role")}><select name="role">{meta.roles.map((role) => <option key={role.code} value={role.code}>{labelOf(meta.roles, role.code)}</option>)}</select></Field>
      <Field label={say("divisions")}><input name="divisions" placeholder="6401, 6403" /></Field>
      <Field label={say("operators")}><input name="operators" /></Field>
    </FormDialog>
  );
}
