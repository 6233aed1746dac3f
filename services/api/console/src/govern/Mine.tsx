// One's own account: what one may, the password, and one's keys.
import { useState } from "react";
import { send } from "../api/client";
import { useLabel, useMe } from "../app/session";
import { Button, Field } from "../ui";
import { toast } from "../ui/toast";
import { scopeText } from "./Accounts";
import { FormDialog } from "./ask";
import { Keys } from "./Keys";
import { useWords } from "./words";

export default function Mine() {
  const say = useWords();
  const me = useMe();
  const label = useLabel();
  const [changing, setChanging] = useState(false);
  const [round, setRound] = useState(0);
  return (
    <>
      <dl className="facts panel padded">
        <dt>{say("name")}</dt><dd>{me.name} <code className="faint small">{me.id}</code></dd>
        <dt>{say("role")}</dt><dd>{label("roles", me.role)}</dd>
        <dt>{say("scope")}</dt><dd>{scopeText(me.scope, say("everything"))}</dd>
        <dt>{say("permissions")}</dt><dd className="row wrap">{me.permissions.map((one) => <span key={one} className="tag">{one}</span>)}</dd>
      </dl>
      <div className="row"><Button onClick={() => setChanging(true)}>{say("password")}</Button></div>
      <h2>{say("myKeys")}</h2>
      <Keys key={round} path="/v1/me/keys" revokePath="/v1/me/keys" />
      {changing ? (
        <FormDialog title={say("password")} close={() => setChanging(false)} act={async (given) => {
          await send("/v1/me/password", { method: "PUT", body: { old: String(given.get("old")), new: String(given.get("new")), revoke_keys: given.get("revoke_keys") !== null } });
          setRound(round + 1);
          toast(say("changed"));
        }}>
          <Field label={say("old")}><input type="password" name="old" required autoComplete="current-password" autoFocus /></Field>
          <Field label={say("new")}><input type="password" name="new" required minLength={12} autoComplete="new-password" /></Field>
          <label className="row"><input type="checkbox" name="revoke_keys" />{say("revokeKeys")}</label>
        </FormDialog>
      ) : null}
    </>
  );
}
