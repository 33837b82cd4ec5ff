// entropy.hpp: random bytes for logs, boots, incarnations and seeds.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::net {

/// Fills from the kernel. Safe from any thread. Throws Error if the kernel gives none.
void fill_random(std::span<std::uint8_t> bytes);

/// core::Log, core::Boot and core::Incarnation are such arrays.
template <typename Array>
[[nodiscard]] Array random_id() {
  Array id{};
  fill_random(id);
  return id;
}
/// A seed for core's own generator.
[[nodiscard]] std::uint64_t random_u64();

}  // namespace sluice::net
