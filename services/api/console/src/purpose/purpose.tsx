// Why somebody looks (查询事由): asked once, remembered for the sitting, sent with every look, and written into the audit by the api.
import { useState } from "react";
import type { FormEvent, ReactNode } from "react";
import { store, useStore } from "../app/store";
import { Button, Field } from "../ui";
import { wordsOf } from "../words";

const { useWords } = wordsOf({
  zh: { title: "查询事由", lead: "查看轨迹和拒收报文、检索和导出都要说明事由,它会连同您的账号记入审计,本次登录内有效。", placeholder: "例如:2026-11-26 G6 事故调查", use: "开始查询", change: "更改", now: "查询事由" },
  en: { title: "Purpose", lead: "Looking at tracks and rejected reports, searching and exporting asks for a purpose. It goes into the audit with your account and holds for this sitting.", placeholder: "for example: accident on G6, 2026-11-26", use: "Go on", change: "Change", now: "Purpose" },
});

const PLACE = "purpose";
const purpose = store(typeof sessionStorage === "undefined" ? "" : (sessionStorage.getItem(PLACE) ?? ""));

export const usePurpose = (): string => useStore(purpose);
export const purposeHeader = (): Record<string, string> => ({ "X-Purpose": encodeURIComponent(purpose.get()) });

export function statePurpose(text: string): void {
  sessionStorage.setItem(PLACE, text);
  purpose.set(text);
}

/** Shows what is below only when a purpose is stated, and above it which. */
export function WithPurpose({ children }: { children: ReactNode }) {
  const say = useWords();
  const stated = usePurpose();
  const [changing, setChanging] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    statePurpose(String(new FormData(event.currentTarget).get("purpose")).trim());
    setChanging(false);
  };
  if (!stated || changing) {
    return (
      <form className="panel padded stack large" onSubmit={submit}>
        <h2>{say("title")}</h2>
        <p className="soft">{say("lead")}</p>
        <Field label={say("title")}><input name="purpose" required minLength={2} maxLength={200} defaultValue={stated} placeholder={say("placeholder")} autoFocus /></Field>
        <div className="row"><Button type="submit" look="primary">{say("use")}</Button></div>
      </form>
    );
  }
  return (
    <>
      <p className="small soft no-print">{say("now")}: <strong>{stated}</strong> <Button look="quiet tiny" onClick={() => setChanging(true)}>{say("change")}</Button></p>
      {children}
    </>
  );
}
