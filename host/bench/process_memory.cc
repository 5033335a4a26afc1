#include "host/bench/process_memory.h"

#include <dirent.h>
#include <unistd.h>

#include <cctype>
#include <fstream>
#include <sstream>
#include <string>

namespace duet::bench {

namespace {

// The group in /proc/PID/stat: "pid (name) state parent group …"; names may have brackets.
pid_t group_of(const std::string& folder) {
  std::string line;
  std::getline(std::ifstream(folder + "/stat"), line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(line.substr(name_end + 1));
  char state = 0;
  pid_t parent = 0, group = 0;
  rest >> state >> parent >> group;
  return state == 'Z' ? 0 : group;
}

}  // namespace

std::optional<std::int64_t> resident_of_group(pid_t group) {
  DIR* processes = opendir("/proc");
  if (processes == nullptr) return std::nullopt;
  std::optional<std::int64_t> bytes;
  while (const dirent* entry = readdir(processes)) {
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) == 0) continue;
    const std::string folder = std::string("/proc/") + entry->d_name;
    if (group_of(folder) != group) continue;
    std::int64_t all = 0, resident = 0;
    std::ifstream(folder + "/statm") >> all >> resident;
    bytes = bytes.value_or(0) + resident * sysconf(_SC_PAGESIZE);
  }
  closedir(processes);
  return bytes;
}

}  // namespace duet::bench
