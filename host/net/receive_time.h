// When the kernel received what recvmsg() gives, for whoever reads sockets.
#pragma once

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <sys/socket.h>

#include <cstring>

#include "host/base/clock.h"

namespace duet::net {

// The control buffer that recvmsg() needs for it.
inline constexpr std::size_t kReceiveTimeSpace = CMSG_SPACE(sizeof(scm_timestamping));

// Asks the kernel for it; accepted sockets inherit this. A kernel without it gives no times.
inline void ask_receive_times(int fd) {
  const int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
}

// Of a message that was read, on now()'s clock; 0 when the kernel gave none. `started`: now() about
// when it was read.
inline Nanos receive_time(msghdr& message, Nanos started) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
      scm_timestamping stamps;
      std::memcpy(&stamps, CMSG_DATA(c), sizeof stamps);
      return stamps.ts[0].tv_sec == 0 ? 0 : from_wall(stamps.ts[0], started);
    }
  }
  return 0;
}

}  // namespace duet::net
