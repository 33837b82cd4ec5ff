// outcome_checkpoint_fuzz.cpp: any bytes as the checkpoint of an outcome file.
// SPDX-License-Identifier: MIT
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/collector.hpp"
#include "fuzz/fuzz.hpp"
#include "store/journal_crc.hpp"
#include "store/outcome_checkpoint.hpp"

using namespace sluice;

// The last four bytes become the right checksum: what is told by it is no use to a fuzzer.
SLUICE_FUZZ(outcome_checkpoint) {
  using fuzz::require;
  if (input.size() < 4) return;
  std::string bytes(fuzz::text_of(input.subspan(0, input.size() - 4)));
  const std::uint32_t crc = store::crc32c(0, std::as_bytes(input.subspan(0, input.size() - 4)));
  for (unsigned i = 0; i < 4; ++i) bytes += static_cast<char>(crc >> (8 * i) & 0xFFU);
  store::CheckpointReader reader;
  if (!reader.open(std::move(bytes)).empty()) return;
  const store::CheckpointHead& head = reader.head();
  require(head.from <= head.upto, "it does not speak of less than it must");
  constexpr std::uint64_t kLargeFile = std::uint64_t{1} << 24;  // enough to restore in no time
  if (head.upto > kLargeFile) return;
  core::Collector collector({}, {1}, core::Epoch{1});
  std::uint64_t tasks = 0;
  std::vector<store::OutcomeIndex::Stretch> stretches;
  reader.read(
      [&](const core::KnownSlice& slice) {
        for (const core::KnownRun& run : slice.runs) {
          require(run.count > 0 && run.step > 0 && core::is_stored(run.state), "runs are sound");
          require(run.first + (run.count - 1) * run.step >= run.first, "no run goes round");
          tasks += run.count;
        }
        collector.restore(slice);
      },
      stretches);
  require(tasks <= head.upto / 64, "it tells of no more tasks than the file has room for");
  for (std::size_t i = 1; i < stretches.size(); ++i)
    require(stretches[i].from > stretches[i - 1].from, "stretches come in order");
  store::OutcomeIndex index;
  index.restore(std::move(stretches), head.from);
  static_cast<void>(index.parts({{core::Log{1}, core::Seq{5}}}, head.upto));
}
