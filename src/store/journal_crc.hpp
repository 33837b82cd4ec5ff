// journal_crc.hpp: CRC-32C, which tells a damaged record from a sound one.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::store {

/// The checksum of what was summed up before (0 at first) and of `bytes` behind it.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t before, std::span<const std::byte> bytes);
/// The same of eight bytes, the lowest first.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t before, std::uint64_t value);

}  // namespace sluice::store
