// Node's own classes: what duet's have to equal.
import { parentPort } from "node:worker_threads";
import { GIVEN, givenCases, outcome, runCases } from "./standard_cases.mjs";

const given = [];
for (const [, run] of givenCases) {
  given.push(await outcome(run, new Request("http://localhost/given/0", GIVEN), globalThis));
}
parentPort.postMessage({ made: await runCases(globalThis), given });
