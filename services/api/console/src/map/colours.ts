// The theme's colours where CSS does not reach: the map's style and its shaders.
export type Colour = [number, number, number];

export const CLASSES = ["coach", "charter", "hazmat", "freight", "school"] as const;

export function cssColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** #rrggbb as three numbers from 0 to 1. */
export function rgb(hex: string): Colour {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}
