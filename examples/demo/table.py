"""The tables of the demo, from the host's GET /api/handlers."""

import textwrap

ORDER = ["queue", "parse", "gil", "run", "await", "ready", "pool", "write"]
LABEL = 8  # columns
MEANING = {
    "queue": "arrived, not dispatched",
    "parse": "read, parsed, routed",
    "gil": "waiting for Python's lock",
    "run": "in the language",
    "await": "suspended",
    "ready": "could go on, loop busy",
    "pool": "waiting for a thread",
    "write": "answer not yet taken",
}


def duration(micros):
    """Three digits at most: "0", "4.2 µs", "61 µs", "1.2 ms"."""
    if micros < 0.05:
        return "0"
    for limit, divisor, unit in ((1e3, 1, "µs"), (1e6, 1e3, "ms"), (float("inf"), 1e6, "s")):
        value = micros / divisor
        if micros < limit * 0.9995:
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    raise AssertionError


def phase_table(handlers, style):
    """Handlers side by side: a line of medians for each phase, and dimmed below it the p99s."""
    phases = [phase for phase in ORDER
              if any(handler["phases_us"][phase]["max"] > 0 for handler in handlers)]
    column = max(9, *(len(handler["name"]) for handler in handlers)) + 1
    beside = max(1, (style.width - LABEL - 2) // column)
    lines = []
    for at in range(0, len(handlers), beside):  # a narrow terminal gets several tables
        lines += one_table(handlers[at:at + beside], phases, column, style) + [""]
    legend = "; ".join(f"{phase}: {MEANING[phase]}" for phase in phases)
    return lines + [style.dim(f"  {line}") for line in textwrap.wrap(legend, style.width - 4)]


def one_table(handlers, phases, column, style):
    def line(label, cells):
        return f"  {label:<{LABEL}}" + "".join(f"{cell:>{column}}" for cell in cells)

    def pair(label, spreads):
        return [line(label, [duration(spread["p50"]) for spread in spreads]),
                style.dim(line("", [duration(spread["p99"]) for spread in spreads]))]

    lines = [style.bold(line("", [handler["name"] for handler in handlers])),
             line("requests", [f"{handler['requests']:,}" for handler in handlers])]
    for phase in phases:
        lines += pair(phase, [handler["phases_us"][phase] for handler in handlers])
    lines += [style.dim("  " + "─" * (LABEL + column * len(handlers)))]
    lines += pair("total", [handler["total_us"] for handler in handlers])
    return lines + [line("CPU each", [duration(handler["cpu_us_per_request"])
                                      for handler in handlers])]


def blame_lines(handlers, most=5):
    """The longest waits of one handler's requests because another had the loop."""
    pairs = [(micros, handler["name"], other)
             for handler in handlers for other, micros in handler["waited_for_us"].items()
             if micros >= 1000]
    return [f"{waiting:<11} waited {duration(micros):>7} in all because of {holding}"
            for micros, waiting, holding in sorted(pairs, reverse=True)[:most]]


def cpu_lines(figures):
    cpu = figures["cpu_seconds"]
    whole = cpu["process"] or 1e-9
    parts = [(handler["name"], sum(handler["cpu_seconds"].values()))
             for handler in figures["handlers"]]
    parts += [("engines' own threads", cpu["engines"]),
              ("the loop itself", cpu["unattributed"]["loop"]),
              ("start", cpu["unattributed"]["start"]),
              ("other threads", cpu["unattributed"]["other"])]
    lines = [f"{cpu['process']:.2f} s of the process, of which"]
    for name, seconds in sorted(parts, key=lambda part: -part[1]):
        if seconds / whole >= 0.005:
            bar = "█" * round(40 * seconds / whole)
            lines.append(f"{name:<21}{seconds:6.2f} s {100 * seconds / whole:3.0f}%  {bar}")
    return lines
