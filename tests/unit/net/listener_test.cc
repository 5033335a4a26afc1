#include "host/net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/loop_thread.h"

namespace duet::net {
namespace {

using testing_support::HttpClient;
using testing_support::LoopThread;

class ListenerTest : public ::testing::Test {
 protected:
  ~ListenerTest() override {
    thread_.run([this] { listeners_.clear(); });
    for (const int fd : accepted_) ::close(fd);
    std::filesystem::remove(path_);
  }

  // Opens it on the loop's thread; gives its address, or "error: ...".
  std::string open(std::string_view where) {
    return thread_.run([&]() -> std::string {
      auto address = Address::parse(where);
      if (!address) return "error: " + address.error().to_string();
      auto opened =
          Listener::open(thread_.loop(), *address, {}, [this](int fd) { accepted_.push_back(fd); });
      if (!opened) return "error: " + opened.error().to_string();
      listeners_.push_back(std::move(*opened));
      return listeners_.back()->address().to_string();
    });
  }
  // Only takes a port; gives the address.
  std::string take_port() {
    return thread_.run([&] {
      auto bound = Listener::bind(thread_.loop(), *Address::parse("127.0.0.1:0"), {},
                                  [this](int fd) { accepted_.push_back(fd); });
      listeners_.push_back(std::move(*bound));
      return listeners_.back()->address().to_string();
    });
  }
  void close_all() {
    thread_.run([this] { listeners_.clear(); });
  }
  std::size_t accepted() {
    return thread_.run([this] { return accepted_.size(); });
  }
  bool accepts(std::size_t number) {
    return testing_support::eventually([&] { return accepted() == number; });
  }
  // A unix socket that somebody bound and left behind without listening any more.
  void leave_behind() {
    const Address address = *Address::parse("unix:" + path_);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(bind(fd, address.get(), address.length()), 0);
    ::close(fd);
  }

  LoopThread thread_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<int> accepted_;  // loop's thread
  const std::string path_ = ::testing::TempDir() + "duet-" + std::to_string(getpid()) + ".sock";
};

TEST_F(ListenerTest, PicksAPortAndSaysWhich) {
  const std::string address = open("127.0.0.1:0");
  EXPECT_TRUE(address.starts_with("127.0.0.1:")) << address;
  EXPECT_FALSE(address.ends_with(":0")) << address;
  HttpClient client(address);
  EXPECT_TRUE(accepts(1));
}

TEST_F(ListenerTest, HasItsPortBeforeItListens) {
  const std::string address = take_port();
  const Address port = *Address::parse(address);
  const int early = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_NE(connect(early, port.get(), port.length()), 0);
  ::close(early);
  thread_.run([&] { ASSERT_TRUE(listeners_.back()->start().ok()); });
  HttpClient client(address);
  EXPECT_TRUE(accepts(1));
}

TEST_F(ListenerTest, KeepsThePortThatTheKernelChoseFromOthers) {
  const std::string address = take_port();
  // Another server is told the same number.
  EXPECT_TRUE(open(address).starts_with("error: cannot listen on " + address));
  thread_.run([&] { ASSERT_TRUE(listeners_.front()->start().ok()); });
  HttpClient client(address);
  EXPECT_TRUE(accepts(1));
}

TEST_F(ListenerTest, KeepsClientsThatComeBeforeItStarts) {
  const std::string address = take_port();
  thread_.run([&] { listeners_.back()->queue_clients(); });
  HttpClient early(address);  // connects
  EXPECT_EQ(accepted(), 0U);
  thread_.run([&] { ASSERT_TRUE(listeners_.back()->start().ok()); });
  EXPECT_TRUE(accepts(1));
}

TEST_F(ListenerTest, LeavesASocketThatItWasGivenToWhoOpenedIt) {
  const auto opened = bound_socket(*Address::parse("127.0.0.1:0"));
  ASSERT_TRUE(opened.ok());
  const auto listen = [&] {
    return thread_.run([&] {
      const ListenOptions options{.inherited = dup(*opened)};
      auto listener = Listener::open(thread_.loop(), *Address::parse("127.0.0.1:0"), options,
                                     [this](int fd) { accepted_.push_back(fd); });
      listeners_.push_back(std::move(*listener));
      return listeners_.back()->address().to_string();
    });
  };
  const std::string address = listen();
  HttpClient first(address);
  EXPECT_TRUE(accepts(1));
  thread_.run([&] { listeners_.back()->accept_waiting(); });
  close_all();
  HttpClient second(address);  // waits
  EXPECT_EQ(listen(), address);
  EXPECT_TRUE(accepts(2));
  ::close(*opened);
}

TEST_F(ListenerTest, HandsOverSocketsReadyForUse) {
  HttpClient client(open("127.0.0.1:0"));
  ASSERT_TRUE(accepts(1));
  const int fd = thread_.run([this] { return accepted_[0]; });
  EXPECT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  int on = 0;
  socklen_t length = sizeof on;
  ASSERT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &length), 0);
  EXPECT_NE(on, 0);
}

TEST_F(ListenerTest, TakesManyConnectionsAtOnce) {
  const std::string address = open("127.0.0.1:0");
  std::vector<HttpClient> clients;
  for (int i = 0; i < 200; ++i) clients.emplace_back(address);
  EXPECT_TRUE(accepts(200));
}

TEST_F(ListenerTest, ListensOnIpV6Alone) {
  const std::string address = open("[::1]:0");
  if (address.starts_with("error: ")) GTEST_SKIP() << "no IPv6 here: " << address;
  EXPECT_TRUE(address.starts_with("[::1]:")) << address;
  HttpClient client(address);
  EXPECT_TRUE(accepts(1));
}

TEST_F(ListenerTest, ListensOnBothFamiliesWhenNoHostIsGiven) {
  const std::string address = open(":0");
  if (address.starts_with("error: ")) GTEST_SKIP() << "no IPv6 here: " << address;
  HttpClient client("127.0.0.1:" + address.substr(address.rfind(':') + 1));
  EXPECT_TRUE(accepts(1));
}

TEST_F(ListenerTest, SaysWhoseFaultItIsWhenTheAddressIsTaken) {
  const std::string address = open("127.0.0.1:0");
  const std::string error = open(address);
  EXPECT_EQ(error, "error: cannot listen on " + address +
                       ": Address already in use (another process has it; choose another with "
                       "--listen)");
}

TEST_F(ListenerTest, ListensAgainOnAPortWhoseConnectionsLinger) {
  const std::string address = open("127.0.0.1:0");
  {
    HttpClient client(address);
    ASSERT_TRUE(accepts(1));
    // The side that closes first keeps the port in TIME_WAIT.
    thread_.run([this] {
      ::close(accepted_[0]);
      accepted_.clear();
    });
    EXPECT_TRUE(client.closed());
  }
  close_all();
  EXPECT_EQ(open(address), address);
}

TEST_F(ListenerTest, RemovesItsUnixSocketAtTheEnd) {
  EXPECT_EQ(open("unix:" + path_), "unix:" + path_);
  {
    HttpClient client("unix:" + path_);
    EXPECT_TRUE(accepts(1));
  }
  close_all();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ListenerTest, TakesOverAUnixSocketThatADeadProcessLeft) {
  leave_behind();
  EXPECT_EQ(open("unix:" + path_), "unix:" + path_);
  HttpClient client("unix:" + path_);
  EXPECT_TRUE(accepts(1));
}

TEST_F(ListenerTest, LeavesAUnixSocketThatIsAnsweredAlone) {
  open("unix:" + path_);
  const std::string error = open("unix:" + path_);
  EXPECT_NE(error.find("Address already in use"), std::string::npos) << error;
  const std::size_t before = accepted();  // the attempt looked by connecting
  HttpClient client("unix:" + path_);
  EXPECT_TRUE(testing_support::eventually([&] { return accepted() > before; }))
      << "the first listener must go on";
}

TEST_F(ListenerTest, NeverRemovesAFileThatIsNoSocket) {
  ::close(::open(path_.c_str(), O_CREAT | O_WRONLY, 0600));
  const std::string error = open("unix:" + path_);
  EXPECT_TRUE(error.starts_with("error: cannot listen on unix:")) << error;
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(ListenerTest, RefusesConnectionsOnceClosed) {
  const std::string address = open("127.0.0.1:0");
  close_all();
  EXPECT_THROW(HttpClient{address}, std::runtime_error);
}

}  // namespace
}  // namespace duet::net
