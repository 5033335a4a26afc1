#include "host/cli/source_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace duet::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSourceEndings[] = {".js",  ".mjs", ".cjs", ".ts",   ".mts", ".cts",
                                               ".jsx", ".tsx", ".py",  ".toml", ".so"};
constexpr std::string_view kSourceNames[] = {"package.json", "tsconfig.json"};
// Beyond it a folder is a disk rather than a project.
constexpr std::size_t kMostFolders = 10'000;
// A file is complete when it is closed, or gets its name: what is being written is not looked at.
constexpr std::uint32_t kFileEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                      IN_CREATE | IN_ONLYDIR | IN_EXCL_UNLINK;

bool is_of_others(const fs::path& folder) {
  const std::string name = folder.filename().string();
  std::error_code ignored;
  return name.starts_with('.') || name == "node_modules" || name == "__pycache__" ||
         fs::exists(folder / "pyvenv.cfg", ignored);
}

}  // namespace

bool is_source(std::string_view name) {
  return name.starts_with(".env") ||
         std::ranges::find(kSourceNames, name) != std::end(kSourceNames) ||
         std::ranges::any_of(kSourceEndings, [name](std::string_view ending) {
           return name.ends_with(ending) && name.size() > ending.size();
         });
}

Result<std::unique_ptr<SourceWatch>> SourceWatch::create() {
  const int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (fd < 0) {
    return Error{std::string("files cannot be watched: ") + std::strerror(errno),
                 {},
                 "raise fs.inotify.max_user_instances",
                 {}};
  }
  return std::unique_ptr<SourceWatch>(new SourceWatch(fd));
}

SourceWatch::~SourceWatch() { close(fd_); }

// The kernel gives a folder that is watched already its old number.
SourceWatch::Folder* SourceWatch::watch(const std::string& path) {
  if (folders_.size() >= kMostFolders) {
    trouble_ = "there are more than " + std::to_string(kMostFolders) + " folders below";
    return nullptr;
  }
  const int number = inotify_add_watch(fd_, path.c_str(), kFileEvents);
  if (number < 0) {
    if (errno == ENOSPC) {
      trouble_ = "this user watches as many folders as may be (raise fs.inotify.max_user_watches)";
    } else if (errno != ENOENT && errno != ENOTDIR) {
      trouble_ = path + ": " + std::strerror(errno);
    }
    return nullptr;
  }
  Folder& folder = folders_[number];
  folder.path = path;
  return &folder;
}

// Depth first, by hand: a folder may vanish while it is read, and links may lead in a circle, so
// they are not followed.
void SourceWatch::add_below(const std::string& path, bool everything,
                            std::vector<std::string>* found) {
  std::vector<std::string> open{path};
  while (!open.empty()) {
    const std::string one = std::move(open.back());
    open.pop_back();
    Folder* folder = watch(one);
    if (folder == nullptr) continue;
    folder->deep = true;
    folder->everything = folder->everything || everything;
    const bool all = folder->everything;
    std::error_code ignored;
    for (fs::directory_iterator at(one, ignored), end; at != end; at.increment(ignored)) {
      const fs::directory_entry& entry = *at;
      if (entry.is_directory(ignored) && !entry.is_symlink(ignored)) {
        if (!is_of_others(entry.path())) open.push_back(entry.path().string());
      } else if (found != nullptr && (all || is_source(entry.path().filename().string()))) {
        found->push_back(entry.path().string());
      }
    }
  }
}

void SourceWatch::add(const std::string& folder) {
  const bool known = std::ranges::any_of(folders_, [&folder](const auto& one) {
    return one.second.deep && one.second.path == folder;
  });
  if (!known) add_below(folder, false, nullptr);
}

Result<void> SourceWatch::add_named(const std::string& path) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(path, error);
  const fs::file_status status = fs::status(whole, error);
  if (!fs::exists(status)) {
    return Error{"'" + path + "' cannot be watched: there is no such file or folder", {}, {}, {}};
  }
  if (fs::is_directory(status)) {
    add_below(whole.string(), true, nullptr);
  } else if (Folder* folder = watch(whole.parent_path().string())) {
    folder->names.insert(whole.filename().string());
  }
  return {};
}

std::vector<std::string> SourceWatch::changed() {
  std::vector<std::string> found;
  alignas(inotify_event) char buffer[16 * 1024];
  for (ssize_t got; (got = read(fd_, buffer, sizeof buffer)) > 0;) {
    for (ssize_t at = 0; at < got;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof event + event.len);
      if ((event.mask & IN_Q_OVERFLOW) != 0) found.emplace_back("more than the kernel remembers");
      if ((event.mask & IN_IGNORED) != 0) folders_.erase(event.wd);
      const auto folder = folders_.find(event.wd);
      if (folder == folders_.end() || event.len == 0) continue;
      const std::string name = event.name;
      const std::string path = folder->second.path + "/" + name;
      if ((event.mask & IN_ISDIR) != 0) {
        const bool came = (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0;
        if (came && folder->second.deep && !is_of_others(path))
          add_below(path, folder->second.everything, &found);
      } else if ((event.mask & IN_CREATE) == 0 &&
                 (folder->second.everything || folder->second.names.contains(name) ||
                  (folder->second.deep && is_source(name)))) {
        found.push_back(path);
      }
    }
  }
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace duet::cli
