// journal_codec_test.cpp: what is put into a row can be read from it, and nothing else can.
// SPDX-License-Identifier: MIT
#include "store/journal_codec.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "store/journal_rig.hpp"

using namespace sluice;
using namespace sluice::store;
using namespace journal_rig;

namespace {

// Reads whatever is there to its end or to the first thing that makes no sense.
std::size_t readable(core::Bytes batch) {
  BatchReader reader(batch);
  JournalTask task;
  std::size_t count = 0;
  while (!reader.at_end() && reader.next(task)) ++count;
  return count;
}

}  // namespace

TEST_SUITE_BEGIN("journal_codec");

TEST_CASE("numbers of any size come back") {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128},
                                std::uint64_t{1} << 63, kMost}) {
    Turn turn;
    JournalTask& task = turn.take(1);
    task.exec_ms = task.expires_ms = task.not_before_ms = task.backoff_ms = n;
    task.max_losses = static_cast<std::uint32_t>(n);
    BatchWriter writer;
    writer.add(task);
    BatchReader reader(writer.bytes());
    JournalTask back;
    REQUIRE(reader.next(back));
    CHECK(reader.at_end());
    CHECK(back.exec_ms == n);
    CHECK(back.expires_ms == n);
    CHECK(back.not_before_ms == n);
    CHECK(back.backoff_ms == n);
    CHECK(back.max_losses == static_cast<std::uint32_t>(n));
  }
}

TEST_CASE("type and policy stand once in a row of equal tasks, and change where they change") {
  BatchWriter writer;
  Turn turn;
  JournalTask task = turn.take(1, 0);
  task.type = "a type with a long name";
  writer.add(task);
  const std::size_t first = writer.bytes().size();
  writer.add(task);
  CHECK(writer.bytes().size() == first + 2);  // flags, and the length of its payload
  task.type = "b";
  writer.add(task);
  task.max_attempts = 9;
  writer.add(task);
  BatchReader reader(writer.bytes());
  JournalTask back;
  REQUIRE(reader.next(back));
  REQUIRE(reader.next(back));
  CHECK(back.type == "a type with a long name");
  CHECK(back.max_attempts == 3);
  REQUIRE(reader.next(back));
  CHECK(back.type == "b");
  REQUIRE(reader.next(back));
  CHECK(back.type == "b");
  CHECK(back.max_attempts == 9);
  CHECK(reader.at_end());
}

TEST_CASE("a batch is full at its limit of tasks, and at its limit of bytes") {
  BatchWriter writer;
  Turn turn;
  for (std::uint64_t n = 1; n <= kBatchTasks; ++n) {
    CHECK_FALSE(writer.is_full());
    writer.add(turn.take(n));
  }
  CHECK(writer.is_full());
  writer.clear();
  CHECK_FALSE(writer.is_full());
  writer.add(turn.take(1, kBatchBytes));
  CHECK(writer.is_full());
}

TEST_CASE("a batch that is cut off anywhere has no more tasks than are whole") {
  BatchWriter writer;
  Turn turn;
  for (std::uint64_t n = 1; n <= 5; ++n) writer.add(turn.take(n));
  CHECK(readable(writer.bytes()) == 5);
  for (std::size_t size = 0; size < writer.bytes().size(); ++size)
    CHECK(readable(writer.bytes().first(size)) < 5);
}

TEST_CASE("bytes that are no batch are refused") {
  const std::vector<std::byte> unknown_part{std::byte{0x80}, std::byte{0x04}, std::byte{0}};
  CHECK(readable(unknown_part) == 0);
  const std::vector<std::byte> endless(20, std::byte{0xff});
  CHECK(readable(endless) == 0);
  const std::vector<std::byte> too_long{std::byte{1}, std::byte{200}, std::byte{1}, std::byte{'a'}};
  CHECK(readable(too_long) == 0);
}

TEST_CASE("answers that are cut off are refused") {
  const std::vector<core::SubmitException> exceptions{{300, core::Code::too_large, seq(9)}};
  std::vector<std::byte> bytes;
  put_answer(bytes, {{1, 2}, 77, seq(5), exceptions, 0});
  std::vector<core::SubmitException> room;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    core::Bytes part = core::Bytes(bytes).first(size);
    JournalAnswer back;
    CHECK_FALSE(take_answer(part, back, room));
  }
  core::Bytes whole = bytes;
  JournalAnswer back;
  REQUIRE(take_answer(whole, back, room));
  CHECK(whole.empty());
  CHECK(back.cno == 77);
  REQUIRE(back.exceptions.size() == 1);
  CHECK(back.exceptions[0].index == 300);
  CHECK(back.exceptions[0].code == core::Code::too_large);
}

TEST_SUITE_END();
