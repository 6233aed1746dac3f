// The form of an action that needs more than a key.
import { useState } from "react";
import type { FormEvent, KeyboardEvent } from "react";
import { labelOf, useMeta } from "../app/session";
import { Button, Dialog, Field } from "../ui";
import { localOf, utcOf } from "../words/format";
import type { Verb } from "./verbs";
import { useWords } from "./words";

const DAY_MS = 86_400_000;

export function ActionForm({ verb, close, act }: { verb: Verb; close: () => void; act: (body: Record<string, unknown>) => Promise<void> }) {
  const say = useWords();
  const meta = useMeta();
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [tomorrow] = useState(() => localOf(Date.now() + DAY_MS));
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const given = Object.fromEntries([...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value).trim()]).filter(([, value]) => value));
    if (given["due"]) given["due"] = utcOf(given["due"]);
    setBusy(true);
    try {
      await act(given);
      close();
    } catch (problem) {
      setError((problem as Error).message);
      setBusy(false);
    }
  };
  const hurry = (event: KeyboardEvent<HTMLFormElement>): void => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
  };
  const needsText = verb === "comment" || verb === "reopen";
  return (
    <Dialog title={labelOf(meta.actions, verb)} close={close}>
      <form className="stack large" onSubmit={submit} onKeyDown={hurry}>
        {verb === "assign" ? <Field label={say("account")}><input name="account" required autoFocus autoCapitalize="none" spellCheck={false} /></Field> : null}
        {verb === "supervise" ? (
          <>
            <Field label={say("level")}><select name="level" autoFocus>{meta.supervisions.map((one) => <option key={one.code} value={one.code}>{labelOf(meta.supervisions, one.code)}</option>)}</select></Field>
            <Field label={`${say("due")} (Asia/Shanghai)`}><input type="datetime-local" name="due" required defaultValue={tomorrow} /></Field>
          </>
        ) : null}
        {verb === "resolve" ? (
          <fieldset className="choices">
            <legend className="soft small">{say("reason")}</legend>
            {meta.resolutions.map((one, place) => (
              <label key={one.code} className="row"><input type="radio" name="reason" value={one.code} defaultChecked={place === 0} autoFocus={place === 0} />{labelOf(meta.resolutions, one.code)}</label>
            ))}
          </fieldset>
        ) : null}
        <Field label={needsText ? say("text") : say("note")}><textarea name="text" maxLength={2000} required={needsText} autoFocus={needsText} /></Field>
        {error ? <p className="said bad" role="alert">{error}</p> : null}
        <div className="row end"><Button onClick={close}>{say("cancel")}</Button><Button type="submit" look="primary" disabled={busy}>{say("confirm")}</Button></div>
      </form>
    </Dialog>
  );
}
