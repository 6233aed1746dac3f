// Filters, kept in the address; what they hide is always said.
import { setQuery } from "../app/router";
import { labelOf, useMeta } from "../app/session";
import { Button } from "../ui";
import { useWords } from "../words";
import type { Word } from "../words";
import type { Filters } from "./order";
import { MULTIPLE, anyFilter } from "./order";

const WORDS: Record<(typeof MULTIPLE)[number], Word> = { rule: "filterRule", class: "filterClass", severity: "filterSeverity", handling: "filterHandling" };
const TABLES = { rule: "rules", class: "classes", severity: "severities", handling: "handlings" } as const;

export function FilterBar({ filters, grouped, hidden }: { filters: Filters; grouped: boolean; hidden: number }) {
  const say = useWords();
  const meta = useMeta();
  return (
    <div className="filter-bar">
      <div className="row">
        <input type="search" id="search" className="grow" value={filters.text} placeholder={say("searchPlaceholder")} aria-label={say("filterText")} onChange={(event) => setQuery({ q: event.target.value })} />
        <Button look={filters.mine ? "on" : ""} aria-pressed={filters.mine} onClick={() => setQuery({ mine: filters.mine ? null : "1" })}>{say("mine")}</Button>
      </div>
      <div className="filter-selects">
        {MULTIPLE.map((name) => (
          <select key={name} aria-label={say(WORDS[name])} value={filters[name][0] ?? ""} className={filters[name].length > 0 ? "on" : ""} onChange={(event) => setQuery({ [name]: event.target.value })}>
            <option value="">{say(WORDS[name])}</option>
            {meta[TABLES[name]].map((one) => <option key={one.code} value={one.code}>{labelOf(meta[TABLES[name]], one.code)}</option>)}
          </select>
        ))}
        <input value={filters.operator} placeholder={say("filterOperator")} aria-label={say("filterOperator")} onChange={(event) => setQuery({ operator: event.target.value })} />
        <input value={filters.division} placeholder={say("filterDivision")} aria-label={say("filterDivision")} inputMode="numeric" onChange={(event) => setQuery({ division: event.target.value })} />
      </div>
      <div className="row between">
        <label className="row small soft"><input type="checkbox" checked={grouped} onChange={(event) => setQuery({ storms: event.target.checked ? null : "0" })} />{say("storms")}</label>
        {anyFilter(filters) ? <span className="row small"><span className="warn">{say("hidden", { count: hidden })}</span><Button look="tiny" onClick={clearFilters}>{say("showAll")}</Button></span> : null}
      </div>
    </div>
  );
}

export function clearFilters(): void {
  setQuery(Object.fromEntries([...MULTIPLE, "operator", "division", "mine", "q"].map((name) => [name, null])));
}
