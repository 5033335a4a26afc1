// A stream's errors and ends, over real sockets.
#include "host/net/stream.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "tests/support/eventually.h"
#include "tests/support/loop_thread.h"

namespace duet::net {
namespace {

using testing_support::eventually;
using testing_support::LoopThread;

struct Notes final : StreamEvents {
  std::string text;
  Stream* stream = nullptr;
  bool closed = false;

  void on_read(std::string_view bytes, Nanos, Nanos) override { text += bytes; }
  void on_read_end() override { text += "[end]"; }
  void on_room() override { text += "[room]"; }
  void on_error(int code) override {
    text += std::string("[") + strerrorname_np(code) + "]";
    stream->close();
  }
  void on_closed() override { closed = true; }
};

// A TCP socket that listens on a port of its own.
struct Listening {
  Listening() : fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd, get(), size), 0);
    EXPECT_EQ(listen(fd, 1), 0);
    EXPECT_EQ(getsockname(fd, get(), &size), 0);
  }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&address); }
  sockaddr_in address{};
  socklen_t size = sizeof address;
  int fd;
};

class StreamTest : public ::testing::Test {
 protected:
  ~StreamTest() override {
    thread_.run([this] { stream_->close(); });
    EXPECT_TRUE(eventually([this] { return thread_.run([this] { return notes_.closed; }); }));
    thread_.run([this] { stream_.reset(); });
  }
  void open(int fd) {
    stream_ = std::make_unique<Stream>(thread_.loop(), fd, buffer_, notes_);
    notes_.stream = stream_.get();
  }
  std::string text() {
    return thread_.run([this] { return notes_.text; });
  }

  LoopThread thread_;
  std::string buffer_ = std::string(4096, '\0');
  Notes notes_;
  std::unique_ptr<Stream> stream_;
};

TEST_F(StreamTest, AConnectionThatIsRefusedSaysSo) {
  Listening nobody;
  close(nobody.fd);
  thread_.run([&] {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int connected = connect(fd, nobody.get(), nobody.size);
    EXPECT_TRUE(connected == 0 || errno == EINPROGRESS || errno == ECONNREFUSED);
    open(fd);
    stream_->wait_for_room();
  });
  EXPECT_TRUE(eventually([this] { return text() == "[ECONNREFUSED]"; })) << text();
}

TEST_F(StreamTest, WhatCameBeforeAResetIsReadAndTheResetIsNamed) {
  Listening server;
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(client, server.get(), server.size), 0);
  const int peer = accept(server.fd, nullptr, nullptr);
  ASSERT_GE(peer, 0);
  close(server.fd);
  ASSERT_EQ(write(peer, "last words", 10), 10);
  const linger cut{1, 0};
  ASSERT_EQ(setsockopt(peer, SOL_SOCKET, SO_LINGER, &cut, sizeof cut), 0);
  close(peer);
  thread_.run([&] {
    open(client);
    stream_->read_to_the_end();
    stream_->start_reading();
  });
  EXPECT_TRUE(eventually([this] { return text() == "last words[ECONNRESET]"; })) << text();
}

}  // namespace
}  // namespace duet::net
