// Changes of source files below folders, told by the kernel (inotify). One thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "host/base/result.h"

namespace duet::cli {

// A file that programs consist of, rather than one that they write: JavaScript, TypeScript, Python,
// TOML, a plug-in, package.json, tsconfig.json, .env and the like. By its name only.
bool is_source(std::string_view name);

class SourceWatch {
 public:
  // Errors: the kernel gives this user no more of these.
  static Result<std::unique_ptr<SourceWatch>> create();
  ~SourceWatch();
  SourceWatch(const SourceWatch&) = delete;
  SourceWatch& operator=(const SourceWatch&) = delete;

  // Watches the source files of `folder` and of all folders below it. What others put there is left
  // out: folders with a dot before their name, node_modules, __pycache__ and virtual environments.
  // Once more, for the same folder, does nothing.
  void add(const std::string& folder);
  // A file whatever its name is, or all files below a folder. Errors: it is not there.
  Result<void> add_named(const std::string& path);

  // Readable when something may have changed.
  int descriptor() const { return fd_; }
  // The files that have changed, come or gone since the last call, each once. Does not wait.
  std::vector<std::string> changed();
  // Why some folders are not watched; empty when all are.
  const std::string& trouble() const { return trouble_; }

 private:
  struct Folder {
    std::string path;
    bool deep = false;  // with all folders below it, rather than for its `names`
    bool everything = false;
    std::unordered_set<std::string> names;  // that count, whatever they are
  };

  explicit SourceWatch(int fd) : fd_(fd) {}
  Folder* watch(const std::string& path);
  void add_below(const std::string& path, bool everything, std::vector<std::string>* found);

  int fd_;
  std::unordered_map<int, Folder> folders_;  // by the kernel's number
  std::string trouble_;
};

}  // namespace duet::cli
