#include "host/store/file_lock.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <unistd.h>

#include <mutex>
#include <utility>
#include <vector>

namespace duet::store {

namespace {

// A lock of flock() is the open file's, which a forked child shares: it has to close its copy.
// (Locks of fcntl() are not shared, but the process loses them when anything in it, such as a
// handler that reads the file, closes any descriptor of it.)
struct Registry {
  std::mutex mutex;  // held over a fork, so that no lock is half taken in a child
  std::vector<int*> taken;
};

Registry& registry() {
  static auto* const one = [] {  // never destroyed: a process may fork until its last instruction
    auto* made = new Registry;
    pthread_atfork([] { registry().mutex.lock(); }, [] { registry().mutex.unlock(); },
                   [] {
                     for (int* fd : registry().taken) close(std::exchange(*fd, -1));
                     registry().taken.clear();
                     registry().mutex.unlock();
                   });
    return made;
  }();
  return *one;
}

}  // namespace

FileLock::Taken FileLock::take(const std::string& path) {
  Registry& all = registry();
  const std::lock_guard guard(all.mutex);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Taken::kCannotOpen;
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    close(fd);
    return Taken::kByAnother;
  }
  fd_ = fd;
  all.taken.push_back(&fd_);
  return Taken::kYes;
}

void FileLock::release() {
  Registry& all = registry();
  const std::lock_guard guard(all.mutex);
  if (fd_ < 0) return;
  std::erase(all.taken, &fd_);
  close(std::exchange(fd_, -1));
}

}  // namespace duet::store
