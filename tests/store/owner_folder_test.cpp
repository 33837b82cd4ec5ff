// owner_folder_test.cpp: claims that exclude each other, and owners that learn of the next.
// SPDX-License-Identifier: MIT
#include "store/owner_folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include <sluice/error.hpp>

#include "support/temp_folder.hpp"

using namespace sluice;
using store::OwnerFolder;
using store::OwnerRecord;

namespace {

OwnerRecord record_of(const std::string& id) {
  OwnerRecord out = OwnerRecord::of_this_process();
  out.id = id;
  out.name = "head \"one\"";
  out.control = "tcp://head:5570";
  out.sinks = {"tcp://sink:5571", "tcp://sink:5572"};
  out.sync = "always";
  out.epoch = 3;
  out.failover_ms = 5000;
  out.since_ms = 1'700'000'000'000;
  return out;
}

}  // namespace

TEST_SUITE("owner_record") {
  TEST_CASE("what was written is read") {
    OwnerRecord record = record_of("ab");
    record.renewals = 12;
    record.ended = true;
    const auto read = store::parse_owner_record(store::to_text(record));
    REQUIRE(read);
    CHECK(read->id == "ab");
    CHECK(read->name == record.name);
    CHECK(read->control == record.control);
    CHECK(read->sinks == record.sinks);
    CHECK(read->sync == "always");
    CHECK(read->renewals == 12);
    CHECK(read->epoch == 3);
    CHECK(read->failover_ms == 5000);
    CHECK(read->host == record.host);
    CHECK(read->process_space == record.process_space);
    CHECK(read->pid == record.pid);
    CHECK(read->since_ms == record.since_ms);
    CHECK(read->ended);
  }

  TEST_CASE("a record that is not whole is none, whatever is cut or changed") {
    const std::string text = store::to_text(record_of("ab"));
    for (std::size_t length = 0; length + 1 < text.size(); ++length)
      CHECK_FALSE(store::parse_owner_record(text.substr(0, length)));
    for (std::size_t at = 0; at < text.size(); ++at) {
      std::string changed = text;
      changed[at] = static_cast<char>(changed[at] ^ 1);
      CHECK_FALSE(store::parse_owner_record(changed));
    }
  }

  TEST_CASE("what a longer text has left behind does no harm") {
    const std::string text = store::to_text(record_of("ab"));
    CHECK(store::parse_owner_record(text + "rest\nof another"));
  }

  TEST_CASE("a process that lives is not gone, nor one on another machine") {
    OwnerRecord record = record_of("ab");
    CHECK_FALSE(record.process_is_gone());
    record.pid = 0x3fffffff;
    CHECK(record.process_is_gone());
    record.host = "elsewhere";
    CHECK_FALSE(record.process_is_gone());
  }
}

TEST_SUITE("owner_folder") {
  TEST_CASE("where nobody was there is no claim") {
    const TempFolder folder;
    const OwnerFolder owners(folder.path());
    CHECK(owners.look().generation == 0);
  }

  TEST_CASE("one of two who follow the same owner is the next") {
    const TempFolder folder;
    const OwnerFolder owners(folder.path()), others(folder.path());
    const auto nobody = others.look();
    const auto first = owners.claim(owners.look(), record_of("aa"));
    REQUIRE(first);
    CHECK(first->generation == 1);
    CHECK_FALSE(others.claim(nobody, record_of("bb")));
    CHECK(others.look().generation == 1);
    CHECK(others.look().record->id == "aa");
  }

  TEST_CASE("an owner finds out that it was followed, and can say nothing any more") {
    const TempFolder folder;
    const OwnerFolder owners(folder.path());
    const auto first = owners.claim(owners.look(), record_of("aa"));
    REQUIRE(first);
    CHECK(first->file.is_in_place());
    const auto second = owners.claim(owners.look(), record_of("bb"));
    REQUIRE(second);
    CHECK(second->wait_ms == 0);
    CHECK_FALSE(first->file.is_in_place());
    CHECK(second->file.is_in_place());
    first->file.write(record_of("aa"));
    CHECK(owners.look().generation == 2);
    CHECK(owners.look().record->id == "bb");
  }

  TEST_CASE("each announcement is seen as a change") {
    const TempFolder folder;
    const OwnerFolder owners(folder.path());
    OwnerRecord record = record_of("aa");
    const auto claim = owners.claim(owners.look(), record);
    const auto before = owners.look().token;
    CHECK(owners.look().token == before);
    ++record.renewals;
    claim->file.write(record);
    CHECK(owners.look().token != before);
  }

  TEST_CASE("an owner that spoke between the last look and the claim is noticed") {
    const TempFolder folder;
    const OwnerFolder owners(folder.path());
    OwnerRecord record = record_of("aa");
    const auto first = owners.claim(owners.look(), record);
    const auto seen = owners.look();
    ++record.renewals;
    first->file.write(record);
    const auto second = owners.claim(seen, record_of("bb"));
    REQUIRE(second);
    CHECK(second->wait_ms == 2500);
  }

  TEST_CASE("a claim that was never finished is followed like any other") {
    const TempFolder folder;
    const OwnerFolder owners(folder.path());
    const auto first = owners.claim(owners.look(), record_of("aa"));
    write_file(folder.file("takeover/owner-2"), "");  // it died having created its file
    const auto seen = owners.look();
    CHECK(seen.generation == 2);
    CHECK_FALSE(seen.record);
    CHECK(first->file.is_in_place());
    const auto third = owners.claim(seen, record_of("cc"));
    REQUIRE(third);
    CHECK(third->generation == 3);
    CHECK(third->wait_ms == 2500);  // the first one was never told, and may be at work
    CHECK_FALSE(first->file.is_in_place());
  }

  TEST_CASE("the files of those long gone do not pile up") {
    const TempFolder folder;
    const OwnerFolder owners(folder.path());
    for (int i = 0; i < 9; ++i) REQUIRE(owners.claim(owners.look(), record_of("aa")));
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.file("takeover")))
      files += entry.is_regular_file() ? 1U : 0U;
    CHECK(files == 2);
  }

  TEST_CASE("standbys say that they are there") {
    const TempFolder folder;
    const OwnerFolder owners(folder.path());
    CHECK(owners.standbys().empty());
    OwnerRecord record = record_of("bb");
    const auto one = owners.announce_standby(record);
    const auto two = owners.announce_standby(record_of("aa"));
    REQUIRE(owners.standbys().size() == 2);
    CHECK(owners.standbys()[0].record.id == "aa");
    const auto before = owners.standbys()[1].token;
    ++record.renewals;
    one.write(record);
    CHECK(owners.standbys()[1].token != before);
    CHECK(owners.look().generation == 0);
    owners.remove_standby("aa");
    CHECK(owners.standbys().size() == 1);
  }

  TEST_CASE("a folder that cannot be read is an error, not an empty one") {
    const TempFolder folder;
    const OwnerFolder owners(folder.path());
    std::filesystem::remove_all(folder.file("takeover"));
    CHECK_THROWS_AS(owners.look(), Error);
    CHECK_THROWS_AS(OwnerFolder(folder.file("none")), Error);
  }
}
