// Words by key in the language chosen; the two tables have the same keys by type.
import { en } from "./en";
import { language, useLanguage } from "./language";
import type { Language } from "./language";
import { zh } from "./zh";

export type Word = keyof typeof zh;
export type Words = Record<Word, string>;
export type Say = (key: Word, given?: Record<string, string | number>) => string;

const TABLES: Record<Language, Words> = { zh, en };

type Given = Record<string, string | number>;

/** A text with its `{names}` filled in. */
function filled(text: string, given: Given): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(given[name] ?? ""));
}

export function say(key: Word, given: Given = {}): string {
  return filled(TABLES[language()][key], given);
}

/** `say`, and a reason to draw anew when the language changes. */
export function useWords(): Say {
  useLanguage();
  return say;
}

/** A page's own words: the same keys in both languages, by type. */
export function wordsOf<Key extends string>(tables: { zh: Record<Key, string>; en: Record<Key, string> }) {
  const own = (key: Key, given: Given = {}): string => filled(tables[language()][key], given);
  return {
    say: own,
    useWords: () => {
      useLanguage();
      return own;
    },
  };
}
