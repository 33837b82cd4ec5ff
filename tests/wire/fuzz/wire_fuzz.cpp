// wire_fuzz.cpp: a libFuzzer target: any bytes into the decoder of every role.
// SPDX-License-Identifier: MIT
//
// clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Isrc -Iinclude
//   tests/wire/fuzz/wire_fuzz.cpp src/wire/*.cpp src/core/message.cpp src/core/assert.cpp
//   -o wire_fuzz && ./wire_fuzz CORPUS tests/wire/vectors

#include <cstdlib>

#include "wire/codec.hpp"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static core::EntryPool pool;
  static wire::Buffer buffer;
  const wire::Codec codec(wire::Role::any);
  wire::DecodeError error;
  auto envelope = codec.decode(std::as_bytes(std::span(data, size)), pool, error);
  if (!envelope) return 0;
  wire::Codec::encode(*envelope, buffer);
  if (buffer.size() > wire::Codec::size_bound(*envelope)) std::abort();
  pool.give_back(std::move(envelope->message));
  auto again = codec.decode(buffer.bytes(), pool, error);
  if (!again) std::abort();
  pool.give_back(std::move(again->message));
  return 0;
}
