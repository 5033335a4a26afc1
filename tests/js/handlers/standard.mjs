// Runs standard_cases.mjs on duet's classes here and on Node's own in a Worker, whose globals nobody
// replaced, and answers with what differs.
import { Worker } from "node:worker_threads";
import { EXCLUSIONS } from "./standard_exclusions.mjs";
import { givenCases, outcome, runCases } from "./standard_cases.mjs";

const worker = new Worker(new URL("./standard_worker.mjs", import.meta.url));
worker.unref();
const theirs = new Promise((resolve, reject) => {
  worker.once("message", resolve);
  worker.once("error", reject);
});

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const number = Number(pathname.split("/").at(-1));
    if (pathname.includes("/given/")) {
      const [name, run] = givenCases[number];
      const ours = await outcome(run, request, globalThis);
      return { name: `given: ${name}`, ours, theirs: (await theirs).given[number] };
    }
    const ours = await runCases(globalThis);
    const expected = (await theirs).made;
    const names = Object.keys(expected);
    return {
      cases: names.length,
      given: givenCases.length,
      // An exclusion that is none any more is to go.
      needless: Object.keys(EXCLUSIONS).filter((name) => ours[name] === expected[name]),
      differences: names.filter((name) => ours[name] !== expected[name] && !(name in EXCLUSIONS))
        .map((name) => ({ name, ours: ours[name], theirs: expected[name] })),
    };
  },
};
