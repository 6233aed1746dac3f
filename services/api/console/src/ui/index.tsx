// The small pieces every page is made of.
import { useEffect, useId, useRef } from "react";
import type { ComponentProps, MouseEvent, ReactNode } from "react";
import { labelOf, useMeta } from "../app/session";
import { go } from "../app/router";
import { useWords } from "../words";
import { useLanguage } from "../words/language";
import { fullTime, shortTime } from "../words/format";

export type SeverityName = "info" | "minor" | "major" | "critical";

const SHAPES: Record<SeverityName, string> = {
  critical: "M7 0 14 7 7 14 0 7Z",
  major: "M7 .5 14 13H0Z",
  minor: "M7 1a6 6 0 1 0 0 12A6 6 0 1 0 7 1Z",
  info: "M7 1a6 6 0 1 0 0 12A6 6 0 1 0 7 1Zm0 2.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 1 1 0-7Z",
};

/** A severity's shape, for eyes that do not tell its colour. */
export function SeverityShape({ severity, size = 12 }: { severity: SeverityName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 14 14" aria-hidden="true">
      <path d={SHAPES[severity]} fill="currentColor" fillRule="evenodd" />
    </svg>
  );
}

export function Severity({ severity }: { severity: SeverityName }) {
  useLanguage();
  const meta = useMeta();
  return (
    <span className={`severity ${severity}`}>
      <SeverityShape severity={severity} />
      {labelOf(meta.severities, severity)}
    </span>
  );
}

export function Plate({ plate, color }: { plate: string; color: string }) {
  return <span className={`plate ${color}`}>{plate}</span>;
}

type ButtonProps = ComponentProps<"button"> & { look?: string };

export function Button({ look = "", className = "", type = "button", ...rest }: ButtonProps) {
  return <button type={type} className={`button ${look} ${className}`} {...rest} />;
}

/** A link that stays on the page; the browser's own ways (new tab, copy) still work. */
export function Link({ to, children, ...rest }: { to: string } & Omit<ComponentProps<"a">, "href">) {
  const follow = (event: MouseEvent<HTMLAnchorElement>): void => {
    rest.onClick?.(event);
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(to);
  };
  return <a {...rest} href={to} onClick={follow}>{children}</a>;
}

export function Field({ label, error, children }: { label: string; error?: string | null | undefined; children: ReactNode }) {
  return (
    <label className="field">
      <span>{label}</span>
      {children}
      {error ? <em role="alert">{error}</em> : null}
    </label>
  );
}

export function Time({ time, long = false }: { time: string; long?: boolean }) {
  useLanguage();
  return <time className="number" dateTime={time} title={`${fullTime(time)} (Asia/Shanghai)`}>{long ? fullTime(time) : shortTime(time)}</time>;
}

export function Loading() {
  const say = useWords();
  return <div className="state-block" role="status"><span className="spinner" />{say("loading")}</div>;
}

export function Failed({ error, again }: { error: Error; again?: () => void }) {
  const say = useWords();
  return (
    <div className="state-block" role="alert">
      <strong>{say("failed")}</strong>
      <span>{error.message}</span>
      {again ? <Button onClick={again}>{say("again")}</Button> : null}
    </div>
  );
}

export function Empty({ title, children }: { title?: string; children?: ReactNode }) {
  const say = useWords();
  return <div className="state-block"><strong>{title ?? say("nothing")}</strong>{children ? <span>{children}</span> : null}</div>;
}

/** A modal dialog of the browser's own: focus stays inside, Escape closes. */
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ReactNode }) {
  const own = useRef<HTMLDialogElement>(null);
  const name = useId();
  useEffect(() => {
    const dialog = own.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={own} aria-labelledby={name} onCancel={(event) => { event.preventDefault(); close(); }}>
      <div className="inner">
        <h2 id={name}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

export interface Column<T> {
  name: string;
  cell: (row: T) => ReactNode;
  kind?: "number" | "whole";
}

export function Table<T>({ columns, rows, keyOf, onOpen }: { columns: readonly Column<T>[]; rows: readonly T[]; keyOf: (row: T) => string; onOpen?: (row: T) => void }) {
  return (
    <table className="list">
      <thead><tr>{columns.map((column) => <th key={column.name} className={column.kind} scope="col">{column.name}</th>)}</tr></thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} onDoubleClick={onOpen ? () => onOpen(row) : undefined}>
            {columns.map((column) => <td key={column.name} className={column.kind === "number" ? "number" : column.kind}>{column.cell(row)}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
