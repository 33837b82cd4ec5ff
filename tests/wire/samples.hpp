// samples.hpp: one of every message, as values; the vectors are their bytes.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/message.hpp"
#include "wire/buffer.hpp"

namespace sluice::wire::test {

struct Sample {
  std::string name;  // vectors/NAME.bin
  core::Envelope envelope;
};

/// Every message at least once; those with something optional, with and without it.
std::vector<Sample> samples();

using Frame = std::vector<std::byte>;

/// A frame of exactly its size on the heap, so that a sanitizer sees the first byte read too far.
Frame encoded(const core::Envelope& envelope);
/// A frame made by hand: header, body, payloads.
Frame frame_of(std::uint8_t type, core::Bytes body, core::Bytes heap = {}, std::uint64_t n = 1);
core::Bytes body_of(const Frame& frame);
core::Bytes heap_of(const Frame& frame);
Frame to_frame(core::Bytes bytes);

/// Where the vectors lie, with a slash at the end.
std::string vector_folder();
Frame read_file(const std::string& path);

}  // namespace sluice::wire::test
