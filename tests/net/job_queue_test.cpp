// job_queue_test.cpp: nothing is lost, doubled or put out of order between threads.
// SPDX-License-Identifier: MIT
#include "net/job_queue.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

using sluice::net::JobQueue;

TEST_SUITE("job_queue") {
  TEST_CASE("what is put in comes out in the same order") {
    JobQueue<int> queue(4);
    for (int i = 0; i < 4; ++i) CHECK(queue.put(i));
    int value = -1;
    for (int i = 0; i < 4; ++i) {
      REQUIRE(queue.take(value));
      CHECK(value == i);
    }
    CHECK_FALSE(queue.take(value));
  }

  TEST_CASE("a full queue refuses, and takes again once there is room") {
    JobQueue<int> queue(2);
    CHECK(queue.put(1));
    CHECK(queue.put(2));
    CHECK_FALSE(queue.put(3));
    int value = 0;
    REQUIRE(queue.take(value));
    CHECK(queue.put(3));
    CHECK(queue.taken() == 1);
    CHECK(queue.put_count() == 3);
  }

  TEST_CASE("a queue knows when it is empty, also after many rounds") {
    JobQueue<int> queue(2);
    for (int i = 0; i < 1000; ++i) {
      CHECK(queue.is_empty());
      CHECK(queue.put(i));
      CHECK_FALSE(queue.is_empty());
      int value = -1;
      REQUIRE(queue.take(value));
      CHECK(value == i);
    }
  }

  TEST_CASE("several takers get each value exactly once") {
    constexpr std::uint64_t kValues = 100'000;
    JobQueue<std::uint64_t> queue(64);
    std::atomic<std::uint64_t> sum{0};
    std::atomic<std::uint64_t> count{0};
    std::vector<std::thread> takers;
    for (int i = 0; i < 3; ++i)
      takers.emplace_back([&] {
        std::uint64_t value = 0;
        while (count.load() < kValues) {
          if (!queue.take(value)) {
            std::this_thread::yield();
            continue;
          }
          sum.fetch_add(value);
          count.fetch_add(1);
        }
      });
    for (std::uint64_t i = 1; i <= kValues;) {
      if (queue.put(i))
        ++i;
      else
        std::this_thread::yield();
    }
    for (std::thread& taker : takers) taker.join();
    CHECK(count.load() == kValues);
    CHECK(sum.load() == kValues * (kValues + 1) / 2);
  }
}
