// frames_test.cpp: frames of any size pass the socket in both directions.
// SPDX-License-Identifier: MIT
#include "exec/frames.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include "exec/unique_fd.hpp"

namespace sluice::exec {
namespace {

struct Pair {
  Pair() {
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    left.reset(ends[0]);
    right.reset(ends[1]);
  }
  UniqueFd left, right;
};

void put_text(Outbox& outbox, const std::string& text) {
  outbox.begin(FrameKind::ready);
  outbox.put(std::string_view(text));
  outbox.end();
}

std::optional<std::string> next_text(Inbox& inbox) {
  const auto frame = inbox.next();
  if (!frame) return std::nullopt;
  FrameReader reader(*frame);
  CHECK(reader.kind() == FrameKind::ready);
  return reader.text();
}

}  // namespace

TEST_SUITE_BEGIN("frames");

TEST_CASE("a run frame says at the other end what it said at this one") {
  Pair pair;
  Outbox outbox;
  const std::vector<std::byte> payload(1000, std::byte{7});
  const Variables env = {{"A", "1"}, {"B", std::string(300, 'b')}};
  put_run(outbox, 42, std::chrono::milliseconds(1500), env, payload);
  CHECK(outbox.flush(pair.left.get()) == Outbox::Flush::sent);

  Inbox inbox;
  CHECK(inbox.fill(pair.right.get()) == Inbox::Fill::got);
  const auto frame = inbox.next();
  REQUIRE(frame.has_value());
  FrameReader reader(*frame);
  REQUIRE(reader.kind() == FrameKind::run);
  const RunFrame run = read_run(reader);
  CHECK(run.token == 42);
  CHECK(run.timeout == std::chrono::milliseconds(1500));
  CHECK(run.env == env);
  CHECK(std::vector<std::byte>(run.payload.begin(), run.payload.end()) == payload);
  CHECK_FALSE(inbox.next().has_value());
}

// Both ends fill their buffers before either reads, then take turns.
TEST_CASE("both ends can have more to send than the sockets hold") {
  Pair pair;
  Outbox to_right, to_left;
  const std::string big(5'000'000, 'x');
  for (const std::string& text : {big, std::string(), std::string("last")}) {
    put_text(to_right, text);
    put_text(to_left, text);
  }
  Inbox at_left, at_right;
  std::vector<std::string> got_left, got_right;
  for (int turn = 0; turn < 10'000 && (got_left.size() < 3 || got_right.size() < 3); ++turn) {
    CHECK(to_right.flush(pair.left.get()) != Outbox::Flush::broken);
    CHECK(to_left.flush(pair.right.get()) != Outbox::Flush::broken);
    CHECK(at_left.fill(pair.left.get()) != Inbox::Fill::ended);
    CHECK(at_right.fill(pair.right.get()) != Inbox::Fill::ended);
    while (auto text = next_text(at_left)) got_left.push_back(*text);
    while (auto text = next_text(at_right)) got_right.push_back(*text);
  }
  const std::vector<std::string> expected = {big, "", "last"};
  CHECK(got_left == expected);
  CHECK(got_right == expected);
  CHECK(to_right.empty());
}

TEST_CASE("an outbox keeps what the socket does not take") {
  Pair pair;
  Outbox outbox;
  put_text(outbox, std::string(4'000'000, 'x'));
  CHECK(outbox.flush(pair.left.get()) == Outbox::Flush::blocked);
  CHECK_FALSE(outbox.empty());
}

TEST_CASE("a peer that is gone is told from one that is silent") {
  Pair pair;
  Inbox inbox;
  CHECK(inbox.fill(pair.left.get()) == Inbox::Fill::empty);
  pair.right.reset();
  CHECK(inbox.fill(pair.left.get()) == Inbox::Fill::ended);
  Outbox outbox;
  put_text(outbox, "x");
  CHECK(outbox.flush(pair.left.get()) == Outbox::Flush::broken);  // and no SIGPIPE
}

TEST_SUITE_END();

}  // namespace sluice::exec
