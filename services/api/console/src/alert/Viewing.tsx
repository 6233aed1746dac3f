// Who else looks at this alert: said every five seconds while the panel is open and the page in view, so that two do not telephone one driver.
import { useEffect, useState } from "react";
import { ask, send } from "../api/client";
import type { Viewer, Viewers } from "../api/schema";
import { useMay } from "../app/session";
import { useWords } from "./words";

const EVERY_MS = 5000;

export function Viewing({ id }: { id: string }) {
  const say = useWords();
  const others = useOthers(id, useMay("alerts:assign"));
  if (others.length === 0) return null;
  return <p className="viewing" role="status">{say("viewing", { who: others.map((person) => person.name).join("、") })}</p>;
}

function useOthers(id: string, may: boolean): Viewer[] {
  const [found, setFound] = useState<{ id: string; others: Viewer[] }>({ id, others: [] });
  useEffect(() => {
    if (!may) return undefined;
    const path = `/v1/alerts/${encodeURIComponent(id)}/viewing`;
    let left = false;
    const look = (): void => {
      if (document.hidden) return;
      ask<Viewers>(path, { method: "PUT" }).then(
        ({ body }) => left || setFound({ id, others: body.others }),
        () => left || setFound({ id, others: [] }), // who looks is a courtesy: what is wrong is said elsewhere
      );
    };
    const leave = (): void => void send(path, { method: "DELETE", keepalive: true }).catch(() => undefined);
    look();
    const timer = setInterval(look, EVERY_MS);
    addEventListener("pagehide", leave);
    return () => {
      left = true;
      clearInterval(timer);
      removeEventListener("pagehide", leave);
      leave();
    };
  }, [id, may]);
  return found.id === id ? found.others : [];
}
