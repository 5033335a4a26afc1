#include "host/bench/process_cpu.h"

#include <dirent.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <string>

namespace duet::bench {

namespace {

void each_entry(const std::string& folder, const std::function<void(const std::string&)>& entry) {
  DIR* opened = opendir(folder.c_str());
  if (opened == nullptr) return;
  while (const dirent* one = readdir(opened)) {
    if (std::isdigit(static_cast<unsigned char>(one->d_name[0])) != 0) entry(one->d_name);
  }
  closedir(opened);
}

std::vector<pid_t> processes_that(const std::function<bool(const std::string& folder)>& match) {
  std::vector<pid_t> found;
  each_entry("/proc", [&](const std::string& name) {
    if (match("/proc/" + name)) found.push_back(static_cast<pid_t>(std::atoi(name.c_str())));
  });
  std::sort(found.begin(), found.end());
  return found;
}

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

// "socket:[INODE]" of the sockets that listen there: /proc/net/tcp has "sl local remote state … uid
// timeout inode", addresses as HEX:HEX, and state 0A for a listener.
void add_listeners(const char* file, std::uint16_t port, std::set<std::string>& sockets) {
  std::ifstream lines(file);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string number, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
    words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
        timeout >> inode;
    const std::size_t colon = local.rfind(':');
    if (state != "0A" || colon == std::string::npos) continue;
    if (std::strtoul(local.c_str() + colon + 1, nullptr, 16) != port) continue;
    sockets.insert("socket:[" + inode + "]");
  }
}

bool holds_one_of(const std::string& folder, const std::set<std::string>& sockets) {
  bool holds = false;
  each_entry(folder + "/fd", [&](const std::string& name) {
    char target[64];
    const ssize_t length = readlink((folder + "/fd/" + name).c_str(), target, sizeof target);
    if (length > 0) holds = holds || sockets.contains({target, static_cast<std::size_t>(length)});
  });
  return holds;
}

}  // namespace

std::vector<pid_t> processes_of_group(pid_t group) {
  return processes_that([&](const std::string& folder) { return group_of(folder) == group; });
}

std::vector<pid_t> processes_listening(std::uint16_t port) {
  std::set<std::string> sockets;
  add_listeners("/proc/net/tcp", port, sockets);
  add_listeners("/proc/net/tcp6", port, sockets);
  if (sockets.empty()) return {};
  return processes_that([&](const std::string& folder) { return holds_one_of(folder, sockets); });
}

std::optional<Nanos> cpu_of(std::span<const pid_t> processes) {
  if (processes.empty()) return std::nullopt;
  Nanos sum = 0;
  for (const pid_t process : processes) {
    clockid_t clock{};
    timespec used{};
    if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &used) != 0) {
      return std::nullopt;
    }
    sum += used.tv_sec * kSecond + used.tv_nsec;
  }
  return sum;
}

}  // namespace duet::bench
