#include "host/http/router.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "host/http/percent.h"
#include "host/http/route_pattern.h"

namespace duet::http {

namespace {

// One add(): the names of its parameters in order. Lives behind a pointer, for stable views.
struct Route {
  std::vector<std::string> names;
  std::uint32_t target = 0;
};

// The routes that end at one node, by method.
struct Leaf {
  struct Entry {
    std::string method;  // empty: every method
    const Route* route;
  };
  std::vector<Entry> entries;

  const Route* exact(std::string_view method) const {
    for (const Entry& entry : entries) {
      if (entry.method == method) return entry.route;
    }
    return nullptr;
  }

  // The most specific one: the method itself, GET for HEAD, every method.
  const Route* find(std::string_view method) const {
    if (const Route* route = exact(method)) return route;
    if (method == "HEAD") {
      if (const Route* route = exact("GET")) return route;
    }
    return exact({});
  }
};

// Fast on the short strings that paths are; collisions cost a comparison, and the keys are the
// operator's own, so nobody can choose them to collide.
__extension__ using Wide = unsigned __int128;

std::uint64_t hash_of(std::string_view text) {
  constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio
  std::uint64_t hash = text.size() * kMultiplier;
  const char* at = text.data();
  std::size_t left = text.size();
  // Both halves of the product, so that a difference in any byte reaches the low bits.
  const auto mix = [&hash](std::uint64_t word) {
    const Wide product = static_cast<Wide>(hash ^ word) * kMultiplier;
    hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    mix(word);
  }
  std::uint64_t word = 0;
  std::memcpy(&word, at, left);
  mix(word);
  return hash;
}

void add_allowed(std::string& allow, std::string_view method) {
  std::string_view rest = allow;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(", "), rest.size());
    if (rest.substr(0, end) == method) return;
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  if (!allow.empty()) allow += ", ";
  allow += method;
}

void add_allowed(std::string& allow, const Leaf& leaf) {
  for (const Leaf::Entry& entry : leaf.entries) {
    add_allowed(allow, entry.method);
    if (entry.method == "GET") add_allowed(allow, "HEAD");
  }
}

// "GET, HEAD, POST": in alphabetical order, so that it does not depend on the order of adding.
void sort_allowed(std::string& allow) {
  std::vector<std::string> methods;
  for (std::size_t begin = 0; begin < allow.size();) {
    const std::size_t end = std::min(allow.find(", ", begin), allow.size());
    methods.push_back(allow.substr(begin, end - begin));
    begin = end + 2;
  }
  std::sort(methods.begin(), methods.end());
  allow.clear();
  for (const std::string& method : methods) add_allowed(allow, method);
}

}  // namespace

// A place in the tree of patterns, reached by the segments before it.
struct Router::Node {
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;  // sorted by text
  std::unique_ptr<Node> parameter;
  std::unique_ptr<Leaf> leaf;  // patterns that end here
  std::unique_ptr<Leaf> rest;  // patterns whose rest begins here

  auto lower_bound(std::string_view text) const {
    return std::lower_bound(literals.begin(), literals.end(), text,
                            [](const auto& literal, std::string_view key) {
                              return std::string_view(literal.first) < key;
                            });
  }
  const Node* literal(std::string_view text) const {
    const auto found = lower_bound(text);
    return found != literals.end() && found->first == text ? found->second.get() : nullptr;
  }
  Node& make_literal(const std::string& text) {
    const auto found = lower_bound(text);
    if (found != literals.end() && found->first == text) return *found->second;
    return *literals.insert(found, {text, std::make_unique<Node>()})->second;
  }
};

// Paths without parameters as a hash table (open addressing, at most half full), and what the
// tree points to.
struct Router::Table {
  struct Slot {
    std::string path;
    const Leaf* leaf = nullptr;
  };
  std::vector<Slot> slots = std::vector<Slot>(16);
  std::size_t used = 0;
  std::vector<std::unique_ptr<Route>> routes;

  std::size_t place(std::string_view path) const {
    std::size_t at = hash_of(path) & (slots.size() - 1);
    while (slots[at].leaf != nullptr && slots[at].path != path) at = (at + 1) & (slots.size() - 1);
    return at;
  }
  const Leaf* find(std::string_view path) const { return slots[place(path)].leaf; }
  void insert(std::string path, const Leaf* leaf) {
    if ((used + 1) * 2 > slots.size()) {
      std::vector<Slot> old = std::exchange(slots, std::vector<Slot>(slots.size() * 2));
      for (Slot& slot : old) {
        if (slot.leaf != nullptr) slots[place(slot.path)] = std::move(slot);
      }
    }
    Slot& slot = slots[place(path)];
    if (slot.leaf == nullptr) ++used;
    slot = {std::move(path), leaf};
  }
};

Router::Router() : root_(std::make_unique<Node>()), table_(std::make_unique<Table>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

Result<void> Router::add(const std::vector<std::string>& methods, std::string_view pattern,
                         std::uint32_t target) {
  auto segments = parse_route_pattern(pattern);
  if (!segments) return std::move(segments).error();
  for (const std::string& method : methods) {
    if (auto checked = check_route_method(method); !checked) return checked;
  }

  auto route = std::make_unique<Route>();
  route->target = target;
  Node* node = root_.get();
  std::unique_ptr<Leaf>* leaf = nullptr;
  bool is_literal = true;
  std::string path;
  for (const RouteSegment& segment : *segments) {
    if (segment.kind == RouteSegment::Kind::kRest) {
      leaf = &node->rest;
    } else if (segment.kind == RouteSegment::Kind::kParameter) {
      if (!node->parameter) node->parameter = std::make_unique<Node>();
      node = node->parameter.get();
    } else {
      node = &node->make_literal(segment.text);
      // A decoded '/' or '%' cannot be told from a path's own: such patterns are left to the walk.
      is_literal = is_literal && segment.text.find_first_of("/%") == std::string::npos;
      path.append("/").append(segment.text);
      continue;
    }
    is_literal = false;
    if (!segment.text.empty()) route->names.push_back(segment.text);
  }
  if (leaf == nullptr) leaf = &node->leaf;

  // Nothing is added unless all of it can be.
  const std::vector<std::string> every = {""};
  const std::vector<std::string>& wanted = methods.empty() ? every : methods;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const bool twice = std::find(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(i),
                                 wanted[i]) != wanted.begin() + static_cast<std::ptrdiff_t>(i);
    if (twice || (*leaf && (*leaf)->exact(wanted[i]) != nullptr)) {
      return Error{"the route \"" + std::string(pattern) + "\" exists already for " +
                       (wanted[i].empty() ? "every method" : wanted[i]),
                   "", "remove one of them, or give them different methods", ""};
    }
  }
  if (!*leaf) *leaf = std::make_unique<Leaf>();
  for (const std::string& method : wanted) (*leaf)->entries.push_back({method, route.get()});
  if (is_literal) table_->insert(std::move(path), leaf->get());
  table_->routes.push_back(std::move(route));
  return {};
}

namespace {

// The values found on the way down, as they stand in the path.
struct Walk {
  // More parameters than this in one pattern are matched, too, through `more`.
  static constexpr std::size_t kInline = 16;

  std::string_view method;
  const Route* route = nullptr;
  std::string* allow;
  std::string decoded;  // of one segment; unused while the path has no '%'
  std::size_t count = 0;
  std::string_view values[kInline];
  std::vector<std::string_view> more;

  void push(std::string_view value) {
    if (count < kInline) {
      values[count] = value;
    } else {
      more.push_back(value);
    }
    ++count;
  }
  void pop() {
    if (count-- > kInline) more.pop_back();
  }
  std::string_view value(std::size_t i) const {
    return i < kInline ? values[i] : more[i - kInline];
  }
  bool try_leaf(const Leaf* leaf) {
    if (leaf == nullptr) return false;
    route = leaf->find(method);
    if (route == nullptr) add_allowed(*allow, *leaf);
    return route != nullptr;
  }
};

// `path` is what follows the slash that led to `node`. Recursion is as deep as the patterns are.
template <class Node>
bool descend(const Node& node, std::string_view path, Walk& walk) {
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  const bool last = end == path.size();
  const auto enter = [&](const Node& next) {
    return last ? walk.try_leaf(next.leaf.get()) : descend(next, path.substr(end + 1), walk);
  };

  if (!node.literals.empty()) {
    std::string_view text = segment;
    if (segment.find('%') != segment.npos) {
      walk.decoded.clear();
      append_percent_decoded(walk.decoded, segment);
      text = walk.decoded;
    }
    if (const Node* next = node.literal(text); next != nullptr && enter(*next)) return true;
  }
  if (node.parameter != nullptr && !segment.empty()) {
    walk.push(segment);
    if (enter(*node.parameter)) return true;
    walk.pop();
  }
  if (node.rest != nullptr) {
    walk.push(path);
    if (walk.try_leaf(node.rest.get())) return true;
    walk.pop();
  }
  return false;
}

}  // namespace

void Router::match(std::string_view method, std::string_view path, RouteMatch& out) const {
  if (const Leaf* leaf = table_->find(path)) {
    if (const Route* route = leaf->find(method)) [[likely]] {
      out.kind = RouteMatch::Kind::kFound;
      out.target = route->target;
      out.params.clear();
      return;
    }
  }
  out.allow.clear();
  Walk walk{.method = method, .allow = &out.allow};
  if (!path.starts_with('/') || !descend(*root_, path.substr(1), walk)) {
    out.params.clear();
    if (out.allow.empty()) {
      out.kind = RouteMatch::Kind::kNotFound;
    } else {
      out.kind = RouteMatch::Kind::kMethodNotAllowed;
      sort_allowed(out.allow);
    }
    return;
  }
  out.kind = RouteMatch::Kind::kFound;
  out.target = walk.route->target;
  // Elements are kept and assigned anew, so that long values reuse their memory.
  out.params.resize(walk.route->names.size());
  for (std::size_t i = 0; i < walk.route->names.size(); ++i) {
    Param& param = out.params[i];
    param.name = walk.route->names[i];
    param.value.clear();
    append_percent_decoded(param.value, walk.value(i));
  }
}

}  // namespace duet::http
