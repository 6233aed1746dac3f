// The file to download and the command that loads it; nothing is sent anywhere.
import { useState } from "react";
import { useMay } from "../app/session";
import { Button } from "../ui";
import { toast } from "../ui/toast";
import type { Places } from "./edits";
import { commandOf, fileName, textOf } from "./file";
import type { Draft, Problem } from "./file";
import { useWords } from "./words";

interface FilePartProps {
  draft: Draft;
  points: Places;
  problems: readonly Problem[];
  checked: boolean;
  check: () => void;
}

function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/geo+json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function FilePart({ draft, points, problems, checked, check }: FilePartProps) {
  const say = useWords();
  const mayRoutes = useMay("vehicles:read");
  const [saved, setSaved] = useState<string | null>(null);
  const text = problems.length ? "" : textOf(draft, points);
  const name = fileName(draft);
  const route = draft.shape === "route";
  const download = (): void => {
    check();
    if (!text) return;
    save(name, text);
    setSaved(text);
  };
  const fields = { points: say("points"), id: say("id"), name: say("name"), kind: say("kind"), width: say(route ? "halfWidth" : "buffer"), limit: say("limit"), hours: say("hours"), from: say("from"), to: say("to"), reason: say("reason") };
  return (
    <section className="stack">
      <h2>{say("file")}</h2>
      <div><Button look="primary" onClick={download}>{say("download", { name })}</Button></div>
      {checked && problems.length ? (
        <div className="said bad stack" role="alert">
          <strong>{say("stillMissing")}</strong>
          <ul>{problems.map((one) => <li key={one.field}>{fields[one.field]}: {say(one.word, one.given)}</li>)}</ul>
        </div>
      ) : null}
      {saved && text && saved !== text ? <p className="said" role="status">{say("changedSince")}</p> : null}
      {saved && saved === text ? (
        <div className="stack" role="status">
          <p className="said good">{say("downloaded", { name })}</p>
          <p>{say("thenRun")}</p>
          <Command label={say("check")} text={commandOf(draft, true)} />
          <Command label={say("load")} text={commandOf(draft)} />
          <p className="soft small">{say(route ? "routeThen" : "zoneThen")}{route && !mayRoutes ? ` ${say("routeSeen")}` : ""}</p>
        </div>
      ) : null}
    </section>
  );
}

function Command({ label, text }: { label: string; text: string }) {
  const say = useWords();
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      toast(say("copied"));
    } catch {
      toast(say("copyFailed"), true); // on plain http from elsewhere there is no clipboard
    }
  };
  return (
    <div className="stack">
      <span className="row between"><span className="soft small">{label}</span><Button look="tiny" aria-label={`${say("copy")}: ${text}`} onClick={() => void copy()}>{say("copy")}</Button></span>
      <code className="secret">{text}</code>
    </div>
  );
}
