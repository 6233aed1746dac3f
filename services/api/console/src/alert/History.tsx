// Who did what with the alert, newest first.
import { get } from "../api/client";
import type { ActionPage, Alert } from "../api/schema";
import { useAsked } from "../api/use";
import { useLabel, useMay } from "../app/session";
import { Time } from "../ui";
import { useWords } from "./words";

export function History({ alert, round }: { alert: Alert; round: number }) {
  const say = useWords();
  const label = useLabel();
  const may = useMay("alerts:ack");
  const { data, error } = useAsked(may ? `${alert.id} ${alert.handled?.version ?? 0} ${round}` : null, (signal) => get<ActionPage>(`/v1/alerts/${alert.id}/actions`, { limit: 200 }, signal));
  if (!may) return null;
  return (
    <section className="stack">
      <h3>{say("history")}</h3>
      {error ? <p className="soft small">{error.message}</p> : null}
      {data?.items.length === 0 ? <p className="soft small">{say("nothingDone")}</p> : null}
      <ol className="history">
        {data?.items.toReversed().map((item) => (
          <li key={item.seq}>
            <span className="row between"><strong>{label("actions", item.action)}</strong><Time time={item.at} /></span>
            <span className="soft small">{item.by.name}{detailOf(item.data, label)}</span>
            {typeof item.data["text"] === "string" ? <q>{item.data["text"]}</q> : null}
          </li>
        ))}
      </ol>
    </section>
  );
}

function detailOf(data: Record<string, unknown>, label: ReturnType<typeof useLabel>): string {
  const assignee = data["assignee"];
  const parts = [
    typeof data["reason"] === "string" ? label("resolutions", data["reason"]) : "",
    typeof data["level"] === "string" ? label("supervisions", data["level"]) : "",
    assignee && typeof assignee === "object" && "name" in assignee ? `→ ${String(assignee.name)}` : "",
  ].filter(Boolean);
  return parts.length > 0 ? ` · ${parts.join(" · ")}` : "";
}
