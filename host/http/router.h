// Routes: a method set and a path pattern to a number. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/http/message.h"

namespace duet::http {

// A parameter of the matched route. The value is percent-decoded, in RouteMatch's storage.
struct Param {
  std::string_view name;
  std::string value;
};

// What match() found. Reused between requests: it keeps its memory.
struct RouteMatch {
  enum class Kind : std::uint8_t {
    kFound,             // dispatch to `target`
    kNotFound,          // answer 404
    kMethodNotAllowed,  // answer 405 with `allow`
  };
  Kind kind = Kind::kNotFound;
  std::uint32_t target = 0;
  std::vector<Param> params;  // in the order of the pattern; empty unless kFound
  std::string allow;          // "GET, HEAD, POST", for kMethodNotAllowed; else unspecified
};

// Patterns start with '/': literal segments, "{name}" for one non-empty segment, and a last
// "{name...}" or "*" for the rest of the path (also empty; "*" gives no parameter). Literals win
// over parameters, parameters over rests, segment by segment, whatever the order of adding; a
// pattern whose methods do not fit leaves the path to the next one that matches it. Matching
// compares percent-decoded segments; "%2F" in a segment stays part of that segment; malformed
// percent-encoding stands for itself. "/a" and "/a/" differ, as in nginx and FastAPI. "." and ".."
// segments are not resolved: a handler that opens files must do so itself.
// GET routes answer HEAD too, unless a HEAD route exists for the same pattern.
class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // `methods` empty: every method. Errors: a malformed pattern (the column in `where`), a malformed
  // method, or the same pattern (whatever its parameters are called) and method twice.
  Result<void> add(const std::vector<std::string>& methods, std::string_view pattern,
                   std::uint32_t target);

  // Never fails. A path that equals a pattern without parameters takes one look-up of a hash table;
  // others take a walk over the segments, at worst over all patterns that share their beginnings.
  // Allocates only when `out` must grow. Names in `out.params` live as long as the router.
  void match(std::string_view method, std::string_view path, RouteMatch& out) const;

 private:
  struct Node;
  struct Table;
  std::unique_ptr<Node> root_;
  std::unique_ptr<Table> table_;
};

}  // namespace duet::http
