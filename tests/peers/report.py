"""The tables, from the JSON of `duet bench`: for a terminal, and for README.md."""

import datetime

from contestants import RATIOS, START_PATH, START_RATIOS

BEGIN, END = "<!-- figures: written by run.py --write -->", "<!-- end of figures -->"
SHOWN_FACTS = ["processor", "processors", "governor", "kernel", "processor limit"]


def spread(low, high, form):
    return "-" if low is None else f"{low:{form}}-{high:{form}}"


class Ratio:
    """A ratio of two servers, from the bench's figure {value, low, high, missing}, and its bar."""

    def __init__(self, title, name, figure, bar=None):
        self.title, self.name, self.bar = title, name, bar
        self.value, self.missing = figure.get("value", figure.get("median")), figure.get("missing", "")
        self.low, self.high = figure.get("low"), figure.get("high")

    def verdict(self):
        if self.bar is None:
            return ""
        if self.value is None:
            return "void"
        if self.value > self.bar:
            return "MISS"
        return "pass" if self.high is not None and self.high <= self.bar else "not told apart"

    def row(self):
        return [self.title, self.name, self.missing if self.value is None else f"{self.value:.3f}",
                spread(self.low, self.high, ".3f"), "-" if self.bar is None else f"{self.bar:.2f}",
                self.verdict()]


class Report:
    def __init__(self):
        self.tables_of_servers, self.ratios, self.versions, self.notes = [], [], {}, []
        self.machine = self.design = ""

    def _add_ratios(self, title, pairs, titles, figures):
        for ours, theirs, bar in pairs:
            if (ours, theirs) in figures:
                self.ratios.append(Ratio(title, f"{titles[ours]} / {titles[theirs]}",
                                         figures[ours, theirs], bar))

    def _add_entries(self, entries):
        for entry in entries:
            name = "duet" if "duet" in entry.title.replace(",", "").split() else entry.title
            if entry.version_command is not None and name not in self.versions:
                self.versions[name] = entry.version()
        return {entry.key: entry.title for entry in entries}

    def _rows_of(self, workload):
        """Of the workload's table, which several heats fill."""
        for title, _, rows in self.tables_of_servers:
            if title == workload.title:
                return rows
        header = ["server", "CPU a request, µs", "95%", "core", "p99, ms", "requests/s"]
        self.tables_of_servers.append((workload.title, header, []))
        return self.tables_of_servers[-1][2]

    def add_load(self, workload, entries, result):
        titles = self._add_entries(entries)
        self.machine = ", ".join(f"{name}: {result['fingerprint'][name]}" for name in SHOWN_FACTS)
        load, comparison = result["load"], result["comparison"]
        self.design = (f"closed loop, {load['connections']} connections, servers on processor "
                       f"{load['pinned']['servers']}, the generator on {load['pinned']['generator']}")
        rows = self._rows_of(workload)
        measured = {row[0] for row in rows}
        for arm, compared in zip(result["arms"], comparison["arms"]):
            title = titles[entries[0].key] + ", once more (A/A)" if compared["copy"] else titles[arm["name"]]
            cpu = compared["intervals"]["cpu"]
            p99 = next(one for one in arm["latency"] if one["p"] == 0.99)
            rate = arm["answers_per_second"]
            known = cpu["value"] is not None
            if title not in measured:  # in an earlier heat
                rows.append([title, f"{cpu['value'] / 1e3:.2f}" if known else cpu["missing"],
                             spread(*(cpu[end] and cpu[end] / 1e3 for end in ("low", "high")), ".2f"),
                             f"{cpu['value'] * rate / 1e9:.0%}" if known else "-",
                             "void" if p99["ns"] is None else f"{p99['ns'] / 1e6:.2f}", f"{rate:,.0f}"])
            if compared["copy"]:
                self.ratios.append(Ratio(workload.title, f"{titles[entries[0].key]} / itself (A/A)",
                                         compared["ratios"]["cpu"]))
        self._add_ratios(workload.title, [ratio[1:] for ratio in RATIOS if ratio[0] is workload], titles,
                         {(one["of"], one["to"]): one["figures"]["cpu"]
                          for one in comparison.get("ratios", [])})
        self.notes.append(f"{workload.title}: {load['rounds']} rounds of blocks of "
                          f"{load['block_ns'] / 1e6:.0f} ms, seed {load['seed']}"
                          + ("" if comparison["warm_up"]["state"] == "steady"
                             else f"; {comparison['warm_up']['state']}")
                          + ("; ended early: too many requests" if result["ended_early"] else ""))

    def add_starts(self, entries, result):
        titles = self._add_entries(entries)
        rows = []
        for arm in result["arms"]:
            first = arm["first_answer_ns"]
            ends = (first.get(end) and first[end] / 1e6 for end in ("low", "high"))
            rows.append([titles[arm["name"]], f"{first['median'] / 1e6:.1f}", spread(*ends, ".1f")])
        self.tables_of_servers.append((START_PATH.title, ["server", "ms", "95%"], rows))
        self._add_ratios(START_PATH.title, START_RATIOS, titles,
                         {(one["of"], one["to"]): one["first_answer"] for one in result.get("ratios", [])})
        self.notes.append(f"{START_PATH.title}: {result['starts']} of each, seed {result['seed']}")

    def passed(self):
        return all(ratio.verdict() != "MISS" for ratio in self.ratios)

    def tables(self):
        """[(title, header, rows)]: texts."""
        ratios = ("ratios", ["workload", "ratio", "is", "95%", "at most", ""],
                  [ratio.row() for ratio in self.ratios])
        return self.tables_of_servers + ([ratios] if self.ratios else [])

    def conditions(self):
        return [line for line in (f"{datetime.datetime.now():%Y-%m-%d %H:%M}; {self.machine}", self.design,
                                  *self.notes) if line] + \
            [f"{title}: {version}" for title, version in self.versions.items()]

    def terminal(self, color):
        lines = [""]
        for title, header, rows in self.tables():
            widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
            texts = (0, 1, 5) if title == "ratios" else (0,)
            lines.append(f"\033[1m{title}\033[0m" if color else title)
            for row in [header, *rows]:
                cells = [cell.ljust(width) if i in texts else cell.rjust(width)
                         for i, (cell, width) in enumerate(zip(row, widths))]
                line = "  " + "  ".join(cells).rstrip()
                if color and row[-1] == "MISS":
                    line = f"\033[31m{line}\033[0m"
                elif color and row is header:
                    line = f"\033[2m{line}\033[0m"
                lines.append(line)
            lines.append("")
        return "\n".join(lines + self.conditions())

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
