// How events of the host get into the scripts.
#pragma once

#include <functional>

namespace duet::js {

// A call into JavaScript, which is false when it did not return. It refers to what makes it, and so
// takes no memory, whatever that captures: there is one for each event. Valid where it is passed.
class ScriptCall {
 public:
  template <class Callable>
  ScriptCall(const Callable& callable)  // NOLINT: made of whatever can be called
      : callable_(&callable),
        call_([](const void* made_of) { return (*static_cast<const Callable*>(made_of))(); }) {}
  bool operator()() const { return call_(callable_); }

 private:
  const void* callable_;
  bool (*call_)(const void*);
};

// Makes the call inside the scopes that it needs, and closes the slice that it has opened.
using Enter = std::function<void(ScriptCall)>;

}  // namespace duet::js
