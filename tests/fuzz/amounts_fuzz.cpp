// amounts_fuzz.cpp: any text as a length of time, a size, a range of numbers, a rule to halt.
// SPDX-License-Identifier: MIT
#include <sluice/error.hpp>

#include "cli/array_range.hpp"
#include "cli/byte_size.hpp"
#include "cli/duration.hpp"
#include "cli/halt.hpp"
#include "fuzz/fuzz.hpp"

using namespace sluice;

namespace {

using fuzz::require;

template <typename Read>
void try_to(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    require(error.what()[0] != '\0', "a refusal says why");
  }
}

}  // namespace

SLUICE_FUZZ(amounts) {
  const std::string_view text = fuzz::text_of(input);
  try_to([&] {
    const auto duration = cli::parse_duration(text);
    require(duration.count() >= 0, "a length of time is not negative");
    require(!cli::format_duration(duration).empty(), "it can be told");
  });
  try_to([&] { static_cast<void>(cli::parse_byte_size(text)); });
  try_to([&] {
    cli::ArrayRange range(text);
    require(range.size() > 0, "a range has numbers");
    std::uint64_t taken = 0;
    while (taken < 1000 && range.next()) ++taken;
    require(taken == std::min<std::uint64_t>(range.size(), 1000), "it gives as many as it says");
  });
  try_to([&] {
    cli::HaltPolicy policy(cli::parse_halt(text));
    for (int i = 0; i < 20; ++i) static_cast<void>(policy.finished(i % 3 == 0 ? 0 : i, i % 2));
    require(policy.exit_code() >= 0 && policy.exit_code() <= 255, "an exit code is a byte");
  });
  if (text.size() == 8) {  // any number as a length of time, those that none can read, too
    fuzz::Choices choices(input);
    const auto any = static_cast<std::int64_t>(choices.bytes(8));
    require(!cli::format_duration(std::chrono::microseconds(any)).empty(), "any can be told");
  }
}
