import { expect, it } from "vitest";
import { bytesOf, hexOf } from "./bytes";

it("puts sixteen bytes to a line, and beside them what can be printed", () => {
  expect(hexOf(bytesOf(btoa('{"terminal":"\x00\xff~0123')))).toBe([
    '000000  7b 22 74 65 72 6d 69 6e  61 6c 22 3a 22 00 ff 7e  {"terminal":"..~',
    `000010  30 31 32 33${" ".repeat(37)}  0123`,
  ].join("\n"));
});

it("has nothing to say of no bytes", () => {
  expect(hexOf(bytesOf(""))).toBe("");
});
