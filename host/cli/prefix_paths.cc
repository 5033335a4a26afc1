// Leads libnode to its JavaScript built-ins when it lives in the private prefix.
//
// Debian's libnode reads some of its built-ins (undici, acorn, minimatch, cjs-module-lexer ...)
// from /usr/share/nodejs at run time and aborts when they are missing; an installed Node of another
// version would hand it the wrong ones. The prefix has the right ones, so this file stands in for
// uv_fs_open, which is how libnode opens them: the executable's symbol is found before libuv's own.
// A path that the prefix does not have is opened as it is, so packages that a user installed there
// with apt keep working. Compiled only when a prefix is used.

#include <dlfcn.h>
#include <unistd.h>
#include <uv.h>

#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view kBuiltins = "/usr/share/nodejs/";
constexpr std::string_view kPrefix = DUET_PREFIX;  // absolute, without a trailing slash

using OpenFunction = int (*)(uv_loop_t*, uv_fs_t*, const char*, int, int, uv_fs_cb);

OpenFunction real_open() {  // there is one: we are linked with libuv
  static const OpenFunction function =
      reinterpret_cast<OpenFunction>(dlsym(RTLD_NEXT, "uv_fs_open"));
  return function;
}

}  // namespace

// Any thread, like the original; `path` is copied before this returns, also by libuv.
extern "C" __attribute__((visibility("default"))) int uv_fs_open(uv_loop_t* loop, uv_fs_t* request,
                                                                 const char* path, int flags,
                                                                 int mode, uv_fs_cb callback) {
  if (path != nullptr && std::strncmp(path, kBuiltins.data(), kBuiltins.size()) == 0) {
    const std::string inside = std::string(kPrefix) + path;
    if (access(inside.c_str(), R_OK) == 0) {
      return real_open()(loop, request, inside.c_str(), flags, mode, callback);
    }
  }
  return real_open()(loop, request, path, flags, mode, callback);
}
