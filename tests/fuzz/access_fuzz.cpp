// access_fuzz.cpp: any bytes as an access file.
// SPDX-License-Identifier: MIT
#include <sluice/access.hpp>
#include <sluice/error.hpp>

#include "fuzz/scratch_file.hpp"

using namespace sluice;

SLUICE_FUZZ(access) {
  const fuzz::ScratchFile file(fuzz::text_of(input));
  try {
    const Access access = Access::load(file.path());
    fuzz::require(!access.process_is_gone(), "what is loaded may be alive");
    fuzz::require(!access.age().empty(), "an age can be told");
  } catch (const Error& error) {
    fuzz::require(error.what()[0] != '\0', "a refusal says why");
  }
}
