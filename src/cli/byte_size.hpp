// byte_size.hpp: amounts of bytes as people write them.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::cli {

/// Reads "512", "64K", "1.5G", "1MiB". K M G T P (either case, with or without "iB") are powers of
/// 1024; KB MB GB TB PB are powers of 1000; a plain number or "B" is bytes.
///
/// Throws sluice::Error, which lists the accepted forms, for anything else, a negative amount, and
/// more than 64 bits can hold. Part of a byte is dropped.
[[nodiscard]] std::uint64_t parse_byte_size(std::string_view text);

}  // namespace sluice::cli
