// What /v1/meta says of these codes, for tests; tests/console/test_codes.py holds it against the api.
import sample from "./codes.sample.json";
import type { Codes } from "./codes";

export const CODES: Codes = sample;
