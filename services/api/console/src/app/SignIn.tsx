// Signing in: password, a one-time code where the account has one, the first password changed, or the identity provider.
import { useState } from "react";
import type { FormEvent } from "react";
import { ApiError, get } from "../api/client";
import type { ProviderItem, ProviderList } from "../api/schema";
import { useAsked } from "../api/use";
import { Button, Field } from "../ui";
import { useWords } from "../words";
import { chooseLanguage, language } from "../words/language";
import { changePassword, signIn } from "./session";

export function SignIn() {
  const say = useWords();
  const [error, setError] = useState<string | null>(null);
  const [wantsCode, setWantsCode] = useState(false);
  const [busy, setBusy] = useState(false);
  const providers = useProviders();
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const value = (name: string): string => String(given.get(name) ?? "");
    setBusy(true);
    setError(null);
    try {
      await signIn(value("login").trim(), value("password"), value("code").trim());
    } catch (problem) {
      if (problem instanceof ApiError && problem.type === "code-required") setWantsCode(true);
      setError((problem as Error).message);
      setBusy(false);
    }
  };
  return (
    <main className="sign-in">
      <form className="panel" onSubmit={submit}>
        <div className="row between"><span className="brand"><img src="/console/icon.svg" alt="" />{say("brand")}</span><LanguageButton /></div>
        <p className="soft">{say("signInLead")}</p>
        <Field label={say("login")}><input name="login" autoComplete="username" autoCapitalize="none" spellCheck={false} required autoFocus /></Field>
        <Field label={say("password")}><input name="password" type="password" autoComplete="current-password" required /></Field>
        {wantsCode ? <Field label={say("code")}><input name="code" inputMode="numeric" autoComplete="one-time-code" required autoFocus /></Field> : null}
        {error ? <p className="said bad" role="alert">{error}</p> : null}
        <Button type="submit" look="primary" disabled={busy}>{say("signIn")}</Button>
        {providers.map((one) => <a key={one.name} className="button" href={one.url}>{say("provider")}</a>)}
      </form>
    </main>
  );
}

export function ChangePassword({ old }: { old: string }) {
  const say = useWords();
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    try {
      const given = new FormData(event.currentTarget);
      await changePassword(old, String(given.get("new")), given.get("revoke_keys") !== null);
    } catch (problem) {
      setError((problem as Error).message);
    }
  };
  return (
    <main className="sign-in">
      <form className="panel" onSubmit={submit}>
        <h1>{say("changePassword")}</h1>
        <Field label={say("newPassword")} error={error}><input name="new" type="password" autoComplete="new-password" minLength={12} required autoFocus /></Field>
        <label className="row"><input type="checkbox" name="revoke_keys" />{say("revokeKeys")}</label>
        <Button type="submit" look="primary">{say("go")}</Button>
      </form>
    </main>
  );
}

export function LanguageButton() {
  const say = useWords();
  return <Button look="quiet" onClick={() => chooseLanguage(language() === "zh" ? "en" : "zh")}>{say("language")}</Button>;
}

/** The identity providers that are set up; none where there is none, or nobody answers: one signs in by password all the same. */
function useProviders(): readonly ProviderItem[] {
  const { data } = useAsked("providers", (signal) => get<ProviderList>("/v1/session/providers", {}, signal));
  return data?.items ?? [];
}
