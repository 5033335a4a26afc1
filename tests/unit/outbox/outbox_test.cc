// What is posted arrives, in order and once; a service that is down, slow or refuses costs nobody
// anything, and is said.
#include "host/outbox/outbox.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/support/eventually.h"
#include "tests/support/receiver.h"

namespace duet::outbox {
namespace {

using testing_support::eventually;
using testing_support::Receiver;

Options options_for(std::uint16_t port) {
  Options options;
  options.name = "test";
  options.host = "127.0.0.1";
  options.port = port;
  options.authority = "127.0.0.1:" + std::to_string(port);
  options.target = "/hook?token=1";
  options.fields = {{"Content-Type", "text/plain"}};
  options.first_pause = 5 * kMillisecond;
  options.longest_pause = 20 * kMillisecond;
  options.attempts = 1000;
  return options;
}

Letter letter(std::string body, std::uint64_t items = 1) { return {std::move(body), {}, items}; }

TEST(Outbox, WhatIsPutArrivesInOrder) {
  Receiver receiver;
  Outbox outbox(options_for(receiver.port()));
  const std::string large(3'000'000, 'x');
  ASSERT_TRUE(outbox.put({"one", {{"Duet-Signature", "s"}}, 1}));
  ASSERT_TRUE(outbox.put(letter(large)));
  ASSERT_TRUE(outbox.put(letter("three", 5)));
  ASSERT_TRUE(receiver.eventually_has(3));
  const auto posts = receiver.posts();
  EXPECT_EQ(posts[0].body, "one");
  EXPECT_EQ(posts[0].target, "/hook?token=1");
  EXPECT_EQ(posts[0].fields.at("content-type"), "text/plain");
  EXPECT_EQ(posts[0].fields.at("duet-signature"), "s");
  EXPECT_EQ(posts[0].fields.at("host"), "127.0.0.1:" + std::to_string(receiver.port()));
  EXPECT_TRUE(posts[1].body == large);
  EXPECT_EQ(posts[2].body, "three");
  EXPECT_TRUE(eventually([&] { return outbox.figures().delivered == 7; }));
  EXPECT_EQ(outbox.figures().lost, 0u);
}

TEST(Outbox, AServiceThatComesUpLaterGetsWhatWaited) {
  const std::uint16_t port = testing_support::free_port();
  Outbox outbox(options_for(port));
  ASSERT_TRUE(outbox.put(letter("one")));
  ASSERT_TRUE(outbox.put(letter("two")));
  std::optional<Receiver> receiver;
  receiver.emplace(port);
  ASSERT_TRUE(receiver->eventually_has(2));
  EXPECT_EQ(receiver->posts()[0].body, "one");
}

TEST(Outbox, WhatFailsForNowIsTriedAgainAndWhatIsRefusedIsNot) {
  Receiver receiver;
  Outbox outbox(options_for(receiver.port()));
  receiver.status = 503;
  ASSERT_TRUE(outbox.put(letter("one")));
  ASSERT_TRUE(receiver.eventually_has(3));
  receiver.status = 204;
  EXPECT_TRUE(eventually([&] { return outbox.figures().delivered == 1; }));
  receiver.status = 404;
  const std::size_t before = receiver.posts().size();
  ASSERT_TRUE(outbox.put(letter("two")));
  ASSERT_TRUE(outbox.put(letter("three")));
  EXPECT_TRUE(eventually([&] { return outbox.figures().lost == 2; }));
  EXPECT_EQ(receiver.posts().size(), before + 2);
}

TEST(Outbox, AfterSoManyAttemptsALetterIsGivenUpAndTheNextOneIsTried) {
  Receiver receiver;
  receiver.status = 500;
  Options options = options_for(receiver.port());
  options.attempts = 3;
  Outbox outbox(std::move(options));
  ASSERT_TRUE(outbox.put(letter("one", 4)));
  EXPECT_TRUE(eventually([&] { return outbox.figures().lost == 4; }));
  EXPECT_EQ(receiver.posts().size(), 3u);
  receiver.status = 200;
  ASSERT_TRUE(outbox.put(letter("two")));
  EXPECT_TRUE(eventually([&] { return outbox.figures().delivered == 1; }));
}

TEST(Outbox, OneThatSaysNothingIsGivenUpInTimeAndTheQueueIsBounded) {
  Receiver receiver;
  receiver.answers = false;
  Options options = options_for(receiver.port());
  options.most_waiting = 2;
  options.timeout = 50 * kMillisecond;
  options.attempts = 2;
  Outbox outbox(std::move(options));
  ASSERT_TRUE(outbox.put(letter("0")));
  ASSERT_TRUE(receiver.eventually_has(1));  // on its way, so it does not wait any more
  EXPECT_TRUE(outbox.put(letter("1")));
  EXPECT_TRUE(outbox.put(letter("2")));
  EXPECT_FALSE(outbox.put(letter("3", 10)));
  EXPECT_EQ(outbox.figures().lost, 10u);
  EXPECT_TRUE(eventually([&] { return outbox.figures().lost == 13; }));
}

TEST(Outbox, TheEndTriesWhatIsLeftAndWaitsForNobody) {
  Receiver receiver;
  {
    Outbox outbox(options_for(receiver.port()));
    for (int i = 0; i < 5; ++i) outbox.put(letter(std::to_string(i)));
  }
  EXPECT_EQ(receiver.posts().size(), 5u);
  receiver.answers = false;
  Options options = options_for(receiver.port());
  options.at_the_end = 20 * kMillisecond;
  const Nanos before = now();
  {
    Outbox outbox(std::move(options));
    outbox.put(letter("never answered"));
    ASSERT_TRUE(receiver.eventually_has(6));
  }
  EXPECT_LT(now() - before, 5 * kSecond);
}

}  // namespace
}  // namespace duet::outbox
