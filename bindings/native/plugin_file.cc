#include "bindings/native/plugin_file.h"

#include <dlfcn.h>

#include <exception>

namespace duet::native {
namespace {

constexpr const char* kHeader = "plugins/api/duet_plugin.h";

std::string version_text(std::uint32_t major, std::uint32_t minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

Result<const duet_plugin*> check(const duet_plugin* plugin, const std::string& path) {
  if (plugin == nullptr) {
    return Error{"the plug-in's duet_plugin_entry() returned no table",
                 path,
                 "return the address of a static duet_plugin",
                 {}};
  }
  // Nothing behind the version may be read before it is known to fit.
  const std::string spoken = version_text(DUET_PLUGIN_MAJOR, DUET_PLUGIN_MINOR);
  const std::string wanted = version_text(plugin->major, plugin->minor);
  if (plugin->major != DUET_PLUGIN_MAJOR) {
    return Error{"the plug-in was built for version " + wanted +
                     " of the plug-in interface, and this duet speaks version " + spoken,
                 path,
                 std::string("rebuild it against this duet's ") + kHeader,
                 {}};
  }
  if (plugin->minor > DUET_PLUGIN_MINOR) {
    return Error{"the plug-in needs version " + wanted +
                     " of the plug-in interface, and this duet has version " + spoken,
                 path,
                 "use a newer duet, or rebuild the plug-in against this one's header",
                 {}};
  }
  const char* missing = plugin->name == nullptr      ? "name"
                        : plugin->version == nullptr ? "version"
                        : plugin->create == nullptr  ? "create"
                        : plugin->destroy == nullptr ? "destroy"
                        : plugin->handle == nullptr  ? "handle"
                                                     : nullptr;
  if (missing != nullptr) {
    return Error{std::string("the plug-in's table lacks '") + missing + "'",
                 path,
                 "fill it in, or let DUET_PLUGIN_HANDLER of plugins/sdk/duet_sdk.h do it",
                 {}};
  }
  return plugin;
}

}  // namespace

Result<const duet_plugin*> open_plugin(const std::string& path) {
  // NOW: a missing symbol is said here and not in the middle of a request.
  void* file = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (file == nullptr) {
    return Error{std::string("the plug-in does not load: ") + dlerror(),
                 path,
                 "`ldd -r` on it shows what is missing",
                 {}};
  }
  const auto entry = reinterpret_cast<duet_plugin_entry_fn>(dlsym(file, DUET_PLUGIN_SYMBOL));
  if (entry == nullptr) {
    dlclose(file);
    return Error{"the shared object is no duet plug-in: it does not export " DUET_PLUGIN_SYMBOL
                 "()",
                 path,
                 "end its source with DUET_PLUGIN_HANDLER(...) of plugins/sdk/duet_sdk.h",
                 {}};
  }
  try {
    return check(entry(), path);
  } catch (const std::exception& error) {
    return Error{std::string("the plug-in's duet_plugin_entry() threw: ") + error.what(),
                 path,
                 "return a static table from it",
                 {}};
  } catch (...) {
    return Error{
        "the plug-in's duet_plugin_entry() threw", path, "return a static table from it", {}};
  }
}

}  // namespace duet::native
