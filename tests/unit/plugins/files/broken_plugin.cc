// Plug-ins with one fault each; BROKEN says which. Built several times by ../CMakeLists.txt.
#include <stdexcept>
#include <string_view>

#include "plugins/api/duet_plugin.h"

namespace {

int instance;

void destroy(void*) {}
void handle(void*, duet_request*) {}
void* create(const duet_host*, const duet_setup*, duet_str* why) {
#if defined(BROKEN_CREATE_THROWS)
  throw std::runtime_error("no such table: countries");
#elif defined(BROKEN_CREATE_REFUSES)
  static constexpr std::string_view kWhy = "ISO_CODES is not set";
  *why = {kWhy.data(), kWhy.size()};
  return nullptr;
#elif defined(BROKEN_CREATE_SILENT)
  return nullptr;
#endif
  (void)why;
  return &instance;
}

duet_plugin table() {
  duet_plugin plugin{};
  plugin.major = DUET_PLUGIN_MAJOR;
  plugin.minor = DUET_PLUGIN_MINOR;
  plugin.name = "broken";
  plugin.version = "1.0";
  plugin.create = create;
  plugin.destroy = destroy;
  plugin.handle = handle;
#if defined(BROKEN_MAJOR)
  plugin.major = DUET_PLUGIN_MAJOR + 1;
  // Another major may lay out the rest differently: nothing of it may be read.
  plugin.name = reinterpret_cast<const char*>(0x10);
  plugin.create = nullptr;
#elif defined(BROKEN_MINOR)
  plugin.minor = DUET_PLUGIN_MINOR + 1;
#elif defined(BROKEN_NO_HANDLE)
  plugin.handle = nullptr;
#endif
  return plugin;
}

}  // namespace

#if !defined(BROKEN_NO_SYMBOL)
#if defined(BROKEN_MISSING_LIBRARY)
extern "C" int a_function_that_no_library_has();
#endif
extern "C" const duet_plugin* duet_plugin_entry() {
#if defined(BROKEN_NULL)
  return nullptr;
#elif defined(BROKEN_ENTRY_THROWS)
  throw std::runtime_error("entry");
#elif defined(BROKEN_MISSING_LIBRARY)
  if (a_function_that_no_library_has() == 0) return nullptr;
#endif
  static const duet_plugin plugin = table();
  return &plugin;
}
#else
extern "C" int not_a_plugin() {
  static const duet_plugin plugin = table();
  return static_cast<int>(plugin.major);
}
#endif
