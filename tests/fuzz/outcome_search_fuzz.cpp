// outcome_search_fuzz.cpp: any bytes as an outcome file in which tasks are looked for.
// SPDX-License-Identifier: MIT
#include <map>
#include <set>
#include <string>

#include "core/ids.hpp"
#include "fuzz/scratch_file.hpp"
#include "store/outcome_search.hpp"

using namespace sluice;

// The first byte is the size of a step, and which tasks are wanted besides those in the file.
SLUICE_FUZZ(outcome_search) {
  using fuzz::require;
  if (input.empty()) return;
  const std::size_t step = 1 + input[0] * 8U;
  std::string text(fuzz::text_of(input.subspan(1)));
  text.resize(text.rfind('\n') + 1);  // a sink only ever shows whole lines; npos + 1 is 0

  std::map<core::TaskKey, int> answers;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const auto stored = store::read_whole_outcome(std::string_view(text).substr(at, end - at));
    if (stored) answers[{stored->outcome.id.log, core::Seq{stored->outcome.id.seq}}] = 0;
    at = end + 1;
  }
  const std::size_t known = answers.size();
  for (unsigned i = 0; i < input[0] % 4U; ++i) answers[{core::Log{0xEE}, core::Seq{i + 1U}}] = 0;

  const fuzz::ScratchFile file(text);
  store::OutcomeSearch search(file.path());
  for (const auto& [key, times] : answers) search.add(key);
  std::size_t found = 0;
  for (std::size_t steps = 0; search.busy(); ++steps) {
    require(steps <= text.size() + 2, "a search comes to an end");
    search.step(
        step, text.size(),
        [&](const store::StoredOutcome& stored) {
          const core::TaskKey key{stored.outcome.id.log, core::Seq{stored.outcome.id.seq}};
          require(answers.count(key) == 1, "only what was asked for is found");
          ++answers[key];
          ++found;
        },
        [&](const core::TaskKey& key) {
          require(answers.count(key) == 1, "only what was asked for is missing");
          ++answers[key];
        });
  }
  for (const auto& [key, times] : answers) require(times == 1, "each is answered once");
  require(found == known, "what is in the file is found");
}
