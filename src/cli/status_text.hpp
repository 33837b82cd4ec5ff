// status_text.hpp: a ventilator's status as people want to see it.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace sluice::cli {

/// From the JSON that a ventilator answers: a summary, its tasks by state, rates, workers and
/// sinks. What is zero and of no interest then, such as refused frames, is left out. Fields
/// that an older ventilator does not send count as zero. `colour` makes trouble red and headings
/// bold. Throws sluice::Error if `json` is no such status.
[[nodiscard]] std::string status_text(const std::string& json, bool colour);

}  // namespace sluice::cli
