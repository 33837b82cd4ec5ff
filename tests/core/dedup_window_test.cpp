// dedup_window_test.cpp: how long a submit is remembered.
// SPDX-License-Identifier: MIT
#include "core/dedup_window.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace sluice::core;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{1000s};
bool all_settled(Seq) { return true; }

}  // namespace

TEST_SUITE("key window") {
  TEST_CASE("a key is known for the window, and no longer") {
    KeyWindow window(10s, 100);
    CHECK(window.find("k") == nullptr);
    window.remember("k", Seq{3}, 77, kStart);
    REQUIRE(window.find("k") != nullptr);
    CHECK(window.find("k")->seq == Seq{3});
    CHECK(window.find("k")->fingerprint == 77);
    window.expire(kStart + 10s - 1ns, all_settled);
    CHECK(window.find("k") != nullptr);
    window.expire(kStart + 10s, all_settled);
    CHECK(window.find("k") == nullptr);
    CHECK(window.count() == 0);
  }

  TEST_CASE("the key of an unsettled task stays") {
    KeyWindow window(10s, 100);
    std::set<Seq> settled{Seq{2}};
    const auto is_settled = [&](Seq seq) { return settled.count(seq) > 0; };
    window.remember("slow", Seq{1}, 0, kStart);
    window.remember("quick", Seq{2}, 0, kStart);
    window.expire(kStart + 10s, is_settled);
    CHECK(window.find("slow") != nullptr);
    CHECK(window.find("quick") == nullptr);
    settled.insert(Seq{1});
    window.expire(kStart + 20s, is_settled);
    CHECK(window.find("slow") == nullptr);
  }

  TEST_CASE("beyond the limit the oldest settled go sooner") {
    KeyWindow window(10s, 3);
    for (std::uint64_t i = 1; i <= 5; ++i)
      window.remember(std::to_string(i), Seq{i}, 0, kStart + Duration(i));
    window.expire(kStart + 1s, [](Seq seq) { return seq != Seq{1}; });
    CHECK(window.count() == 3);
    CHECK(window.find("1") != nullptr);
    CHECK(window.find("2") == nullptr);
    CHECK(window.find("3") == nullptr);
    CHECK(window.find("5") != nullptr);
    window.expire(kStart + 1s, [](Seq) { return false; });  // ends, whoever is settled
    CHECK(window.count() == 3);
  }

  TEST_CASE("type and payload both make the fingerprint") {
    const std::uint64_t one = fingerprint("t", as_bytes("work"));
    CHECK(fingerprint("t", as_bytes("work")) == one);
    CHECK(fingerprint("t", as_bytes("worm")) != one);
    CHECK(fingerprint("tw", as_bytes("ork")) != one);
    CHECK(fingerprint("u", as_bytes("work")) != one);
  }
}

TEST_SUITE("submit window") {
  TEST_CASE("an answer is remembered by boot and number, for the window") {
    SubmitWindow window(10s, 100);
    const Boot ann{1}, bob{2};
    SubmitConfirm confirm;
    confirm.first = Seq{9};
    window.remember(ann, 1, {confirm, Sid{5}}, kStart);
    REQUIRE(window.find(ann, 1) != nullptr);
    CHECK(window.find(ann, 1)->confirm.first == Seq{9});
    CHECK(window.find(ann, 1)->counted_in == Sid{5});
    CHECK(window.find(bob, 1) == nullptr);
    CHECK(window.find(ann, 2) == nullptr);
    window.expire(kStart + 10s - 1ns);
    CHECK(window.find(ann, 1) != nullptr);
    window.expire(kStart + 10s);
    CHECK(window.find(ann, 1) == nullptr);
  }

  TEST_CASE("an answer full of exceptions counts for as much as it holds") {
    SubmitWindow window(10s, 100);
    SubmitConfirm refused;
    refused.exceptions.resize(60);
    window.remember(Boot{}, 1, {refused, Sid{}}, kStart);
    window.remember(Boot{}, 2, {}, kStart);
    CHECK(window.find(Boot{}, 1) != nullptr);
    window.remember(Boot{}, 3, {refused, Sid{}}, kStart);
    CHECK(window.find(Boot{}, 1) == nullptr);
    CHECK(window.find(Boot{}, 2) != nullptr);
    refused.exceptions.resize(4096);  // one is remembered, however large
    window.remember(Boot{}, 4, {refused, Sid{}}, kStart);
    CHECK(window.count() == 1);
    CHECK(window.find(Boot{}, 4) != nullptr);
  }

  TEST_CASE("beyond the limit the oldest goes") {
    SubmitWindow window(10s, 2);
    for (std::uint64_t cno = 1; cno <= 3; ++cno) window.remember(Boot{}, cno, {}, kStart);
    CHECK(window.count() == 2);
    CHECK(window.find(Boot{}, 1) == nullptr);
    CHECK(window.find(Boot{}, 3) != nullptr);
  }
}
