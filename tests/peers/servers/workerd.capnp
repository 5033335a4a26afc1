# workerd serve workerd.capnp hello|order --socket-addr http=ADDRESS
using Workerd = import "/workerd/workerd.capnp";

const hello :Workerd.Config = (
  services = [(name = "server", worker = .helloWorker)],
  sockets = [(name = "http", http = (), service = "server")],
);

const order :Workerd.Config = (
  services = [(name = "server", worker = .orderWorker)],
  sockets = [(name = "http", http = (), service = "server")],
);

const helloWorker :Workerd.Worker = (
  modules = [
    (name = "workerd_server.mjs", esModule = embed "workerd_server.mjs"),
    (name = "order.mjs", esModule = embed "order.mjs"),
  ],
  bindings = [(name = "workload", text = "hello")],
  compatibilityDate = "2026-11-01",
);

const orderWorker :Workerd.Worker = (
  modules = [
    (name = "workerd_server.mjs", esModule = embed "workerd_server.mjs"),
    (name = "order.mjs", esModule = embed "order.mjs"),
  ],
  bindings = [(name = "workload", text = "order")],
  compatibilityDate = "2026-11-01",
);
