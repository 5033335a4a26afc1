// Where duet's classes differ from Node's on purpose: the case's name, and why.
const undiciRecords = "undici also takes a record's properties that are not enumerable; WebIDL says to " +
  "leave them out, and so do browsers, Deno and Bun";

export const EXCLUSIONS = {
  "new Headers(a function)": undiciRecords,
  "new Response(headers: a function)": undiciRecords,
  "new Headers(inherited properties)": undiciRecords,
  "new Response(headers: inherited properties)": undiciRecords,
  "structuredClone(Response)": "marking each object as one that cannot be cloned costs more than " +
    "making it; a clone is an empty object instead of an error",
};
