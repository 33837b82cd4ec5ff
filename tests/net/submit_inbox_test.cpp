// submit_inbox_test.cpp: tasks of other threads get numbers at once and wait only for room.
// SPDX-License-Identifier: MIT
#include "net/submit_inbox.hpp"

#include <doctest/doctest.h>

#include <future>
#include <string>
#include <thread>
#include <vector>

using namespace sluice;
using net::SubmitInbox;
using Result = net::SubmitInbox::Result;

namespace {

struct Fetched {
  core::Seq seq{};
  std::string type, key, payload;
  std::uint64_t exec_ms = 0;
};

std::vector<Fetched> fetch(SubmitInbox& inbox) {
  std::vector<Fetched> out;
  inbox.fetch([&](core::Seq seq, std::string_view type, const core::SubmitEntry& entry) {
    out.push_back({seq, std::string(type), std::string(entry.key),
                   std::string(core::as_text(entry.payload)), entry.exec_ms});
  });
  return out;
}

Task task(const std::string& type, const std::string& payload) {
  Task out;
  out.type = type;
  const core::Bytes bytes = core::as_bytes(payload);
  out.payload.assign(bytes.begin(), bytes.end());
  return out;
}

}  // namespace

TEST_SUITE("submit_inbox") {
  TEST_CASE("without numbers a task is not taken, and the loop is asked for some") {
    net::Wake wake;
    SubmitInbox inbox(wake);
    core::Seq seq{};
    CHECK_FALSE(inbox.has_work());
    CHECK(inbox.try_put(task("t", "x"), seq) == Result::full);
    CHECK(inbox.has_work());
    CHECK(inbox.wants_numbers());
    CHECK_FALSE(inbox.has_work());  // seen; it must not keep the loop awake
    CHECK(inbox.wants_numbers());   // but is still wanted
  }

  TEST_CASE("tasks are fetched in order, with all they were given") {
    net::Wake wake;
    SubmitInbox inbox(wake);
    inbox.add_numbers(core::Seq{7}, 2);
    Task first = task("resize", "payload");
    first.key = "k";
    first.timeout = std::chrono::milliseconds(1500);
    core::Seq seq{};
    REQUIRE(inbox.try_put(first, seq) == Result::taken);
    CHECK(seq == core::Seq{7});
    REQUIRE(inbox.try_put(task("other", ""), seq) == Result::taken);
    CHECK(seq == core::Seq{8});
    CHECK(inbox.try_put(task("t", ""), seq) == Result::full);
    CHECK(inbox.waiting() == 2);

    const std::vector<Fetched> got = fetch(inbox);
    REQUIRE(got.size() == 2);
    CHECK(got[0].seq == core::Seq{7});
    CHECK(got[0].type == "resize");
    CHECK(got[0].key == "k");
    CHECK(got[0].payload == "payload");
    CHECK(got[0].exec_ms == 1500);
    CHECK(got[1].type == "other");
    CHECK(got[1].payload.empty());
    CHECK(inbox.waiting() == 0);
  }

  TEST_CASE("a submitter waits for numbers and goes on when they come") {
    net::Wake wake;
    SubmitInbox inbox(wake);
    std::future<core::Seq> submitted = std::async(std::launch::async, [&] {
      core::Seq seq{};
      return inbox.put(task("t", "x"), seq) == Result::taken ? seq : core::Seq{};
    });
    inbox.add_numbers(core::Seq{3}, 1);
    REQUIRE(submitted.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    CHECK(submitted.get() == core::Seq{3});
  }

  TEST_CASE("who asks for numbers hears from the loop, whatever its answer") {
    net::Wake wake;
    SubmitInbox inbox(wake);
    const auto ask = [&] {
      auto asked = std::async(std::launch::async, [&] { return inbox.await_numbers(); });
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (!inbox.has_work() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
      REQUIRE(inbox.wants_numbers());
      return asked;
    };
    std::future<bool> refused = ask();
    inbox.no_numbers();
    REQUIRE(refused.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    CHECK_FALSE(refused.get());
    std::future<bool> given = ask();
    inbox.add_numbers(core::Seq{1}, 1);
    REQUIRE(given.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    CHECK(given.get());
    std::future<bool> known = std::async(std::launch::async, [&] { return inbox.await_numbers(); });
    CHECK(known.get());  // there is one: nothing to wait for
    core::Seq seq{};
    CHECK(inbox.try_put(task("t", "x"), seq) == Result::taken);
    std::future<bool> closed = ask();
    inbox.close();
    REQUIRE(closed.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    CHECK_FALSE(closed.get());
  }

  TEST_CASE("closing ends every wait, and nothing is taken any more") {
    net::Wake wake;
    SubmitInbox inbox(wake);
    std::future<Result> waiting = std::async(std::launch::async, [&] {
      core::Seq seq{};
      return inbox.put(task("t", "x"), seq);
    });
    inbox.close();
    REQUIRE(waiting.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    CHECK(waiting.get() == Result::closed);
    inbox.add_numbers(core::Seq{1}, 1);
    core::Seq seq{};
    CHECK(inbox.try_put(task("t", "x"), seq) == Result::closed);
  }

  TEST_CASE("bytes are bounded: a submitter is held back until the loop has fetched") {
    net::Wake wake;
    SubmitInbox inbox(wake);
    inbox.add_numbers(core::Seq{1}, 1000);
    const Task large = task("t", std::string(4 * 1024 * 1024, 'x'));
    core::Seq seq{};
    int taken = 0;
    while (inbox.try_put(large, seq) == Result::taken) ++taken;
    CHECK(taken == 8);
    CHECK(fetch(inbox).size() == 8);
    CHECK(inbox.try_put(large, seq) == Result::taken);
  }
}
