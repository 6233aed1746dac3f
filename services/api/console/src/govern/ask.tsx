// Small dialogs: a form of a few fields, a question before what cannot be undone, and a secret that is shown once.
import { useState } from "react";
import type { FormEvent, ReactNode } from "react";
import { Button, Dialog } from "../ui";
import { useWords } from "./words";

export function FormDialog({ title, close, act, children }: { title: string; close: () => void; act: (given: FormData) => Promise<void>; children?: ReactNode }) {
  const say = useWords();
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      await act(new FormData(event.currentTarget));
      close();
    } catch (problem) {
      setError((problem as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} close={close}>
      <form className="stack large" onSubmit={submit}>
        {children}
        {error ? <p className="said bad" role="alert">{error}</p> : null}
        <div className="row end"><Button onClick={close}>{say("cancel")}</Button><Button type="submit" look="primary" disabled={busy}>{say("confirm")}</Button></div>
      </form>
    </Dialog>
  );
}

export function SecretDialog({ lead, secret, close }: { lead: string; secret: string; close: () => void }) {
  const say = useWords();
  return (
    <Dialog title={lead} close={close}>
      <code className="secret">{secret}</code>
      <div className="row end"><Button look="primary" onClick={close}>{say("confirm")}</Button></div>
    </Dialog>
  );
}

export const listOf = (text: FormDataEntryValue | null): string[] => String(text ?? "").split(/[,,、\s]+/u).filter(Boolean);
