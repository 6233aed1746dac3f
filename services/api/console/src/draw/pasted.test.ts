import { describe, expect, it } from "vitest";
import { MOST_POINTS, read } from "./pasted";

const PLACES = [[106.2, 38.4], [106.3, 38.45]];

describe("a list of coordinates", () => {
  it.each([
    ["a pair to a line", "106.2,38.4\n106.3,38.45\n"],
    ["with spaces", " 106.2 , 38.4\r\n106.3\t38.45"],
    ["with semicolons, as web maps give it", "106.2,38.4;106.3,38.45"],
    ["with Chinese punctuation", "106.2\uff0c38.4\uff1b106.3\uff0c38.45"],
    ["on one line", "106.2,38.4 106.3,38.45"],
    ["with heights", "106.2,38.4,1100 106.3,38.45,1101"],
    ["as JSON", "[[106.2, 38.4], [106.3, 38.45, 5]]"],
    ["as a geometry", '{"type":"LineString","coordinates":[[106.2,38.4],[106.3,38.45]]}'],
    ["as a feature", '{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[106.2,38.4],[106.3,38.45]]]}}'],
    ["as a collection", '{"features":[{"geometry":{"coordinates":[[106.2,38.4],[106.3,38.45]]}}]}'],
    ["with a point twice in a row", "106.2,38.4\n106.2,38.4\n106.3,38.45"],
    ["with more decimals than are kept", "106.20000004,38.4\n106.3,38.45"],
  ])("is read %s", (_, text) => expect(read(text, false)).toEqual({ places: PLACES }));
  it("loses the closing point only where it closes", () => {
    expect(read("1,1;2,1;2,2;1,1", true)).toEqual({ places: [[1, 1], [2, 1], [2, 2]] });
    expect(read("1,1;2,1;2,2;1,1", false)).toEqual({ places: [[1, 1], [2, 1], [2, 2], [1, 1]] });
  });
  it.each([
    ["", "pasteEmpty", {}],
    ["{", "pasteJson", {}],
    ['{"a": 1}', "pasteJson", {}],
    ["[1, 2]", "pastePair", { n: 1, shown: "1" }],
    ["lon,lat\n1,2", "pastePair", { n: 1, shown: "lon,lat" }],
    ["1,2\n3", "pastePair", { n: 2, shown: "3" }],
    ["1,2,3,4", "pastePair", { n: 1, shown: "1,2,3,4" }],
    ["1e2,0x10", "pastePair", { n: 1, shown: "1e2,0x10" }],
    ["38.4,106.2", "pasteSwapped", { n: 1, shown: "38.4,106.2" }],
    ["1,2;191,38", "pasteEarth", { n: 2, shown: "191,38" }],
  ])("is refused with its reason: %s", (text, word, given) => expect(read(text, true)).toEqual({ word, given }));
  it("has an end", () => {
    const many = Array.from({ length: MOST_POINTS + 1 }, (_, at) => `${(at / 100).toFixed(2)},38`).join("\n");
    expect(read(many, false)).toEqual({ word: "pasteMost", given: { n: MOST_POINTS + 1, most: MOST_POINTS } });
  });
});
