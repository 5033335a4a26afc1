#include "host/bench/fingerprint.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

namespace duet::bench {

namespace {

constexpr const char* kFlags[] = {"NODE_OPTIONS",   "NODE_ENV",         "UV_THREADPOOL_SIZE",
                                  "PYTHONOPTIMIZE", "PYTHONMALLOC",     "PYTHON_JIT",
                                  "PYTHON_GIL",     "PYTHONDEVMODE",    "PYTHONASYNCIODEBUG",
                                  "LD_PRELOAD",     "MALLOC_ARENA_MAX", "GLIBC_TUNABLES"};

std::string first_line(const std::string& file) {
  std::string line;
  std::getline(std::ifstream(file), line);
  return line;
}

// What a switch of the kernel's says, in words.
std::string switched(const std::string& value, const char* off, const char* on) {
  return value == "0" ? off : value == "1" ? on : value;
}

// "24000000 kB" as "23438 MiB".
std::string mebibytes(const std::string& kibibytes) {
  const double size = std::atof(kibibytes.c_str());
  return size > 0 ? std::to_string(std::llround(size / 1024)) + " MiB" : "";
}

std::string or_unknown(const std::string& text) { return text.empty() ? "unknown" : text; }

// What stands behind "NAME<spaces>:" or "NAME " in a file of such lines.
std::string value_in(const std::string& file, const std::string& name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name)) continue;
    const std::size_t after = line.find_first_not_of(" \t:", name.size());
    if (after == std::string::npos || after == name.size()) continue;
    return line.substr(after);
  }
  return "";
}

// The folder of this process's control group, for that controller of version 1 or of version 2,
// and those above it up to the mount point, the nearest first.
std::vector<std::string> groups(const std::string& root, const std::string& controller) {
  std::ifstream lines(root + "/proc/self/cgroup");
  std::string mount, path;
  for (std::string line; std::getline(lines, line);) {  // "4:cpu,cpuacct:/a", "0::/a"
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool old = ("," + controllers + ",").find("," + controller + ",") != std::string::npos;
    if (!old && (!controllers.empty() || !mount.empty())) continue;
    mount = root + "/sys/fs/cgroup" + (old ? "/" + controller : "");
    path = line.substr(second + 1);
  }
  std::vector<std::string> found;
  if (mount.empty()) return found;
  for (; path.size() > 1; path.erase(path.rfind('/'))) found.push_back(mount + path);
  found.push_back(mount);
  return found;
}

// The least of the limits on the way up; a container sees its own group as the top.
std::string least(const std::vector<double>& limits, double unit, const char* suffix) {
  if (limits.empty()) return "none";
  std::ostringstream text;
  text << *std::min_element(limits.begin(), limits.end()) / unit << suffix;
  return text.str();
}

std::string processor_limit(const std::string& root) {
  std::vector<double> limits;
  for (const std::string& group : groups(root, "cpu")) {
    double quota = -1, period = 0;
    std::istringstream(first_line(group + "/cpu.max")) >> quota >> period;  // "max 100000" fails
    if (period <= 0) {
      quota = std::atof(or_unknown(first_line(group + "/cpu.cfs_quota_us")).c_str());
      period = std::atof(first_line(group + "/cpu.cfs_period_us").c_str());
    }
    if (quota > 0 && period > 0) limits.push_back(quota / period);
  }
  return least(limits, 1, " processors");
}

std::string memory_limit(const std::string& root) {
  constexpr double kMiB = 1024 * 1024;
  constexpr double kNone = 1e18;  // version 1 writes a huge number instead
  std::vector<double> limits;
  for (const std::string& group : groups(root, "memory")) {
    for (const char* file : {"/memory.max", "/memory.limit_in_bytes"}) {
      const double limit = std::atof(first_line(group + file).c_str());  // "max" is 0
      if (limit > 0 && limit < kNone) limits.push_back(limit);
    }
  }
  return least(limits, kMiB, " MiB");
}

std::string usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return "unknown";
  return std::to_string(CPU_COUNT(&set)) + " of " + std::to_string(sysconf(_SC_NPROCESSORS_ONLN));
}

}  // namespace

Fingerprint machine_fingerprint(const std::string& root) {
  const std::string kernel = root + "/proc/sys/kernel/", cpus = root + "/sys/devices/system/cpu/";
  std::string system = first_line(kernel + "ostype");
  if (!system.empty()) system += " " + first_line(kernel + "osrelease");
  std::string model = value_in(root + "/proc/cpuinfo", "model name");
  if (model.empty()) model = value_in(root + "/proc/cpuinfo", "CPU part");  // ARM has no names
  std::string boost = first_line(cpus + "cpufreq/boost");
  if (boost.empty()) {
    const std::string off = first_line(cpus + "intel_pstate/no_turbo");
    if (!off.empty()) boost = off == "0" ? "1" : "0";
  }
  return {{"kernel", or_unknown(system)},
          {"processor", or_unknown(model)},
          {"processors", usable_processors()},
          {"governor", or_unknown(first_line(cpus + "cpu0/cpufreq/scaling_governor"))},
          {"boost", or_unknown(switched(boost, "off", "on"))},
          {"threads of a core",
           or_unknown(switched(first_line(cpus + "smt/active"), "one", "several"))},
          {"memory", or_unknown(mebibytes(value_in(root + "/proc/meminfo", "MemTotal")))},
          {"processor limit", processor_limit(root)},
          {"memory limit", memory_limit(root)}};
}

Fingerprint environment_flags() {
  Fingerprint flags;
  for (const char* name : kFlags) {
    if (const char* value = std::getenv(name)) flags.push_back({name, value});
  }
  return flags;
}

std::vector<std::string> differences(const Fingerprint& a, const Fingerprint& b) {
  const auto value = [](const Fingerprint& facts, const std::string& name) {
    const auto found = std::find_if(facts.begin(), facts.end(),
                                    [&](const Fact& fact) { return fact.name == name; });
    return found == facts.end() ? std::string("nothing") : found->value;
  };
  std::vector<std::string> lines;
  const auto add = [&](const std::string& name) {
    const std::string here = value(a, name), there = value(b, name);
    const std::string line = name + ": " + here + ", then " + there;
    const bool said = std::find(lines.begin(), lines.end(), line) != lines.end();
    if (here != there && !said) lines.push_back(line);
  };
  for (const Fingerprint* facts : {&a, &b}) {
    for (const Fact& fact : *facts) add(fact.name);
  }
  return lines;
}

Disturbance disturbance(const std::string& root) {
  Disturbance sum;
  for (const std::string& group : groups(root, "cpu")) {
    const std::string file = group + "/cpu.stat";
    const auto count = [&](const char* name) {
      return std::strtoull(value_in(file, name).c_str(), nullptr, 10);
    };
    sum.throttled_periods += count("nr_throttled");
    sum.throttled += static_cast<Nanos>(count("throttled_usec")) * kMicrosecond;
    sum.throttled += static_cast<Nanos>(count("throttled_time"));  // version 1, in nanoseconds
  }
  std::istringstream fields(value_in(root + "/proc/stat", "cpu"));
  Nanos ticks = 0;
  for (int field = 1; field <= 8 && fields >> ticks;) {  // the 8th is steal: proc_stat(5)
    if (field++ == 8) sum.stolen = ticks * (kSecond / sysconf(_SC_CLK_TCK));
  }
  return sum;
}

Disturbance operator-(const Disturbance& after, const Disturbance& before) {
  const auto minus = [](auto a, auto b) { return a > b ? a - b : 0; };
  return {minus(after.throttled_periods, before.throttled_periods),
          minus(after.throttled, before.throttled), minus(after.stolen, before.stolen)};
}

}  // namespace duet::bench
