// A lock on a file that one process has at a time. It ends with the process, and children that it
// forks do not have it: a process of somebody's pool that outlives the host keeps nobody out.
#pragma once

#include <string>

namespace duet::store {

class FileLock {
 public:
  FileLock() = default;
  ~FileLock() { release(); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  enum class Taken {
    kYes,
    kCannotOpen,  // errno says why
    kByAnother,   // process, or object of this one
  };
  // Makes the file if there is none. Once for each object.
  Taken take(const std::string& path);
  void release();
  // -1 when it is not taken, as it always is in a forked child.
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

}  // namespace duet::store
