// watch_shelf_test.cpp: what stays on the shelf, and what is pushed off.
// SPDX-License-Identifier: MIT
#include "core/watch_shelf.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using namespace sluice::core;

namespace {

constexpr Log log_a{0xA};

TaskKey key(std::uint64_t seq) { return {log_a, Seq{seq}}; }

std::unique_ptr<ShelfItem> item(std::string_view payload) {
  StoreEntry entry;
  entry.log = log_a;
  entry.outcome.payload = as_bytes(payload);
  return std::make_unique<ShelfItem>(entry);
}

}  // namespace

TEST_SUITE("watch_shelf") {
  TEST_CASE("an outcome is copied whole, without what was of its delivery") {
    std::unique_ptr<ShelfItem> copy;
    {
      const std::string type = "resize", worker = "ann", name = "k", why = "bad",
                        payload = "result";
      StoreEntry entry;
      entry.log = log_a;
      entry.type = type;
      entry.producer = worker;
      entry.outcome.rsn = Rsn{7};
      entry.outcome.lease = Lease{8};
      entry.outcome.attempt = 2;
      entry.outcome.status = Status::failed;
      entry.outcome.key = name;
      entry.outcome.error = why;
      entry.outcome.payload = as_bytes(payload);
      copy = std::make_unique<ShelfItem>(entry);
    }
    CHECK(copy->type == "resize");
    CHECK(copy->worker == "ann");
    CHECK(copy->outcome.key == "k");
    CHECK(copy->outcome.error == "bad");
    CHECK(as_text(copy->outcome.payload) == "result");
    CHECK(copy->outcome.attempt == 2);
    CHECK(copy->outcome.status == Status::failed);
    CHECK(copy->outcome.rsn == Rsn{});
    CHECK(copy->outcome.lease == Lease{});
    CHECK(copy->cost == WatchShelf::kItemCost + 6 + 3 + 1 + 3 + 6);
  }

  TEST_CASE("the oldest goes for the newest, at the byte") {
    WatchShelf shelf(3 * (WatchShelf::kItemCost + 10));
    for (std::uint64_t seq = 1; seq <= 3; ++seq) shelf.put(key(seq), item("0123456789"));
    CHECK(shelf.size() == 3);
    CHECK(shelf.dropped() == 0);
    shelf.put(key(4), item(""));
    CHECK(shelf.find(key(1)) == nullptr);
    CHECK(shelf.find(key(2)) != nullptr);
    CHECK(shelf.dropped() == 1);
    CHECK(shelf.bytes() == 3 * WatchShelf::kItemCost + 20);
  }

  TEST_CASE("one larger than the whole shelf lies there alone") {
    WatchShelf shelf(2 * WatchShelf::kItemCost);
    shelf.put(key(1), item(""));
    shelf.put(key(2), item(std::string(5000, 'x')));
    CHECK(shelf.find(key(1)) == nullptr);
    CHECK(shelf.find(key(2)) != nullptr);
    shelf.put(key(3), item(""));
    CHECK(shelf.find(key(2)) == nullptr);
    CHECK(shelf.find(key(3)) != nullptr);
  }

  TEST_CASE("the first outcome under a key stays") {
    WatchShelf shelf(10'000);
    shelf.put(key(1), item("first"));
    shelf.put(key(1), item("second"));
    CHECK(as_text(shelf.find(key(1))->outcome.payload) == "first");
    CHECK(shelf.bytes() == WatchShelf::kItemCost + 5);
  }

  TEST_CASE("what is taken off in any order gives its bytes back and is not dropped later") {
    WatchShelf shelf(2 * WatchShelf::kItemCost);
    shelf.put(key(1), item(""));  // stays at the front all the while
    for (std::uint64_t seq = 2; seq < 10'000; ++seq) {
      shelf.put(key(seq), item(""));
      shelf.remove(key(seq));
    }
    shelf.remove(key(77));
    CHECK(shelf.size() == 1);
    CHECK(shelf.dropped() == 0);
    CHECK(shelf.bytes() == WatchShelf::kItemCost);
    shelf.put(key(1), item(""));
    shelf.remove(key(1));
    CHECK(shelf.bytes() == 0);
    shelf.put(key(1), item("again"));
    CHECK(shelf.find(key(1)) != nullptr);
  }
}
