// API keys of an account, one's own or another's: what each may, until when, and an end to it.
import { useState } from "react";
import { ask, send } from "../api/client";
import type { Key, NewKeyShown } from "../api/schema";
import { asError } from "../api/use";
import { useMe } from "../app/session";
import { Button, Field, Time } from "../ui";
import { toast } from "../ui/toast";
import { utcOf } from "../words/format";
import { FormDialog, SecretDialog } from "./ask";
import { Paged } from "./paged";
import { useWords } from "./words";

export function Keys({ path, revokePath, permissions, make = true }: { path: string; revokePath: string; permissions?: readonly string[]; make?: boolean }) {
  const say = useWords();
  const me = useMe();
  const [round, setRound] = useState(0);
  const [adding, setAdding] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const revoke = (row: Key): void => {
    if (!confirm(say("sure", { what: say("revoke") }))) return;
    send(`${revokePath}/${row.id}`, { method: "DELETE" }).then(() => setRound(round + 1), (error: unknown) => toast(asError(error).message, true));
  };
  return (
    <>
      {make ? <div className="row"><Button onClick={() => setAdding(true)}>{say("newKey")}</Button></div> : null}
      <Paged<Key> path={path} none={say("noKeys")} round={round} keyOf={(row) => row.id} columns={[
        { name: say("name"), cell: (row) => row.name },
        { name: say("permissions"), cell: (row) => <span className="small">{row.scopes.join(", ")}</span> },
        { name: say("expires"), kind: "whole", cell: (row) => (row.expires ? <Time time={row.expires} long /> : "—") },
        { name: say("used"), kind: "whole", cell: (row) => (row.used ? <Time time={row.used} long /> : "—") },
        { name: "", kind: "whole", cell: (row) => (row.revoked ? <span className="tag bad">{say("revoked")}</span> : <Button look="tiny danger" onClick={() => revoke(row)}>{say("revoke")}</Button>) },
      ]} />
      {adding ? (
        <FormDialog title={say("newKey")} close={() => setAdding(false)} act={async (given) => {
          const expires = String(given.get("expires") ?? "");
          const { body } = await ask<NewKeyShown>(path, { body: { name: String(given.get("name")), scopes: given.getAll("scopes").map(String), ...(expires && { expires: utcOf(expires) }) } });
          setSecret(body.key);
          setRound(round + 1);
        }}>
          <Field label={say("name")}><input name="name" required maxLength={200} autoFocus /></Field>
          <Field label={`${say("expires")} (Asia/Shanghai)`}><input type="datetime-local" name="expires" /></Field>
          <fieldset className="check-grid"><legend className="soft small">{say("permissions")}</legend>{(permissions ?? me.permissions).map((one) => <label key={one} className="row small"><input type="checkbox" name="scopes" value={one} />{one}</label>)}</fieldset>
        </FormDialog>
      ) : null}
      {secret ? <SecretDialog lead={say("keyOnce")} secret={secret} close={() => setSecret(null)} /> : null}
    </>
  );
}
