// The twin of behaviour.py: what conformance/behaviour_test.cc asks for, by the last part of the path.
const state = { aborted: 0, reason: null, cancelled: 0, produced: 0, late: 0 };
let release;
const released = () => new Promise((resolve) => { release = resolve; });
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const encode = (text) => new TextEncoder().encode(text);

const routes = {
  hello: () => "hello",
  state: () => ({ ...state }),
  release: () => { release?.(); return "released"; },

  async waits(request) {
    request.signal.addEventListener("abort", () => {
      state.aborted++;
      state.reason = request.signal.reason.name;
    });
    await sleep(20000);
    return "never read";
  },
  stepwise() {
    const gate = released();
    let step = 0;
    return new Response(new ReadableStream({
      async pull(controller) {
        if (++step === 1) {
          controller.enqueue(encode("one"));
          return;
        }
        await gate;
        controller.enqueue(encode("two"));
        controller.close();
      },
    }, { highWaterMark: 0 }));
  },
  ticks() {
    return new Response(new ReadableStream({
      async pull(controller) {
        await sleep(2);
        controller.enqueue(encode("tick\n"));
      },
      cancel() { state.cancelled++; },
    }));
  },
  flood() {
    const piece = new Uint8Array(16384).fill(120);
    return new Response(new ReadableStream({
      pull(controller) {
        state.produced += piece.length;
        controller.enqueue(piece);
      },
      cancel() { state.cancelled++; },
    }));
  },
  mirror(request) {
    const reader = request.body.getReader();
    return new Response(new ReadableStream({
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    }, { highWaterMark: 0 }));
  },
  async ordered(request) {
    await sleep(Number(request.query.get("ms")));
    return request.query.get("n");
  },

  // --- misbehaviour ---
  throws() { throw new Error("misbehaves"); },
  async rejects() { await sleep(1); throw new Error("misbehaves"); },
  exits() { process.exit(1); },
  wrong: () => 42,
  nothing: () => undefined,
  never: () => new Promise(() => {}),
  lost() { Promise.reject(new Error("misbehaves")); return new Promise(() => {}); },
  torn() {
    return new Response(new ReadableStream({
      async pull(controller) {
        controller.enqueue(encode("begun"));
        await sleep(1);
        controller.error(new Error("misbehaves"));
      },
    }));
  },
  blocks() { for (const end = Date.now() + 100; Date.now() < end;); return "blocked"; },
  loops() { for (;;); },
  async loopsLater() { await sleep(1); for (;;); },
};

export default {
  fetch(request) {
    const name = request.params.rest.split("/").pop();
    return routes[name](request);
  },
};
