// How results are compared: values after normalise(), errors by class.

export async function normalise(value, depth = 0) {
  if (depth > 6) return "deep";
  if (value instanceof Promise) return normalise(await value, depth);
  if (value === undefined) return "undefined";
  if (typeof value === "function") return "function";
  if (typeof value === "symbol" || typeof value === "bigint" || Number.isNaN(value)) return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Blob) return ["Blob", value.type, value.size, await value.text()];
  if (value instanceof ArrayBuffer) return ["ArrayBuffer", ...new Uint8Array(value)];
  if (ArrayBuffer.isView(value)) return [value.constructor.name, ...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)];
  if (Array.isArray(value)) return Promise.all(value.map((item) => normalise(item, depth + 1)));
  if (Object.getPrototypeOf(value) === Object.prototype) {
    const result = {};
    for (const key of Object.keys(value)) result[key] = await normalise(value[key], depth + 1);
    return result;
  }
  return Object.prototype.toString.call(value);
}

export async function outcome(run, ...values) {
  try {
    return JSON.stringify({ value: await normalise(await run(...values)) });
  } catch (error) {
    return JSON.stringify({ error: error instanceof Error || error?.name ? error.name : String(error) });
  }
}
