#include "host/cli/tls_module.h"

#include <dlfcn.h>

#include "host/base/executable.h"

namespace duet::cli {

Result<std::shared_ptr<net::TlsClient>> open_tls(const net::TlsOptions& options) {
  const std::string path = module_directory() + "/duet_tls.so";
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* symbol = module == nullptr ? nullptr : dlsym(module, net::kMakeTlsClientSymbol);
  if (symbol == nullptr) {
    const char* cause = dlerror();
    return Error{
        "the module for TLS cannot be opened: " + std::string(cause != nullptr ? cause : ""),
        path,
        "build it: cmake --build --preset release",
        {}};
  }
  Result<std::shared_ptr<net::TlsClient>> client = Error{};
  reinterpret_cast<net::MakeTlsClient>(symbol)(options, client);
  return client;
}

}  // namespace duet::cli
