"""Spans at a collector, and native histograms with exemplars at a scraper, from a host that serves.

Usage: otlp_test.py FOLDER, where packages from PyPI go. Exits with 77 (skipped) without them.
"""

import http.client
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TESTS = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(TESTS / "support"))
from duet_process import DEADLINE, Duet  # noqa: E402

PACKAGES = ["opentelemetry-proto==1.45.2", "protobuf==7.36.2"]
SKIPPED = 77
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
PROTOBUF = ("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
            "encoding=delimited")

HANDLERS = {
    "fast.mjs": "export default () => 'js';\n",
    "slow.py": "import asyncio\nasync def fetch(request):\n    await asyncio.sleep(0.03)\n"
               "    if 'fail' in request.url: raise ValueError('no')\n    return 'py'\n",
}
CONFIG = """
[server]
store = "off"
[server.otlp]
endpoint = "http://127.0.0.1:{port}/base/"
sample = "{sample}"
service = "shop"
headers = {{ X-Token = "secret" }}
[handlers]
js = {{ source = "fast.mjs" }}
py = {{ source = "slow.py" }}
[[routes]]
path = "/price/{{item}}"
handler = "js"
[[routes]]
path = "/slow"
handler = "py"
[[experiment]]
name = "price"
route = "/price/{{item}}"
key = "header:X-User"
allow_override = "X-Variant"
[[experiment.variants]]
handler = "js"
[[experiment.variants]]
handler = "py"
"""


class Collector:
    def __init__(self):
        self.posts = []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.posts.append((self.path, dict(self.headers), body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def exports(self):
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

        return [trace_service_pb2.ExportTraceServiceRequest.FromString(body)
                for _, _, body in list(self.posts)]

    def spans(self, count):
        deadline = time.monotonic() + DEADLINE
        while True:
            spans = [span for export in self.exports() for resource in export.resource_spans
                     for scope in resource.scope_spans for span in scope.spans]
            if len(spans) >= count:
                return spans
            assert time.monotonic() < deadline, f"{len(spans)} spans of {count}"
            time.sleep(0.01)


def attributes(message):
    values = {}
    for one in message.attributes:
        values[one.key] = getattr(one.value, one.value.WhichOneof("value"))
    return values


def families(page):
    """The messages of a page, by a schema of their own: what client_model's metrics.proto says."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = {"s": 9, "d": 1, "u": 4, "i": 3, "z": 17, "Z": 18, "n": 13, "e": 14, "m": 11}
    messages = {
        "LabelPair": "name:s1 value:s2",
        "Gauge": "value:d1", "Counter": "value:d1 exemplar:Exemplar2",
        "Time": "seconds:i1 nanos:i2",
        "Exemplar": "label:*LabelPair1 value:d2 timestamp:Time3",
        "Bucket": "cumulative_count:u1 upper_bound:d2 exemplar:Exemplar3",
        "BucketSpan": "offset:z1 length:n2",
        "Histogram": "sample_count:u1 sample_sum:d2 bucket:*Bucket3 schema:z5 zero_threshold:d6 "
                     "zero_count:u7 negative_span:*BucketSpan9 negative_delta:*Z10 "
                     "positive_span:*BucketSpan12 positive_delta:*Z13 exemplars:*Exemplar16",
        "Metric": "label:*LabelPair1 gauge:Gauge2 counter:Counter3 histogram:Histogram7",
        "MetricFamily": "name:s1 help:s2 type:i3 metric:*Metric4 unit:s5",
    }
    file = descriptor_pb2.FileDescriptorProto(name="metrics.proto", package="m", syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for text in fields.split():
            field_name, kind = text.split(":")
            digits = kind.lstrip("*ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
            field = message.field.add(name=field_name, number=int(digits), label=1)
            if kind.startswith("*"):
                field.label = 3
            kind = kind.lstrip("*")[:-len(digits)]
            field.type = kinds.get(kind, 11)
            if len(kind) > 1:
                field.type, field.type_name = 11, ".m." + kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    family = message_factory.GetMessageClass(pool.FindMessageTypeByName("m.MetricFamily"))
    at, found = 0, {}
    while at < len(page):
        length = shift = 0
        while True:
            byte = page[at]
            at += 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        one = family.FromString(page[at:at + length])
        assert not list(unknown_fields(one)), one.name
        at += length
        assert one.name not in found, one.name
        found[one.name] = one
    assert at == len(page)
    return found


def unknown_fields(message):
    from google.protobuf import unknown_fields as unknown

    yield from unknown.UnknownFieldSet(message)
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in value if field.is_repeated else [value]:
                yield from unknown_fields(inner)


class Otlp(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.collector = Collector()
        self.addCleanup(self.collector.server.server_close)

    def duet(self, sample="100%"):
        folder = pathlib.Path(self.folder.name)
        for name, text in HANDLERS.items():
            (folder / name).write_text(text)
        config = folder / "duet.toml"
        config.write_text(CONFIG.format(port=self.collector.port, sample=sample))
        return Duet(os.environ["DUET"], [str(config)])

    def handlers(self, duet):
        connection = http.client.HTTPConnection("127.0.0.1", duet.admin_port, timeout=DEADLINE)
        connection.request("GET", "/api/handlers")
        handlers = json.loads(connection.getresponse().read())["handlers"]
        connection.close()
        return handlers

    def get(self, duet, target, **fields):
        connection = http.client.HTTPConnection("127.0.0.1", duet.port, timeout=DEADLINE)
        connection.request("GET", target, headers={k.replace("_", "-"): v
                                                   for k, v in fields.items()})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    def test_a_request_in_a_trace_becomes_a_span_of_it(self):
        with self.duet() as duet:
            before = time.time_ns()
            answer = self.get(duet, "/price/tea?x=1", X_Variant="py", tracestate="a=b",
                              traceparent=f"00-{TRACE}-{PARENT}-01", User_Agent="test/1")
            span, = self.collector.spans(1)
            received = time.time_ns()
            took, = (one["total_us"]["mean"] for one in self.handlers(duet) if one["name"] == "py")
        path, headers, _ = self.collector.posts[0]
        self.assertEqual(path, "/base/v1/traces")
        self.assertEqual(headers["X-Token"], "secret")
        self.assertEqual(headers["Content-Type"], "application/x-protobuf")
        resource = self.collector.exports()[0].resource_spans[0]
        self.assertEqual(attributes(resource.resource)["service.name"], "shop")
        self.assertEqual(resource.scope_spans[0].scope.name, "duet")
        self.assertEqual(span.trace_id.hex(), TRACE)
        self.assertEqual(span.parent_span_id.hex(), PARENT)
        self.assertEqual(len(span.span_id), 8)
        self.assertNotEqual(span.span_id.hex(), PARENT)
        self.assertEqual(answer.headers["traceparent"], f"00-{TRACE}-{span.span_id.hex()}-01")
        self.assertEqual(span.trace_state, "a=b")
        self.assertEqual(span.flags & 255, 1)
        self.assertEqual(span.name, "GET /price/{item}")
        self.assertEqual(span.kind, span.SPAN_KIND_SERVER)
        self.assertEqual(span.status.code, span.status.STATUS_CODE_UNSET)
        self.assertLessEqual(before - 5_000_000, span.start_time_unix_nano)
        self.assertLessEqual(span.end_time_unix_nano, received + 5_000_000)
        lasted = (span.end_time_unix_nano - span.start_time_unix_nano) / 1000
        self.assertGreaterEqual(lasted, 29_000)
        self.assertAlmostEqual(lasted, took, delta=1)  # as the host measured it
        values = attributes(span)
        for key, value in {"http.request.method": "GET", "http.route": "/price/{item}",
                           "http.response.status_code": 200, "url.path": "/price/tea",
                           "url.scheme": "http", "server.address": "127.0.0.1",
                           "server.port": duet.port, "user_agent.original": "test/1",
                           "duet.handler": "py", "duet.language": "python",
                           "feature_flag.key": "price", "feature_flag.result.variant": "py",
                           "feature_flag.provider.name": "duet",
                           "feature_flag.result.reason": "default"}.items():
            self.assertEqual(values.get(key), value, key)
        self.assertNotIn("error.type", values)
        self.assertGreater(values["duet.phase.await"], 0.025)

    def test_failures_and_what_has_no_route_are_spans_too(self):
        with self.duet() as duet:
            self.get(duet, "/slow?fail", traceparent=f"00-{TRACE}-{PARENT}-01")
            self.get(duet, "/nowhere", traceparent=f"00-{TRACE}-{PARENT}-01")
            spans = {span.name: span for span in self.collector.spans(2)}
        failed = spans["GET /slow"]
        self.assertEqual(failed.status.code, failed.status.STATUS_CODE_ERROR)
        self.assertEqual(attributes(failed)["error.type"], "500")
        self.assertNotIn("feature_flag.key", attributes(failed))
        self.assertEqual(attributes(spans["GET"])["http.response.status_code"], 404)
        self.assertEqual(spans["GET"].status.code, failed.status.STATUS_CODE_UNSET)

    def test_the_flag_decides_and_else_the_rate(self):
        with self.duet(sample="20%") as duet:
            for i in range(300):
                self.get(duet, "/price/new", X_User=str(i))
            for i in range(20):
                self.get(duet, "/price/yes", traceparent=f"00-{TRACE}-{PARENT}-01")
                self.get(duet, "/price/no", traceparent=f"00-{TRACE}-{PARENT}-00")
            # A malformed one begins a trace of its own.
            self.get(duet, "/price/new", X_User="a", traceparent=f"00-{'0' * 32}-{PARENT}-01")
        spans = self.collector.spans(20)  # all of them: what was left came with the end
        paths = [attributes(span)["url.path"] for span in spans]
        self.assertEqual(paths.count("/price/yes"), 20)
        self.assertNotIn("/price/no", paths)
        self.assertTrue(25 <= paths.count("/price/new") <= 110, paths.count("/price/new"))
        fresh = [span for span in spans if attributes(span)["url.path"] == "/price/new"]
        self.assertEqual(len({span.trace_id for span in fresh}), len(fresh))
        self.assertTrue(all(len(span.trace_id) == 16 and not span.parent_span_id for span in fresh))
        reasons = {attributes(span)["feature_flag.result.reason"] for span in fresh}
        self.assertEqual(reasons, {"split"})

    def test_a_slow_bucket_leads_to_a_trace(self):
        with self.duet() as duet:
            for _ in range(3):
                self.get(duet, "/price/tea", X_Variant="js")
            self.get(duet, "/slow", traceparent=f"00-{TRACE}-{PARENT}-01")
            spans = self.collector.spans(4)
            pages = {}
            for accept in (PROTOBUF, "application/openmetrics-text"):
                connection = http.client.HTTPConnection("127.0.0.1", duet.admin_port)
                connection.request("GET", "/metrics", headers={"Accept": accept})
                answer = connection.getresponse()
                pages[answer.headers["Content-Type"].split(";")[0]] = answer.read()
                connection.close()
        slow = next(span for span in spans if attributes(span)["url.path"] == "/slow")
        seconds = (slow.end_time_unix_nano - slow.start_time_unix_nano) / 1e9
        text = pages["application/openmetrics-text"].decode()
        mark = f'# {{trace_id="{TRACE}",span_id="{slow.span_id.hex()}"}}'
        line, = [line for line in text.splitlines() if mark in line]
        self.assertIn('http_route="/slow"', line)
        self.assertAlmostEqual(float(line.split(mark)[1].split()[0]), seconds, places=8)

        found = families(pages["application/vnd.google.protobuf"])
        self.assertEqual(found["duet_spans_total"].type, 0)
        family = found["http_server_request_duration_seconds"]
        self.assertEqual((family.type, family.unit), (4, "seconds"))
        metric, = [one for one in family.metric
                   if {pair.name: pair.value for pair in one.label}["http_route"] == "/slow"]
        histogram = metric.histogram
        self.assertEqual(histogram.sample_count, 1)
        self.assertAlmostEqual(histogram.sample_sum, seconds, places=8)
        exemplar, = [bucket.exemplar for bucket in histogram.bucket if bucket.HasField("exemplar")]
        self.assertEqual({pair.name: pair.value for pair in exemplar.label},
                         {"trace_id": TRACE, "span_id": slow.span_id.hex()})
        self.assertEqual(list(histogram.exemplars), [exemplar])
        self.assertLess(abs(exemplar.timestamp.seconds - time.time()), 60)
        # The native bucket that 2^(1/8) to the power of its index ends holds the request.
        self.assertEqual((histogram.schema, histogram.zero_count), (3, 0))
        span, = histogram.positive_span
        self.assertEqual((span.length, list(histogram.positive_delta)), (1, [1]))
        upper = 2 ** (span.offset / 8)
        self.assertTrue(upper / 2 ** (1 / 8) < seconds <= upper, (seconds, upper))
        self.check_native(found)

    def check_native(self, found):
        """Native and classic buckets say the same of every histogram that has both."""
        checked = 0
        for family in found.values():
            for metric in family.metric if family.type == 4 else []:
                histogram = metric.histogram
                if not histogram.zero_threshold:
                    continue
                index, count, total = 0, 0, histogram.zero_count
                deltas = iter(histogram.positive_delta)
                bounds = []
                for span in histogram.positive_span:
                    index += span.offset
                    for _ in range(span.length):
                        count += next(deltas)
                        total += count
                        bounds.append((2 ** (index / 8), total))
                        index += 1
                self.assertEqual(total, histogram.sample_count, family.name)
                for bucket in histogram.bucket:
                    surely = [total for bound, total in bounds if bound * 1.02 <= bucket.upper_bound]
                    if surely:
                        self.assertLessEqual(surely[-1], bucket.cumulative_count, family.name)
                checked += 1
        self.assertGreater(checked, 5)

    def test_a_collector_that_is_down_costs_no_request(self):
        self.collector.server.shutdown()
        self.collector.server.server_close()
        with self.duet() as duet:
            for _ in range(700):
                self.assertEqual(self.get(duet, "/price/tea").status, 200)
            deadline = time.monotonic() + DEADLINE
            while not any("cannot be delivered at present" in line for line in duet.output):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)


def with_packages(folder):
    python, stamp = folder / "bin" / "python", folder / " ".join(PACKAGES)
    if stamp.exists():
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=150,
                       capture_output=True)
        subprocess.run([python, "-m", "pip", "-q", "install", *PACKAGES], check=True, timeout=150,
                       capture_output=True, text=True)
    except (subprocess.SubprocessError, OSError) as error:
        print(f"skipped: {PACKAGES} cannot be installed: {getattr(error, 'stderr', '') or error}")
        sys.exit(SKIPPED)
    stamp.touch()
    return python


if __name__ == "__main__":
    if "--inside" in sys.argv:
        sys.argv.remove("--inside")
        unittest.main()
    inside = with_packages(pathlib.Path(sys.argv[1]).absolute())
    sys.exit(subprocess.run([inside, __file__, "--inside", *sys.argv[2:]]).returncode)
