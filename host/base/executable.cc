#include "host/base/executable.h"

#include <dlfcn.h>

#include <filesystem>

namespace duet {

namespace fs = std::filesystem;

const std::string& executable_path() {
  static const std::string path = [] {
    // The host as a library is beside the modules.
    Dl_info info;
    if (dladdr(reinterpret_cast<void*>(&executable_path), &info) != 0) {
      const fs::path file = info.dli_fname;
      if (file.filename() == "libduet.so") {
        const fs::path top = file.parent_path().parent_path().parent_path();
        return (top / "bin" / "duet").string();
      }
    }
    return fs::read_symlink("/proc/self/exe").string();
  }();
  return path;
}

const std::string& module_directory() {
  static const std::string path =
      (fs::path(executable_path()).parent_path().parent_path() / "lib" / "duet").string();
  return path;
}

}  // namespace duet
