// Where duet begins in the user's Python (interpreter.h): of libduet.so alone, which the loader
// maps ahead of the program. That one's first instruction calls __libc_start_main, which this
// stands in for, with duet's main() instead of Python's.

#include <dlfcn.h>
#include <linux/prctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "host/cli/command.h"

namespace {

using Main = int (*)(int, char**, char**);
using Start = int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*);

// proc(5), /proc/PID/stat: the fields after the name in parentheses, which begin with the third.
std::vector<unsigned long long> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t end = line.rfind(')');
  std::vector<unsigned long long> fields(3);
  if (end == std::string::npos || end + 4 > line.size()) return fields;
  const char* at = line.c_str() + end + 4;  // ") S "
  for (char* next = nullptr; *at != '\0'; at = next) {
    fields.push_back(std::strtoull(at, &next, 10));
    if (next == at) break;
  }
  return fields;
}

// `ps` and `pgrep -f` are to find "duet serve app.py", and not the loader's words. What the words
// were is overwritten, so `words` is a copy.
void take_title(const std::vector<std::string>& words) {
  prctl(PR_SET_NAME, "duet");
  const auto fields = stat_fields();
  if (fields.size() <= 51) return;
  // Numbered as in proc(5), from 1 on.
  const auto field = [&](std::size_t number) { return fields[number - 1]; };
  prctl_mm_map map{};
  map.start_code = field(26);
  map.end_code = field(27);
  map.start_stack = field(28);
  map.start_data = field(45);
  map.end_data = field(46);
  map.start_brk = field(47);
  map.brk = reinterpret_cast<std::uintptr_t>(sbrk(0));
  map.arg_start = field(48);
  map.arg_end = field(49);
  map.env_start = field(50);
  map.env_end = field(51);
  map.exe_fd = static_cast<__u32>(-1);
  std::string title;
  for (const std::string& word : words) title.append(word).push_back('\0');
  if (map.arg_start == 0 || map.arg_end - map.arg_start < title.size()) return;
  // What libc says of an assertion that fails begins with it.
  program_invocation_name = const_cast<char*>(words.front().c_str());
  program_invocation_short_name = const_cast<char*>("duet");
  char* area = reinterpret_cast<char*>(map.arg_start);
  std::memset(area, 0, map.arg_end - map.arg_start);
  title.copy(area, title.size());
  map.arg_end = map.arg_start + title.size();
  // A kernel without it shows NULs after the last word, which `ps` cuts off.
  prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0);
}

int run(int count, char** words, char**) {
  static const std::vector<std::string> copy(words, words + count);
  take_title(copy);
  return duet::cli::run_duet({copy.begin() + 1, copy.end()});
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int __libc_start_main(
    Main, int count, char** words, void (*init)(), void (*fini)(), void (*loader_fini)(),
    void* stack) {
  const auto real = reinterpret_cast<Start>(dlsym(RTLD_NEXT, "__libc_start_main"));
  return real(run, count, words, init, fini, loader_fini, stack);
}
