// What JavaScript sees as process.execPath: the program lib/duet/node and not duet, which could not
// stand in for Node when child_process.fork() or a package starts it. Workers have no other way to
// learn it than libuv's uv_exepath, which this stands in for: the executable's symbol is found
// before libuv's own. Without that program (no JavaScript engine was built) it is duet's own path.

#include <dlfcn.h>
#include <unistd.h>
#include <uv.h>

#include <cstring>
#include <string>

#include "host/base/executable.h"

namespace {

const std::string& node_path() {
  static const std::string path = [] {
    std::string found = duet::module_directory() + "/node";
    return access(found.c_str(), X_OK) == 0 ? found : std::string();
  }();
  return path;
}

}  // namespace

// Any thread. As libuv's: `size` is that of the buffer before, and the length of the path after.
extern "C" __attribute__((visibility("default"))) int uv_exepath(char* buffer, std::size_t* size) {
  const std::string& path = node_path();
  if (path.empty()) {
    using Function = int (*)(char*, std::size_t*);
    static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "uv_exepath"));
    return real(buffer, size);
  }
  if (buffer == nullptr || size == nullptr || *size == 0) return UV_EINVAL;
  *size = path.copy(buffer, *size - 1);
  buffer[*size] = '\0';
  return 0;
}
