// Node's own http without a framework: what frameworks use of it, case by case.
import http from "node:http";

const cases = {
  "/hello": (req, res) => res.end("Hello, World!"),
  "/head": (req, res) => {
    res.writeHead(201, "Made", { "Content-Type": "text/x", "X-Twice": ["1", "2"] });
    res.end("made");
  },
  "/array": (req, res) => res.writeHead(200, ["X-A", "1", "x-b", "2"]).end("array"),
  "/merged": (req, res) => {
    res.setHeader("X-A", "set").setHeader("X-B", 7).appendHeader("X-C", "1").appendHeader("X-C", "2");
    res.writeHead(200, { "x-a": "written" });
    res.end();
  },
  "/refused": (req, res) => {
    const refused = [];
    for (const [name, value] of [["bad name", "x"], ["x", "a\r\nb: c"], ["x", undefined]]) {
      try {
        res.setHeader(name, value);
      } catch (error) {
        refused.push(error.code);
      }
      try {
        res.writeHead(200, { [name]: value });
      } catch (error) {
        refused.push(error.code);
      }
    }
    res.end(refused.join());
  },
  "/sent": (req, res) => {
    res.write("a");
    const seen = [res.headersSent, res.writableEnded];
    try {
      res.setHeader("x", "y");
    } catch (error) {
      seen.push(error.code);
    }
    res.end(seen.join());
    try {
      res.writeHead(200);
    } catch (error) {
      console.log(error.code);
    }
  },
  "/seen": (req, res) => {
    const { host, ...headers } = req.headers;
    res.end(JSON.stringify({
      method: req.method, url: req.url, version: req.httpVersion, headers,
      raw: req.rawHeaders.filter((_, i) => i % 2 === 0), distinct: req.headersDistinct["x-twice"],
      address: req.socket.remoteAddress, family: req.connection.remoteFamily,
      encrypted: Boolean(req.socket.encrypted), hosted: host.startsWith("127.0.0.1:"),
      instances: [req instanceof http.IncomingMessage, res instanceof http.ServerResponse],
      shown: [res.getHeaderNames(), res.hasHeader("x"), res.statusCode, res.headersSent],
    }));
  },
  "/echo": (req, res) => {
    res.setHeader("Content-Type", req.headers["content-type"]);
    req.pipe(res);
  },
  "/collect": async (req, res) => {
    let text = "";
    req.setEncoding("utf8");
    for await (const piece of req) text += piece;
    res.end(`${text.length} ${req.complete} ${req.readableEnded}`);
  },
  "/encodings": (req, res) => {
    res.write("68c3a9", "hex");
    res.write("\u00e9", "latin1");
    res.write("\u00e9");
    res.end("aGk=", "base64");
  },
  "/trailers": (req, res) => {
    res.setHeader("Trailer", "X-End");
    res.write("body");
    res.addTrailers({ "X-End": "yes" });
    res.end();
  },
  "/events": (req, res) => {
    const seen = [];
    for (const event of ["prefinish", "finish", "close"]) res.on(event, () => seen.push(event));
    res.end("ended", () => seen.push("callback"));
    res.on("close", () => {
      cases.events = seen.join();
    });
  },
  "/events/seen": (req, res) => res.end(cases.events),
  "/drain": (req, res) => {
    const chunk = Buffer.alloc(65536, "d");
    let left = 48;
    const more = () => {
      while (left-- > 0) {
        if (!res.write(chunk)) {
          res.once("drain", more);
          return;
        }
      }
      res.end();
    };
    more();
  },
  "/not-modified": (req, res) => {
    res.writeHead(304, { ETag: '"x"' });
    res.end("never sent");
  },
  "/no-content": (req, res) => {
    res.statusCode = 204;
    res.end();
  },
  "/length": (req, res) => {
    res.setHeader("Content-Length", 4);
    res.write("ab");
    res.end("cd");
  },
  "/flushed": (req, res) => {
    res.flushHeaders();
    setTimeout(() => res.end("late"), 5);
  },
  "/after-end": (req, res) => {
    res.on("error", (error) => {
      cases.afterEnd = error.code;
    });
    res.end("done");
    res.write("more");
  },
  "/after-end/seen": (req, res) => res.end(cases.afterEnd),
  "/reasons": (req, res) => {
    const [status, message] = JSON.parse(decodeURIComponent(req.url.split("?")[1]));
    if (message === null) res.writeHead(status);
    else res.writeHead(status, message);
    res.end(res.statusMessage);
  },
  "/dateless": (req, res) => {
    res.sendDate = false;
    res.end("no date");
  },
  "/processing": (req, res) => {
    res.writeProcessing();
    res.end("processed");
  },
  "/strict": (req, res) => {
    const told = [];
    const attempt = (act) => {
      try {
        act();
      } catch (error) {
        told.push([error.code, error.message]);
      }
    };
    res.strictContentLength = true;
    res.writeHead(200, { "Content-Length": 5 });
    attempt(() => res.write("longer"));
    attempt(() => res.end("less"));
    cases.strict = JSON.stringify(told);
    res.destroy();
  },
  "/strict/seen": (req, res) => res.end(cases.strict),
  "/trailer-refused": (req, res) => {
    res.setHeader("Trailer", "X-End");
    res.setHeader("Content-Length", 24);
    try {
      res.end("sent in spite of it");
    } catch (error) {
      res.removeHeader("Trailer");
      res.end(error.code);
    }
  },
  "/trailers-received": (req, res) => {
    const before = [req.complete, req.rawTrailers];
    req.resume().on("end", () => res.end(JSON.stringify([
      before, req.complete, req.trailers, req.rawTrailers, req.trailersDistinct])));
  },
  "/complete": (req, res) => {
    const seen = [req.complete];
    setImmediate(() => res.end(String([...seen, req.complete])));
  },
  "/timeouts": (req, res) => {
    const seen = [];
    for (const [name, one] of [["req", req], ["socket", req.socket]]) {
      one.once("timeout", () => seen.push(name));
    }
    res.setTimeout(20, (socket) => {
      seen.push(socket === req.socket);
      setImmediate(() => res.end(String(seen)));
    });
  },
  "/timeout-off": (req, res) => {
    res.setTimeout(1, () => res.end("too early"));
    res.setTimeout(0);
    setTimeout(() => res.end("in time"), 20);
  },
  "/timeout-unheard": (req, res) => req.setTimeout(10),
  "/destroyed": (req, res) => res.destroy(),
  "/hints": (req, res) => {
    res.writeEarlyHints({ link: "</a.css>; rel=preload" });
    res.end("hinted");
  },
};

const server = http.createServer((req, res) => {
  cases[req.url.split("?")[0]](req, res);
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
