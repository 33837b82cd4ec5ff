// outcome_checkpoint_test.cpp: bytes that are read back, or refused.
// SPDX-License-Identifier: MIT
#include "store/outcome_checkpoint.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "store/journal_crc.hpp"
#include "store/memory_disk.hpp"

using namespace sluice;
using namespace sluice::store;

namespace {

constexpr core::Log log_a{0xA}, log_b{0xB};

core::KnownSlice slice_a() {
  return {log_a,
          {{1, 1000, 1, core::Known::done},
           {1001, 1, 1, core::Known::failed},
           {1'000'000'007, 70'000, 3, core::Known::done}},
          core::Seq{900}};
}
core::KnownSlice slice_b() { return {log_b, {{4, 2, 2, core::Known::expired}}, {}}; }
std::vector<OutcomeIndex::Stretch> some_stretches() {
  return {{0, false, {{log_a, 1, 700}, {log_b, 4, 6}}}, {5'000'000, true, {}}};
}
std::string some_bytes(std::uint64_t upto = 40'000'000) {
  CheckpointWriter writer;
  writer.add(slice_a());
  writer.add(slice_b());
  writer.add(some_stretches());
  CheckpointHead head;
  head.file = {12, 34};
  head.from = 30'000'000;
  head.upto = upto;
  head.lines = 71'003;
  head.first_crc = 5;
  head.last_crc = 6;
  return writer.finish(head);
}
// As if it had been written so: only the checksum tells a damaged one from a sound one.
void seal(std::string& bytes) {
  bytes.resize(bytes.size() - 4);
  const std::uint32_t crc = crc32c(0, std::as_bytes(std::span(bytes)));
  for (unsigned i = 0; i < 4; ++i) bytes += static_cast<char>(crc >> (8 * i) & 0xFFU);
}

}  // namespace

TEST_SUITE_BEGIN("outcome_checkpoint");

TEST_CASE("what was written is read back") {
  CheckpointReader reader;
  REQUIRE(reader.open(some_bytes()) == "");
  CHECK(reader.head().file == FileIdentity{12, 34});
  CHECK(reader.head().from == 30'000'000);
  CHECK(reader.head().upto == 40'000'000);
  CHECK(reader.head().lines == 71'003);
  CHECK(reader.head().first_crc == 5);
  CHECK(reader.head().last_crc == 6);
  std::vector<core::KnownSlice> slices;
  std::vector<OutcomeIndex::Stretch> stretches;
  reader.read([&](const core::KnownSlice& slice) { slices.push_back(slice); }, stretches);
  REQUIRE(slices.size() == 3);  // the floor is a slice of its own
  CHECK(slices[0].log == log_a);
  CHECK(slices[0].runs == slice_a().runs);
  CHECK(slices[1].log == log_a);
  CHECK(slices[1].floor == core::Seq{900});
  CHECK(slices[2].log == log_b);
  CHECK(slices[2].runs == slice_b().runs);
  CHECK(stretches == some_stretches());
}

TEST_CASE("no damaged byte and no missing end goes unnoticed") {
  const std::string sound = some_bytes();
  for (std::size_t at = 0; at < sound.size(); ++at) {
    std::string bytes = sound;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    CheckpointReader damaged, torn;
    CHECK(damaged.open(bytes) != "");
    CHECK(torn.open(sound.substr(0, at)) != "");
  }
  CheckpointReader longer;
  CHECK(longer.open(sound + '\0') != "");
}

TEST_CASE("another version, another kind, and another file are told apart") {
  std::string bytes = some_bytes();
  CheckpointReader reader;
  bytes[8] = 2;
  seal(bytes);
  CHECK(reader.open(bytes) == "has version 2");
  bytes = some_bytes();
  bytes[12] = 2;
  seal(bytes);
  CHECK(reader.open(bytes) == "speaks of a file of another kind");
  CHECK(reader.open("{\"id\":\"9f3a1c07-1\"}\n") == "is no checkpoint of sluice");
  CHECK(reader.open("") == "is no checkpoint of sluice");
}

// Whoever can write the file may give it a right checksum, too: it must do no harm.
TEST_CASE("numbers that cannot be are refused") {
  const std::string sound = some_bytes();
  int refused = 0;
  for (std::size_t at = 72; at + 4 < sound.size(); ++at) {
    std::string bytes = sound;
    bytes[at] = '\x7F';
    seal(bytes);
    CheckpointReader reader;
    if (!reader.open(bytes).empty()) ++refused;
  }
  CHECK(refused > 20);
  CheckpointReader reader;
  CHECK(reader.open(some_bytes(30'000'000)) == "");
  CHECK(reader.open(some_bytes(29'999'999)) == "contradicts itself");
}

TEST_CASE("more tasks than the file has room for are refused") {
  CheckpointWriter writer;
  writer.add({log_a, {{1, 1001, 1, core::Known::done}}, {}});
  CheckpointHead head;
  head.upto = 64'000;
  CheckpointReader reader;
  CHECK(reader.open(writer.finish(head)) == "contradicts itself");
}

TEST_CASE("while a checkpoint is put in place the one before is whole") {
  constexpr const char* path = "out.checkpoint";
  const std::string first(5000, '1'), second(3'000'000, '2');
  std::uint64_t operations = 0;
  {
    MemoryDisk disk;
    CHECK(install_checkpoint(disk, path, first) == "");
    CHECK(disk.content(path) == first);
    disk.operations = 0;
    CHECK(install_checkpoint(disk, path, second) == "");
    operations = disk.operations;
  }
  CHECK(operations == 7);  // open, three writes, sync, rename, sync of the name
  for (std::uint64_t at = 0; at < operations; ++at) {
    for (int luck = -1; luck <= 2; ++luck) {  // -1: only the process dies
      MemoryDisk disk;
      CHECK(install_checkpoint(disk, path, first) == "");
      disk.operations = 0;
      disk.die_at = at;
      CHECK_THROWS_AS(static_cast<void>(install_checkpoint(disk, path, second)), Died);
      if (luck >= 0) disk.cut_power(luck);
      const bool whole = disk.content(path) == first || disk.content(path) == second;
      CHECK(whole);
      if (at <= 5) CHECK_MESSAGE((disk.content(path) == first), at, " ", luck);
      disk.die_at = ~0ULL;
      CHECK(install_checkpoint(disk, path, second) == "");  // whatever the death left
      CHECK(disk.content(path) == second);
    }
  }
}

TEST_SUITE_END();
