// message_test.cpp: spent messages are used again.
// SPDX-License-Identifier: MIT
#include "core/message.hpp"

#include <doctest/doctest.h>

using namespace sluice::core;

namespace {

template <typename M>
void check_reuse() {
  EntryPool pool;
  M message = pool.take<M>();
  message.entries.resize(100);
  const auto* data = message.entries.data();
  pool.give_back(std::move(message));
  const M again = pool.take<M>();
  CHECK(again.entries.empty());
  CHECK(again.entries.capacity() >= 100);
  CHECK(again.entries.data() == data);
  CHECK(pool.take<M>().entries.capacity() == 0);  // there was but one
}

}  // namespace

TEST_SUITE("entry pool") {
  TEST_CASE("a hot message comes back empty, with the room it had") {
    check_reuse<Tasks>();
    check_reuse<Ack>();
    check_reuse<Outcomes>();
    check_reuse<Submit>();
  }

  TEST_CASE("nothing of its earlier life is left in it") {
    EntryPool pool;
    Tasks tasks;
    tasks.tasks_before = tasks.bytes_before = tasks.void_n = 9;
    tasks.types.push_back("t");
    pool.give_back(std::move(tasks));
    const Tasks again = pool.take<Tasks>();
    CHECK(again.tasks_before == 0);
    CHECK(again.bytes_before == 0);
    CHECK(again.void_n == 0);
    CHECK(again.types.empty());
    SinkConfirm confirm;
    confirm.stored.resize(3);
    confirm.exceptions.resize(3);
    confirm.outcomes_limit = confirm.bytes_limit = 9;
    pool.give_back(std::move(confirm));
    const SinkConfirm fresh = pool.take<SinkConfirm>();
    CHECK(fresh.stored.empty());
    CHECK(fresh.exceptions.empty());
    CHECK(fresh.outcomes_limit == 0);
    CHECK(fresh.bytes_limit == 0);
  }

  TEST_CASE("it keeps a bounded number, and drops what is not hot") {
    EntryPool pool;
    for (int i = 0; i < 1000; ++i) {
      Ack ack;
      ack.entries.reserve(1);
      pool.give_back(std::move(ack));
      pool.give_back(Hello{});
    }
    int kept = 0;
    while (pool.take<Ack>().entries.capacity() > 0) ++kept;
    CHECK(kept == 64);
  }
}
