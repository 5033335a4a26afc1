"""Reads our metrics with prometheus_client's parsers, the reference for both formats.

Usage: check_exposition.py <exposition_sample> <directory for a virtual environment>
Exits with 77 (skipped) when the package cannot be installed.
"""

import pathlib
import subprocess
import sys

PACKAGE = "prometheus_client==0.22.1"
SKIPPED = 77


def environment(folder):
    python = folder / "bin" / "python"
    stamp = folder / PACKAGE
    if stamp.exists():
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=60,
                       capture_output=True)
        subprocess.run([python, "-m", "pip", "-q", "install", PACKAGE], check=True, timeout=60,
                       capture_output=True, text=True)
    except (subprocess.SubprocessError, OSError) as error:
        print(f"skipped: {PACKAGE} cannot be installed: {getattr(error, 'stderr', '') or error}")
        sys.exit(SKIPPED)
    stamp.touch()
    return python


def check(program):
    from prometheus_client import parser
    from prometheus_client.openmetrics import parser as open_parser

    def page(style):
        return subprocess.run([program, style], check=True, capture_output=True,
                              text=True, encoding="utf-8").stdout

    plain = list(parser.text_string_to_metric_families(page("prometheus")))
    opened = list(open_parser.text_string_to_metric_families(page("openmetrics")))
    assert {f.name for f in plain} == {f.name for f in opened}, "families differ by format"
    assert {f.name: f.type for f in plain} == {f.name: f.type for f in opened}
    by_name = {f.name: f for f in opened}
    for name, unit in {"http_server_request_duration_seconds": "seconds",
                       "http_server_request_body_size_bytes": "bytes",
                       "duet_phase_seconds": "seconds",
                       "process_cpu_seconds": "seconds"}.items():
        assert by_name[name].unit == unit, name
        assert by_name[name].samples, name
    handlers = {s.labels.get("handler") for s in by_name["duet_cpu_seconds"].samples}
    assert 'quo"ted\\ n\u00e4me\n' in handlers, handlers
    counts = [s.value for s in by_name["http_server_request_duration_seconds"].samples
              if s.name.endswith("_count") and s.labels.get("http_route") == "/js/{code}"]
    assert counts == [110], counts
    samples = sum(len(f.samples) for f in opened)
    print(f"{len(opened)} families, {samples} samples: both parsers agree")


if __name__ == "__main__":
    if sys.argv[2] == "--inside":
        check(sys.argv[1])
    else:
        inside = environment(pathlib.Path(sys.argv[2]).absolute())
        sys.exit(subprocess.run([inside, __file__, sys.argv[1], "--inside"]).returncode)
