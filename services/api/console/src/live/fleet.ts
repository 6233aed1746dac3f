// The vehicles in view as columns: a frame of the stream is laid over them, and the rows that the point layer draws are made of them.
import { DRIVING, ROW_BYTES, SILENT, STOPPED } from "../map/pointLayer";

const FRAME_ROW = 24;
const NONE = 65535;
const SILENT_S = 600;
const MOVING = 30; // 0.1 km/h
const RADIANS = Math.PI / 180;

export interface Seen {
  vehicle: number;
  lon: number;
  lat: number;
  timeS: number;
  speed: number | null; // km/h
  heading: number | null; // degrees
  place: number; // of the class in /v1/meta
}

export interface Frame {
  time: string;
  full: boolean;
  rows: string;
  left: number[];
}

/** Bytes of base64, by the browser's own means where it has them. */
export function bytesOf(text: string): Uint8Array {
  const native = (Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array }).fromBase64;
  if (native) return native.call(Uint8Array, text);
  const raw = atob(text);
  const found = new Uint8Array(raw.length);
  for (let place = 0; place < raw.length; place += 1) found[place] = raw.codePointAt(place) ?? 0;
  return found;
}

const mercatorX = (lon: number): number => lon / 360 + 0.5;

function mercatorY(lat: number): number {
  const sine = Math.sin(lat * RADIANS);
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
}

export const mercator = (lon: number, lat: number): [number, number] => [mercatorX(lon), mercatorY(lat)];

export class Fleet {
  count = 0;
  rows = new ArrayBuffer(ROW_BYTES * 1024);
  private floats = new Float32Array(this.rows);
  private bytes = new Uint8Array(this.rows);
  private slots = new Int32Array(1024).fill(-1); // by vehicle
  private vehicles = new Uint32Array(1024); // by slot, like the rest
  private times = new Uint32Array(1024);
  private places = new Int32Array(2 * 1024);
  private speeds = new Uint16Array(2 * 1024); // speed, heading

  take(frame: Frame): void {
    if (frame.full) this.clear();
    for (const vehicle of frame.left) this.drop(vehicle);
    const bytes = bytesOf(frame.rows);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + FRAME_ROW <= bytes.byteLength; at += FRAME_ROW) this.put(view, at);
    this.age(Date.parse(frame.time) / 1000);
  }

  /** Draw anew who has been silent for long. */
  age(nowS: number): void {
    const { bytes, speeds, times, count } = this;
    for (let slot = 0; slot < count; slot += 1) {
      const speed = speeds[2 * slot] ?? NONE;
      const silent = nowS - (times[slot] ?? 0) > SILENT_S;
      bytes[slot * ROW_BYTES + 13] = silent ? SILENT : speed !== NONE && speed > MOVING ? DRIVING : STOPPED;
    }
  }

  /** Which vehicles have a halo, and which one is chosen. */
  mark(marks: ReadonlyMap<number, number>, chosen: number | null): void {
    const { bytes, count } = this;
    for (let at = 14; at < count * ROW_BYTES; at += ROW_BYTES) {
      bytes[at] = 0;
      bytes[at + 1] = 0;
    }
    for (const [vehicle, mark] of marks) this.look(vehicle, 14, mark);
    if (chosen !== null) this.look(chosen, 15, 1);
  }

  /** The vehicle nearest to a place, within `within` of mercator units; null: none. */
  near(x: number, y: number, within: number): Seen | null {
    let best = within * within;
    let found = -1;
    for (let slot = 0; slot < this.count; slot += 1) {
      const dx = (this.floats[4 * slot] ?? 0) - x;
      const dy = (this.floats[4 * slot + 1] ?? 0) - y;
      const square = dx * dx + dy * dy;
      if (square < best) [best, found] = [square, slot];
    }
    return found < 0 ? null : this.seen(found);
  }

  find(vehicle: number): Seen | null {
    const slot = this.slots[vehicle] ?? -1;
    return slot < 0 ? null : this.seen(slot);
  }

  private seen(slot: number): Seen {
    const speed = this.speeds[2 * slot] ?? NONE;
    const heading = this.speeds[2 * slot + 1] ?? NONE;
    return {
      vehicle: this.vehicles[slot] ?? 0, lon: (this.places[2 * slot] ?? 0) / 1e7, lat: (this.places[2 * slot + 1] ?? 0) / 1e7, timeS: this.times[slot] ?? 0,
      speed: speed === NONE ? null : speed / 10, heading: heading === NONE ? null : heading, place: this.bytes[slot * ROW_BYTES + 12] ?? 0,
    };
  }

  private look(vehicle: number, byte: number, value: number): void {
    const slot = this.slots[vehicle] ?? -1;
    if (slot >= 0) this.bytes[slot * ROW_BYTES + byte] = value;
  }

  private put(view: DataView, at: number): void {
    const vehicle = view.getUint32(at, true);
    const slot = this.slotOf(vehicle);
    const lon = view.getInt32(at + 4, true);
    const lat = view.getInt32(at + 8, true);
    const heading = view.getUint16(at + 18, true);
    this.floats[4 * slot] = mercatorX(lon / 1e7);
    this.floats[4 * slot + 1] = mercatorY(lat / 1e7);
    this.floats[4 * slot + 2] = heading === NONE ? Number.NaN : heading * RADIANS;
    this.bytes[slot * ROW_BYTES + 12] = view.getUint8(at + 20);
    this.times[slot] = view.getUint32(at + 12, true);
    this.places[2 * slot] = lon;
    this.places[2 * slot + 1] = lat;
    this.speeds[2 * slot] = view.getUint16(at + 16, true);
    this.speeds[2 * slot + 1] = heading;
  }

  private slotOf(vehicle: number): number {
    if (vehicle >= this.slots.length) {
      const grown = new Int32Array(Math.max(vehicle + 1, 2 * this.slots.length)).fill(-1);
      grown.set(this.slots);
      this.slots = grown;
    }
    const known = this.slots[vehicle] ?? -1;
    if (known >= 0) return known;
    if (this.count === this.vehicles.length) this.grow();
    const slot = this.count++;
    this.slots[vehicle] = slot;
    this.vehicles[slot] = vehicle;
    this.bytes.fill(0, slot * ROW_BYTES, (slot + 1) * ROW_BYTES);
    return slot;
  }

  private drop(vehicle: number): void {
    const slot = this.slots[vehicle] ?? -1;
    if (slot < 0) return;
    const last = --this.count;
    this.slots[vehicle] = -1;
    if (slot === last) return;
    const moved = this.vehicles[last] ?? 0;
    this.slots[moved] = slot;
    this.vehicles[slot] = moved;
    this.times[slot] = this.times[last] ?? 0;
    this.places.copyWithin(2 * slot, 2 * last, 2 * last + 2);
    this.speeds.copyWithin(2 * slot, 2 * last, 2 * last + 2);
    this.bytes.copyWithin(slot * ROW_BYTES, last * ROW_BYTES, (last + 1) * ROW_BYTES);
  }

  private clear(): void {
    for (let slot = 0; slot < this.count; slot += 1) this.slots[this.vehicles[slot] ?? 0] = -1;
    this.count = 0;
  }

  private grow(): void {
    const room = 2 * this.vehicles.length;
    const rows = new ArrayBuffer(ROW_BYTES * room);
    new Uint8Array(rows).set(this.bytes);
    this.rows = rows;
    this.floats = new Float32Array(rows);
    this.bytes = new Uint8Array(rows);
    const wider = <A extends Uint32Array | Int32Array | Uint16Array>(made: A, old: A): A => {
      made.set(old);
      return made;
    };
    this.vehicles = wider(new Uint32Array(room), this.vehicles);
    this.times = wider(new Uint32Array(room), this.times);
    this.places = wider(new Int32Array(2 * room), this.places);
    this.speeds = wider(new Uint16Array(2 * room), this.speeds);
  }
}
