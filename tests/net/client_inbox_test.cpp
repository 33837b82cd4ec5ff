// client_inbox_test.cpp: room, tickets, and waiting for answers.
// SPDX-License-Identifier: MIT
#include "net/client_inbox.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <string>
#include <vector>

using namespace sluice;
using namespace sluice::net;
using namespace std::chrono_literals;

namespace {

Task task(const std::string& key = {}, std::size_t payload = 1) {
  Task out;
  out.type = "resize";
  out.key = key;
  out.payload.assign(payload, std::byte{'p'});
  return out;
}
std::vector<std::uint64_t> fetch(ClientInbox& inbox) {
  std::vector<std::uint64_t> tickets;
  inbox.fetch(
      [&](const core::NewTask& t, const ClientInbox::OnOutcome&) { tickets.push_back(t.cookie); });
  return tickets;
}

}  // namespace

TEST_SUITE_BEGIN("client_inbox");

TEST_CASE("tasks come out whole and in order, with their tickets") {
  ClientInbox inbox(10, 1000, 1000);
  Task first = task("k1", 3);
  first.priority = 7;
  first.ttl = 5s;
  CHECK(inbox.put(first) == 1);
  CHECK(inbox.put(task("", 0)) == 2);
  CHECK(inbox.has_work());
  std::vector<std::string> seen;
  inbox.fetch([&](const core::NewTask& t, const ClientInbox::OnOutcome&) {
    seen.push_back(std::to_string(t.cookie) + std::string(t.type) + std::string(t.key) +
                   std::string(core::as_text(t.payload)) + std::to_string(t.priority) + "/" +
                   std::to_string(t.ttl_ms));
  });
  CHECK(seen == std::vector<std::string>{"1resizek1ppp7/5000", "2resize0/0"});
  CHECK_FALSE(inbox.has_work());
}

TEST_CASE("a caller waits while too many tasks are unanswered, those in the loop included") {
  ClientInbox inbox(2, 1'000'000, 1000);
  CHECK(inbox.put(task()) == 1);
  CHECK(inbox.put(task()) == 2);
  CHECK(fetch(inbox).size() == 2);
  auto third = std::async(std::launch::async, [&] { return inbox.put(task()); });
  CHECK(third.wait_for(20ms) == std::future_status::timeout);
  inbox.answered(1);
  inbox.publish(1, 7);
  CHECK(third.get() == 3);
  CHECK(inbox.unanswered() == 2);
}

TEST_CASE("a caller waits while too many bytes are unanswered, but one large task always goes") {
  ClientInbox inbox(100, 50, 1000);
  CHECK(inbox.put(task("", 500)) == 1);
  auto second = std::async(std::launch::async, [&] { return inbox.put(task()); });
  CHECK(second.wait_for(20ms) == std::future_status::timeout);
  CHECK(fetch(inbox).size() == 1);
  inbox.answered(1);
  inbox.publish(0, 0);
  CHECK(second.get() == 2);
}

TEST_CASE("whoever waits for answers waits for those given out before, whatever their order") {
  ClientInbox inbox(10, 1000, 1000);
  for (int i = 0; i < 3; ++i) static_cast<void>(inbox.put(task()));
  static_cast<void>(fetch(inbox));
  auto all = std::async(std::launch::async, [&] { return inbox.wait_answered(10s); });
  inbox.answered(3);
  inbox.answered(1);
  inbox.publish(1, 7);
  CHECK_FALSE(inbox.wait_answered(0ms));
  CHECK(inbox.unanswered() == 1);
  inbox.answered(2);
  inbox.publish(0, 0);
  CHECK(all.get());
  CHECK(inbox.unanswered() == 0);
  CHECK(inbox.wait_answered(0ms));
}

TEST_CASE("closing lets all go who wait") {
  ClientInbox inbox(1, 1000, 1000);
  CHECK(inbox.put(task()) == 1);
  auto waiter = std::async(std::launch::async, [&] { return inbox.wait_answered(10s); });
  auto putter = std::async(std::launch::async, [&] { return inbox.put(task()); });
  inbox.close();
  CHECK_FALSE(waiter.get());
  CHECK(putter.get() == 0);
}

TEST_SUITE_END();
