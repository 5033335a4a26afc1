// duet serve examples/hello.mjs
export default {
  fetch() {
    return new Response("Hello from JavaScript!\n");
  },
};
