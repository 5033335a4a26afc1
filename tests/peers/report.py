"""The tables: for a terminal, and for README.md."""

import datetime
import os
import platform
import statistics

from contestants import RATIOS, START_RATIOS
from workload import WORKLOADS

BEGIN, END = "<!-- figures: written by run.py --write -->", "<!-- end of figures -->"


def fingerprint():
    """What the figures depend on, in one line."""
    model = "unknown processor"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    try:
        with open("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") as file:
            governor = file.read().strip()
    except OSError:
        governor = "no frequency control"
    virtual = "virtual" if "hypervisor" in open("/proc/cpuinfo").read() else "bare metal"
    return (f"{model}, {os.cpu_count()} cores, {virtual}, {governor}; "
            f"Linux {platform.release()}, {platform.libc_ver()[0]} {platform.libc_ver()[1]}")


class Ratio:
    def __init__(self, title, ours, theirs, values, bar):
        self.title, self.ours, self.theirs, self.bar = title, ours, theirs, bar
        self.value = statistics.median(values)
        ordered = sorted(values)
        quarter = len(ordered) // 4
        self.low, self.high = ordered[quarter], ordered[-1 - quarter]

    @property
    def passed(self):
        return self.value <= self.bar


class Report:
    def __init__(self, options, chosen, loads, start_times):
        self.options, self.loads, self.start_times = options, loads, start_times
        self.titles = {entry.key: entry.title for entry in chosen}
        self.versions = {entry.title: entry.version() for entry in chosen}
        self.ratios = self._ratios()

    def _ratios(self):
        found = []
        for workload, ours, theirs, bar in RATIOS:
            rounds = self.loads.get(workload.name, {})
            if ours in rounds and theirs in rounds:
                values = [a.cpu_per_request / b.cpu_per_request
                          for a, b in zip(rounds[ours], rounds[theirs])]
                found.append(Ratio(workload.title, self.titles[ours], self.titles[theirs], values,
                                   bar))
        names = {"duet_js": "duet, JavaScript only", "duet_both": "duet, both engines",
                 "node": "Node http", "uvicorn": "uvicorn"}
        for ours, theirs, bar in START_RATIOS:
            if self.start_times.get(ours) and self.start_times.get(theirs):
                values = [a / b for a, b in zip(self.start_times[ours], self.start_times[theirs])]
                found.append(Ratio("start to first answer", names[ours], names[theirs], values, bar))
        return found

    def passed(self):
        return all(ratio.passed for ratio in self.ratios)

    def tables(self):
        """[(title, header, rows)]: texts."""
        tables = []
        for workload in WORKLOADS:
            rounds = self.loads.get(workload.name)
            if not rounds:
                continue
            rows = []
            for key, measured in rounds.items():
                cpu = [one.cpu_per_request for one in measured]
                p99 = statistics.median(one.p99 for one in measured) * 1e3
                rows.append([self.titles[key], f"{statistics.median(cpu):.2f}",
                             f"{min(cpu):.2f}-{max(cpu):.2f}",
                             # wrk times a batch as one request, and reports 0 for it
                             f"{p99:.2f}" if workload.batch == 1 else "-",
                             f"{statistics.median(one.rate for one in measured):,.0f}"])
            tables.append((workload.title, ["server", "CPU a request, µs", "least-most",
                                            "p99, ms", "requests/s"], rows))
        if self.start_times:
            titles = {"duet_js": "duet, JavaScript only", "duet_both": "duet, both engines",
                      "node": "Node http", "uvicorn": "uvicorn"}
            rows = [[titles[key], f"{statistics.median(times) * 1e3:.1f}",
                     f"{min(times) * 1e3:.1f}-{max(times) * 1e3:.1f}"]
                    for key, times in self.start_times.items() if times]
            tables.append(("start to first answer", ["server", "ms", "least-most"], rows))
        if self.ratios:
            rows = [[ratio.title, f"{ratio.ours} / {ratio.theirs}", f"{ratio.value:.2f}",
                     f"{ratio.low:.2f}-{ratio.high:.2f}", f"{ratio.bar:.2f}",
                     "pass" if ratio.passed else "MISS"] for ratio in self.ratios]
            tables.append(("ratios: median over the rounds, and the middle half of them",
                           ["workload", "ratio", "is", "middle half", "at most", ""], rows))
        return tables

    def conditions(self):
        lines = [f"{datetime.datetime.now():%Y-%m-%d %H:%M}, {fingerprint()}",
                 f"{self.options.rounds} rounds of {self.options.seconds} s by turns, 64 "
                 f"connections, server and client on a core each, {self.options.starts} starts"]
        return lines + [f"{title}: {version}" for title, version in self.versions.items()
                        if not (title.startswith("duet") and title != "duet JavaScript")]

    def terminal(self, color):
        lines = [""]
        for title, header, rows in self.tables():
            widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
            lines.append(f"\033[1m{title}\033[0m" if color else title)
            for row in [header, *rows]:
                cells = [cell.ljust(width) if i == 0 or (len(header) == 6 and i in (1, 5))
                         else cell.rjust(width)
                         for i, (cell, width) in enumerate(zip(row, widths))]
                line = "  " + "  ".join(cells).rstrip()
                if color and row[-1] == "MISS":
                    line = f"\033[31m{line}\033[0m"
                elif color and row is header:
                    line = f"\033[2m{line}\033[0m"
                lines.append(line)
            lines.append("")
        lines += self.conditions()
        return "\n".join(lines)

    def markdown(self):
        lines = []
        for title, header, rows in self.tables():
            lines += [f"**{title[0].upper()}{title[1:]}**", "", "| " + " | ".join(header) + " |",
                      "|" + "---|" * len(header)]
            lines += ["| " + " | ".join(row) + " |" for row in rows] + [""]
        return "\n".join(lines + [f"- {line}" for line in self.conditions()]) + "\n"


def write_readme(path, report):
    text = path.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n{report.markdown()}{END}{after}")
