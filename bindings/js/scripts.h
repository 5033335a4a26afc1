// The scripts that are part of this module, in the order in which they run.
#pragma once

#include <v8.h>

#include <span>
#include <string_view>

namespace duet::js {

struct Script {
  std::string_view name;  // what other scripts find it under: use.<name>
  std::string_view source;
};
std::span<const Script> scripts();

// amaro's bundle (third_party/README.md): strips TypeScript's types.
std::string_view type_stripper();

// A string over embedded ASCII text, which is not copied.
v8::Local<v8::String> embedded_string(v8::Isolate* isolate, std::string_view ascii);

}  // namespace duet::js
