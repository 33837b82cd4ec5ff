// overloaded.hpp: several lambdas as one visitor.
// SPDX-License-Identifier: MIT
#pragma once

namespace sluice::core {

/// For std::visit.
template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace sluice::core
