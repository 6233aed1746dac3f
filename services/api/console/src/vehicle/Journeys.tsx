// Trips, stops and mileage of the period: the same figures whatever window is asked.
import { ask } from "../api/client";
import type { Mileage, StopItem, StopPage, TripItem, TripPage, VehicleDetail } from "../api/schema";
import { useAsked } from "../api/use";
import { purposeHeader, usePurpose } from "../purpose/purpose";
import { Empty, Failed, Loading, Table, Time } from "../ui";
import { duration, number } from "../words/format";
import { useLanguage } from "../words/language";
import { PeriodForm, usePeriod } from "./period";
import { useWords } from "./words";

export function Journeys({ vehicle }: { vehicle: VehicleDetail }) {
  const say = useWords();
  const purpose = usePurpose();
  const period = usePeriod();
  const { data, error, again } = useAsked(`${vehicle.id} ${period.from} ${period.to} ${purpose}`, async (signal) => {
    const of = async <T,>(what: string): Promise<T> => (await ask<T>(`/v1/vehicles/${vehicle.id}/${what}`, { query: { ...period }, headers: purposeHeader(), signal })).body;
    const [trips, stops, mileage] = await Promise.all([of<TripPage>("trips"), of<StopPage>("stops"), of<Mileage>("mileage")]);
    return { trips, stops, mileage };
  });
  return (
    <section className="stack large">
      <PeriodForm period={period} />
      {error ? <Failed error={error} again={again} /> : null}
      {!data && !error ? <Loading /> : null}
      {data ? (
        <>
          <dl className="facts panel padded"><dt>{say("mileage")}</dt><dd className="number">{number(data.mileage.distance_km, 1)} {say("km")} <span className="soft small">{say("gaps")}: {number(data.mileage.gaps_km, 1)} {say("km")}</span></dd><dt>{say("measured")}</dt><dd><Measured source={data.mileage.source} doubts={data.mileage.odometer_doubts} /></dd></dl>
          <h2>{say("trips")}</h2>
          {data.trips.items.length === 0 ? <Empty /> : <div className="panel"><Table<TripItem> rows={data.trips.items} keyOf={(row) => row.began} columns={[
            { name: say("began"), kind: "whole", cell: (row) => <Time time={row.began} long /> },
            { name: say("ended"), kind: "whole", cell: (row) => <><Time time={row.ended} long />{row.open ? <span className="tag">{say("ongoing")}</span> : null}</> },
            { name: say("duration"), kind: "number", cell: (row) => duration((Date.parse(row.ended) - Date.parse(row.began)) / 1000) },
            { name: say("distance"), kind: "number", cell: (row) => `${number(row.distance_km, 1)} ${say("km")}` },
            { name: say("measured"), cell: (row) => <Measured source={row.distance_source} doubts={row.odometer_doubts} /> },
            { name: say("maxSpeed"), kind: "number", cell: (row) => (row.max_speed_kmh === null ? "—" : `${number(row.max_speed_kmh)} ${say("kmh")}`) },
          ]} /></div>}
          <h2>{say("stops")}</h2>
          {data.stops.items.length === 0 ? <Empty /> : <div className="panel"><Table<StopItem> rows={data.stops.items} keyOf={(row) => row.began} columns={[
            { name: say("began"), kind: "whole", cell: (row) => <Time time={row.began} long /> },
            { name: say("ended"), kind: "whole", cell: (row) => <><Time time={row.ended} long />{row.open ? <span className="tag">{say("ongoing")}</span> : null}</> },
            { name: say("duration"), kind: "number", cell: (row) => duration(row.duration_s) },
            { name: say("place"), kind: "whole", cell: (row) => <span className="number">{row.place.map((one) => one.toFixed(5)).join(", ")}</span> },
          ]} /></div>}
        </>
      ) : null}
    </section>
  );
}

// What a distance was taken from, and why not from the odometer where it was not.
function Measured({ source, doubts }: { source: Mileage["source"]; doubts: Mileage["odometer_doubts"] }) {
  const say = useWords();
  const language = useLanguage();
  return <>{say(`source_${source}`)}{doubts.length > 0 ? <> <span className="soft small">{say("notOdometer")}: {doubts.map((one) => say(`doubt_${one}`)).join(language === "zh" ? "、" : ", ")}</span></> : null}</>;
}
