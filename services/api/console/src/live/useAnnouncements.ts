// What is new since the dispatcher last looked: counted in the title, kept to flash in the queue, sounded, and said to a screen reader.
import { useEffect, useState } from "react";
import { onEvent } from "../stream/alerts";
import { say } from "../words";
import { language } from "../words/language";
import { armSound, sound } from "./announce";

const FLASH_MS = 6000;

export interface News {
  fresh: ReadonlySet<string>; // ids that flash
  said: string; // for the screen reader
}

export function useAnnouncements(): News {
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  const [said, setSaid] = useState("");
  useEffect(() => {
    let unread = 0;
    let latest = "";
    const title = (): void => {
      document.title = unread > 0 ? say("titleAlerts", { count: unread, what: latest }) : `${say("live")} · ${say("brand")}`;
    };
    const looked = (): void => {
      armSound();
      unread = 0;
      title();
    };
    const unlisten = onEvent((event) => {
      if (event.type !== "alert.opened" && event.type !== "alert.escalated") return;
      unread += 1;
      latest = event.data.sentence[language()];
      sound(event.data.severity);
      title();
      setSaid(say("announce", { what: latest }));
      setFresh((before) => new Set(before).add(event.alert));
      setTimeout(() => setFresh((before) => new Set([...before].filter((id) => id !== event.alert))), FLASH_MS);
    });
    title();
    const looks = ["pointerdown", "keydown"] as const;
    for (const one of looks) addEventListener(one, looked);
    return () => {
      unlisten();
      for (const one of looks) removeEventListener(one, looked);
    };
  }, []);
  return { fresh, said };
}
