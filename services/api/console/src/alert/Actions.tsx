// The verbs as buttons and keys. Every change carries the version that was seen, so that two dispatchers cannot overwrite each other.
import { useCallback, useMemo, useState } from "react";
import { ApiError, ask } from "../api/client";
import type { Alert } from "../api/schema";
import { useLabel, useMe } from "../app/session";
import { useShortcuts } from "../app/shortcuts";
import { put } from "../stream/alerts";
import { Button } from "../ui";
import { toast } from "../ui/toast";
import { ActionForm } from "./Form";
import { verbsOf } from "./verbs";
import type { Verb } from "./verbs";
import { useWords } from "./words";

export function Actions({ alert, changed }: { alert: Alert; changed: () => void }) {
  const say = useWords();
  const me = useMe();
  const label = useLabel();
  const [form, setForm] = useState<Verb | null>(null);
  const verbs = useMemo(() => verbsOf(alert, me.permissions, me.id), [alert, me]);
  const act = useCallback(async (verb: Verb, body: Record<string, unknown>): Promise<void> => {
    try {
      const answer = await ask<Alert>(`/v1/alerts/${alert.id}/${verb}`, { method: "POST", body, once: true, ifMatch: `"${alert.handled?.version ?? 0}"` });
      put(answer.body);
      toast(say("done", { what: label("actions", verb) }));
      changed();
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) {
        changed();
        throw new Error(`${error.message} ${say("conflict")}`, { cause: error });
      }
      throw error;
    }
  }, [alert, say, label, changed]);
  const begin = useCallback((verb: Verb, asks: boolean) => {
    if (asks) setForm(verb);
    else act(verb, {}).catch((error: unknown) => toast((error as Error).message, true));
  }, [act]);
  useShortcuts(useMemo(() => verbs.map((rule) => ({ keys: [rule.key], text: label("actions", rule.verb), run: () => begin(rule.verb, rule.asks) })), [verbs, label, begin]));
  return (
    <div className="alert-actions no-print">
      {verbs.map((rule, place) => <Button key={rule.verb} look={place === 0 ? "primary" : ""} onClick={() => begin(rule.verb, rule.asks)} title={rule.key}>{label("actions", rule.verb)} <kbd aria-hidden="true">{rule.key}</kbd></Button>)}
      {form ? <ActionForm verb={form} close={() => setForm(null)} act={(body) => act(form, body)} /> : null}
    </div>
  );
}
