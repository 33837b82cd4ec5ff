// vectors_test.cpp: the bytes of every message, kept in files that other languages read too.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sys/wait.h>

#include "wire/codec.hpp"
#include "wire/reference.hpp"
#include "wire/samples.hpp"

using namespace sluice;
using namespace sluice::wire::test;

namespace {

// How the payloads of a sample are cut: texts and payloads in the order of the entries.
std::vector<std::string> heap_pieces(const core::Message& message) {
  std::vector<std::string> pieces;
  const auto add = [&pieces](core::Bytes bytes) { pieces.push_back(hex_of(bytes)); };
  if (const auto* tasks = std::get_if<core::Tasks>(&message)) {
    for (const auto& e : tasks->entries) add(e.payload);
  } else if (const auto* submit = std::get_if<core::Submit>(&message)) {
    for (const auto& e : submit->entries) add(e.payload);
  } else if (const auto* nack = std::get_if<core::Nack>(&message)) {
    for (const auto& e : nack->entries) add(core::as_bytes(e.text));
  } else if (const auto* progress = std::get_if<core::Progress>(&message)) {
    for (const auto& e : progress->entries) add(core::as_bytes(e.text));
  } else {
    const auto* watched = std::get_if<core::Watched>(&message);
    const auto* outcomes = watched ? &watched->outcomes : std::get_if<core::Outcomes>(&message);
    if (outcomes == nullptr) return pieces;
    for (const auto& e : outcomes->entries) {
      add(core::as_bytes(e.error));
      add(e.payload);
    }
  }
  return pieces;
}

std::string index_entry(const Sample& sample) {
  const Frame frame = encoded(sample.envelope);
  const auto header = wire::read_header(frame);
  REQUIRE(header);
  std::string out = "  {\"file\": \"" + sample.name + ".bin\", \"message\": \"";
  out += wire::type_name(header->type);
  out += "\", \"type\": " + std::to_string(header->type);
  out += ", \"sid\": " + std::to_string(core::raw(header->sid));
  out += ", \"n\": " + std::to_string(header->n);
  out += ",\n   \"body\": " + as_json(unpacked(body_of(frame)).get());
  out += ",\n   \"heap\": [";
  bool first = true;
  for (const std::string& piece : heap_pieces(sample.envelope.message)) {
    out += (first ? "\"" : ", \"") + piece + "\"";
    first = false;
  }
  return out + "]}";
}

std::string index_text() {
  std::string out = "[\n";
  bool first = true;
  for (const Sample& sample : samples()) {
    if (!first) out += ",\n";
    first = false;
    out += index_entry(sample);
  }
  return out + "\n]\n";
}

}  // namespace

TEST_SUITE("vectors") {
  // Run by hand after a change of the protocol, and look at the difference:
  //   test_wire --no-skip --test-case="the vectors are written anew"
  TEST_CASE("the vectors are written anew" * doctest::skip()) {
    for (const Sample& sample : samples()) {
      const Frame frame = encoded(sample.envelope);
      std::ofstream file(vector_folder() + sample.name + ".bin", std::ios::binary);
      file << core::as_text(frame);
      CHECK(file.good());
    }
    std::ofstream index(vector_folder() + "index.json", std::ios::binary);
    index << index_text();
    CHECK(index.good());
  }

  TEST_CASE("every type of message has a vector") {
    std::set<std::size_t> seen;
    for (const Sample& sample : samples()) seen.insert(sample.envelope.message.index());
    CHECK(seen.size() == std::variant_size_v<core::Message>);
  }

  TEST_CASE("every message is encoded to the bytes of its vector") {
    for (const Sample& sample : samples()) {
      INFO(sample.name);
      CHECK(encoded(sample.envelope) == read_file(vector_folder() + sample.name + ".bin"));
    }
  }

  TEST_CASE("every vector is decoded and encoded back to the same bytes") {
    const wire::Codec codec(wire::Role::any);
    core::EntryPool pool;
    for (const Sample& sample : samples()) {
      INFO(sample.name);
      const Frame frame = read_file(vector_folder() + sample.name + ".bin");
      wire::DecodeError error;
      auto envelope = codec.decode(frame, pool, error);
      INFO(std::string(error.what));
      REQUIRE(envelope);
      CHECK(envelope->sid == sample.envelope.sid);
      CHECK(envelope->n == sample.envelope.n);
      CHECK(envelope->message.index() == sample.envelope.message.index());
      CHECK(encoded(*envelope) == frame);
      pool.give_back(std::move(envelope->message));
    }
  }

  TEST_CASE("msgpack's own library reads every body and packs it to the same bytes") {
    for (const Sample& sample : samples()) {
      INFO(sample.name);
      const Frame frame = encoded(sample.envelope);
      CHECK(repacked(unpacked(body_of(frame)).get()) == to_frame(body_of(frame)));
    }
  }

  TEST_CASE("the index tells what is in the vectors") {
    CHECK(core::as_text(read_file(vector_folder() + "index.json")) == index_text());
  }

  // The script ends with 77 where Python has no msgpack.
  TEST_CASE("Python reads every vector and packs it to the same bytes") {
    int code = 77;
    for (const char* python : {"python3", "/usr/bin/python3"}) {
      const std::string command = std::string(python) + " \"" + SLUICE_TEST_DATA +
                                  "/wire/read_vectors.py\" > /dev/null";
      const int status = std::system(command.c_str());
      code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
      if (code != 77 && code != 127) break;
    }
    if (code == 77 || code == 127) {
      MESSAGE("not checked: there is no python3 with msgpack");
      return;
    }
    CHECK(code == 0);
  }
}
