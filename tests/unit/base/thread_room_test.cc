#include "host/base/thread_room.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace duet {
namespace {

TEST(ThreadRoom, IsThereUsually) { EXPECT_TRUE(room_for_threads(3).ok()); }

// The limit does not bind root, and holds for all processes of a user: a user's child has none
// left.
TEST(ThreadRoom, SaysHowManyThereAreAndWhatToRaise) {
  constexpr uid_t kNobody = 65534;
  const pid_t child = fork();
  if (child == 0) {
    const rlimit one{1, 1};
    if (setrlimit(RLIMIT_NPROC, &one) != 0) _exit(2);
    if (getuid() == 0 && setuid(kNobody) != 0) _exit(3);
    const auto room = room_for_threads(3);
    const bool said =
        !room && room.error().to_string() ==
                     "the system gives this process 0 more threads, and it needs 3: "
                     "Resource temporarily unavailable (raise the limit: `ulimit -u`, "
                     "or the service's or container's TasksMax, pids)";
    _exit(said ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace duet
